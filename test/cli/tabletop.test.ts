/** `sealwright tabletop`: an emergency walked through with a plan, a registry and real signatures, and nothing signed or stopped. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { parseTabletop } from '../../src/core/emergency/tabletop-record.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { Authority } from '../support/revocations.ts';
import { digestName } from './running-cluster.ts';

const LONG = PrivateKey.generate('ecdsa-p256');

interface Lab {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly hold: (...args: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const people = new Authority(world.instance, ['ann', 'ben', 'cem'], { narrow: 1, broad: 2, relaxing: 3 });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(sandbox.path('authority.json'), encodeRevocationAuthority(people.authority));
  const pem = LONG.publicKey.toPem().trim().replaceAll('\n', '\n          ');
  writeFileSync(
    sandbox.path('policy.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec:
  images: [{glob: "**"}]
  authorities:
    - keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}
    - key:
        data: |
          ${pem}
`,
  );
  const trust = ['--trusted-root', 'root.json', '--policy', 'policy.yaml'];
  const made = await sandbox.run(['plan', 'init', ...trust, '--revocation-authority', 'authority.json']);
  assert.equal(made.exitCode, 0, made.stderr);
  return { world, sandbox, hold: (...args) => sandbox.run(['tabletop', ...trust, ...args]) };
}

test('each scenario: what would be said, what it would stop, who agrees, who does what', async (t) => {
  const { world, hold } = await openLab(t);
  const [alice, long] = [await world.pushSigned('shop/alice'), await world.push('shop/long')];
  await world.sign(long, { managed: true, key: LONG });
  const running = [alice, long].flatMap((image) => ['--running', digestName(image)]);
  const scenarios: readonly (readonly [args: readonly string[], count: string, needed: number, command: RegExp])[] = [
    [['stolen-identity'], '1', 2, /ca suspend --dir DIR --issuer https:\/\/accounts\.example\.com/],
    [['stolen-identity', '--from', '2026-06-01T13:00:00Z'], '0', 2, /revoke approve --key KEY incident\.json/],
    [['leaked-key'], '1', 2, /log search --public-key [0-9a-f]{64}/],
    [['ca-compromise'], '1', 2, /--draft emergency-plan\/statements\/ca-compromise-/],
    [['log-compromise'], '0', 2, /revoke publish/],
    [['tsa-compromise'], '1', 2, /revoke export --to vap/],
    [['hostile-image', digestName(alice)], '1', 1, /revoke sign .*shop\/alice@sha256:/],
  ];
  for (const [args, count, needed, command] of scenarios) {
    const ended = await hold(...args, ...running, '-o', 'json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    const record = parseTabletop(ended.stdout);
    // The logs of the instance come in no order: one of them nobody has used.
    if (args[0] !== 'log-compromise') assert.equal(record.blast.count, count, args.join(' '));
    assert.deepEqual(record.approvals, { needed, of: ['ann', 'ben', 'cem'] });
    assert.match(record.steps.map((step) => step.command ?? '').join('\n'), command);
    assert.ok(record.questions.every(({ answer }) => answer === undefined));
  }
});

test('as a page for people; recorded only when asked, and then with who was there', async (t) => {
  const { world, sandbox, hold } = await openLab(t);
  const image = digestName(await world.pushSigned('shop/alice'));
  const records = (): readonly string[] => readdirSync(sandbox.path('emergency-plan/records'));
  const shown = await hold(
    'stolen-identity',
    '--running',
    image,
    '--participant',
    'ann <b>',
    '--answer',
    '1=ann, then ben',
  );
  assert.match(shown.stdout, /^# Tabletop: The identity or workflow/);
  assert.match(shown.stdout, /It would stop\*\* 1 containers of 1 images/);
  assert.match(shown.stdout, /2 of ann, ben, cem/);
  assert.match(shown.stdout, /ann, then ben/);
  assert.ok(!shown.stdout.includes('<b>'));
  assert.deepEqual(records(), []);
  const kept = await hold(
    'stolen-identity',
    '--running',
    image,
    '--participant',
    'ann',
    '--answer',
    '1=ann',
    '--record',
  );
  assert.equal(kept.exitCode, 0, kept.stderr);
  const [file = ''] = records();
  assert.match(file, /^tabletop-\d{8}T\d{6}Z-stolen-identity\.json$/);
  const record = parseTabletop(readFileSync(sandbox.path(`emergency-plan/records/${file}`), 'utf8'));
  assert.deepEqual([record.participants, record.questions[0]?.answer], [['ann'], 'ann']);
});

test('what could not be looked at is said, and makes no small number', async (t) => {
  const { world, hold } = await openLab(t);
  const blind = await hold('leaked-key', '-o', 'json');
  assert.equal(blind.exitCode, 0, blind.stderr);
  const { blast } = parseTabletop(blind.stdout);
  assert.equal(blast.count, '0+1');
  assert.match(blast.notLookedAt.join(), /^the cluster: /);
  const image = digestName(await world.pushSigned('shop/alice'));
  world.fault.answer = () => new Response('down', { status: 500 });
  assert.equal(
    parseTabletop((await hold('stolen-identity', '--running', image, '-o', 'json')).stdout).blast.count,
    '0+1',
  );
});

const REFUSALS: readonly (readonly [name: string, args: readonly string[], code: string])[] = [
  ['an unknown scenario', ['flood'], 'USAGE_BAD_FLAG'],
  ['a hostile image that nobody names', ['hostile-image'], 'USAGE_BAD_FLAG'],
  ['an image beside a draft', ['leaked-key', 'a.example/x'], 'USAGE_BAD_FLAG'],
  ['a draft that is none', ['leaked-key', '--draft', 'x'], 'USAGE_BAD_FLAG'],
  ['a draft of another scenario', ['leaked-key', '--draft', 'stolen-identity-00000000'], 'USAGE_BAD_FLAG'],
  ['a beginning to come', ['leaked-key', '--from', '2036-01-01T00:00:00Z', '--running', 'x'], 'FORMAT_REVOCATION'],
  ['a beginning that is no time', ['leaked-key', '--from', 'noon', '--running', 'x'], 'USAGE_BAD_FLAG'],
  ['an answer to no question', ['leaked-key', '--answer', '99=x'], 'USAGE_BAD_FLAG'],
  ['an empty answer', ['leaked-key', '--answer', '1= '], 'USAGE_BAD_FLAG'],
  ['a record of nobody', ['leaked-key', '--record'], 'USAGE_BAD_FLAG'],
  ['no plan', ['leaked-key', '--plan', 'elsewhere'], 'USAGE_FILE'],
];

test('refused, each by what it is', async (t) => {
  const { hold } = await openLab(t);
  for (const [name, args, code] of REFUSALS) {
    const ended = await hold(...args);
    assert.deepEqual([name, errorCode(ended)], [name, code], ended.stderr);
  }
});
