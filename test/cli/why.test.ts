/** `sealwright why`: any decision explained after the fact, from the files of the ledger and from a running webhook. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDecisionLedger } from '../../src/servers/webhook/decision-ledger.ts';
import { createLedgerRoutes } from '../../src/servers/webhook/ledger-routes.ts';
import { listen, type Listening } from '../../src/servers/shell/listen.ts';
import type { DecisionRecord } from '../../src/workflows/admission/decision-record.ts';
import { Sandbox, errorCode } from '../support/command-line.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const IMAGE = `registry.example/shop/app@${DIGEST}`;

const sandbox = new Sandbox();
let webhook: Listening;

function record(uid: string, changes: Partial<DecisionRecord>): DecisionRecord {
  return {
    at: '2026-01-01T00:00:00.000Z',
    uid,
    stage: 'validate',
    operation: 'CREATE',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-1',
    user: 'alice',
    isDryRun: false,
    decision: 'deny',
    latencyMs: 2,
    images: [
      {
        image: IMAGE,
        resolved: IMAGE,
        paths: ['spec.containers[0].image'],
        action: 'deny',
        evidence: 'fetched',
        policies: [
          {
            policy: 'shop',
            mode: 'enforce',
            hash: DIGEST,
            resourceVersion: '42',
            outcome: 'failed',
            code: 'NO_SIGNATURE',
          },
        ],
        denials: [
          `NO_SIGNATURE  ${IMAGE} has no signature\n  found:    no signature\n  fix:      sealwright sign ${IMAGE}`,
        ],
        warnings: [],
      },
    ],
    ...changes,
  };
}

before(async () => {
  const ledger = openDecisionLedger({ folder: sandbox.path('ledger'), now: () => new Date() });
  ledger.add(record('first', { name: 'web-0', user: 'bob\u001b[2J\nforged' }));
  ledger.add(record('second', {}));
  await ledger.close();
  webhook = await listen(createLedgerRoutes(sandbox.path('ledger')), { host: '127.0.0.1', port: 0 });
});

after(async () => {
  await webhook.close(0);
  sandbox.remove();
});

for (const [place, args] of [
  ['files', () => ['--ledger', 'ledger']],
  ['a webhook', () => ['--webhook', webhook.url]],
] as const) {
  test(`from ${place}: who asked, what was refused, by which state of which policy, and how to mend it`, async () => {
    const ended = await sandbox.run(['why', 'shop/web-1', ...args()]);
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.deepEqual(ended.stdout.split('\n'), [
      '2026-01-01T00:00:00.000Z  Pod shop/web-1: refused',
      '  asked       CREATE by alice',
      '  answered    validate, in 2 ms, review second',
      `  image       ${IMAGE}  (spec.containers[0].image): refused`,
      '    evidence  fetched from the registry for this decision',
      '    policy    shop (enforce, sha256:abababababab…, resourceVersion 42): failed, NO_SIGNATURE',
      `    NO_SIGNATURE  ${IMAGE} has no signature`,
      '      found:    no signature',
      `      fix:      sealwright sign ${IMAGE}`,
      '',
    ]);
    const json = await sandbox.run(['why', DIGEST, '--limit', '5', '-o', 'json', ...args()]);
    const { decisions } = JSON.parse(json.stdout) as { decisions: DecisionRecord[] };
    assert.deepEqual(
      decisions.map(({ uid }) => uid),
      ['second', 'first'],
    );
    assert.deepEqual(decisions[0], record('second', {}));
  });

  test(`from ${place}: what was never seen is said to be, with the command that finds out`, async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['registry.example/shop/new:1', 'kubectl run why --dry-run=server --image=registry.example/shop/new:1'],
      [`sha256:${'cd'.repeat(32)}`, `--dry-run=server --image=REPOSITORY@sha256:${'cd'.repeat(32)}`],
      ['shop/web-9', 'kubectl describe pod web-9'],
    ];
    for (const [text, fix] of cases) {
      const ended = await sandbox.run(['why', text, ...args()]);
      assert.equal(errorCode(ended), 'NOT_FOUND', ended.stderr);
      assert.equal(ended.exitCode, 1);
      assert.equal(ended.stdout, '');
      assert.match(ended.stderr, /^ {2}found: +2 decisions, the oldest of 2026-01-01T00:00:00.000Z$/m);
      assert.ok(ended.stderr.includes(fix), ended.stderr);
    }
    const other = await sandbox.run(['why', 'web-1', '-n', 'other', '-o', 'json', ...args()]);
    assert.equal(errorCode(other), 'NOT_FOUND');
    assert.deepEqual((JSON.parse(other.stdout) as { decisions: unknown[] }).decisions, []);
  });
}

test('what a client wrote cannot write lines or escapes of its own', async () => {
  const ended = await sandbox.run(['why', 'web-0', '--ledger', 'ledger']);
  assert.match(ended.stdout, /^ {2}asked {7}CREATE by bob\\u\{1b\}\[2J\\u\{a\}forged$/m);
});

test('a webhook that cannot be asked, or answers something else, is no decision', async () => {
  const absent = await sandbox.run(['why', 'web-1', '--webhook', 'http://127.0.0.1:1']);
  assert.equal(errorCode(absent), 'REMOTE_UNREACHABLE', absent.stderr);
  const other = await listen(
    { fetch: () => new Response('{"decisions":[{}],"searched":{}}') },
    { host: '127.0.0.1', port: 0 },
  );
  try {
    const ended = await sandbox.run(['why', 'web-1', '--webhook', other.url]);
    assert.equal(errorCode(ended), 'REMOTE_BODY', ended.stderr);
    assert.equal(ended.exitCode, 23);
  } finally {
    await other.close(0);
  }
});
