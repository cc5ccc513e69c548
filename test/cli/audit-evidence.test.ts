/** `sealwright audit evidence`: a folder that is whole or not there, whose every file can be held against its list and its signer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { AuditEntry } from '../../src/core/audit/audit-entry.ts';
import { encodeAuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { VSA_PREDICATE } from '../../src/core/audit/verification-summary.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { AUDITOR, openAuditorSite } from './auditor-site.ts';

const GOOD = 'a'.repeat(64);
const BAD = 'b'.repeat(64);
const UNKNOWN = 'c'.repeat(64);
const PACK = 'https://sealwright.dev/audit-evidence/v1';
const { sandbox, stack, run, trust, auditor, stop } = await openAuditorSite();
after(stop);

before(() => {
  keep('one.json', '2026-03-03T08:00:00Z');
  keep('two.json', '2026-03-10T08:00:00Z');
  keep('other.json', '2026-03-10T08:00:00Z', 'bank');
});

const signing = (): readonly string[] => [
  ...['--sign', '--identity-token', 'token', '--signing-config', stack.status.signingConfig, '--yes'],
  ...trust(),
];
function entry(name: string, hex: string, rest: Partial<AuditEntry>): AuditEntry {
  return {
    ...{ namespace: 'shop', owner: `Deployment ${name}`, path: 'spec.containers[0].image', text: name, pods: 1 },
    ...{ image: `registry.example/${name}@sha256:${hex}`, source: 'status', state: 'verified', policies: ['signed'] },
    ...{ signers: [{ kind: 'identity', name: AUDITOR }] },
    ...rest,
  };
}

function keep(name: string, takenAt: string, system = 'shop'): void {
  const snapshot = encodeAuditSnapshot({
    ...{ system, takenAt: new Date(takenAt), version: '0.1.0', scope: 'a test', trust: 'a test', notLookedAt: [] },
    policies: { source: 'policy.yaml', digest: `sha256:${'0'.repeat(64)}`, count: 1 },
    entries: [
      entry('web', GOOD, {}),
      entry('job', BAD, { state: 'unsigned', signers: [], code: 'NO_SIGNATURE', reason: 'no signature' }),
      entry('ext', UNKNOWN, { state: 'undetermined', cause: 'timeout', signers: [], reason: 'it did not answer' }),
    ],
  });
  writeFileSync(sandbox.path(name), snapshot);
}

const read = (path: string): string => readFileSync(sandbox.path(path), 'utf8');

test('the folder: snapshots by time, the report, policies, a summary for each digest that has a result, and the list of all', async () => {
  const ended = await run(
    ...['audit', 'evidence', 'two.json', 'one.json', '--policy', 'policy.yaml', '--out', 'plain'],
  );
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.match(ended.stdout, /^SLSA {3}Verifying artifacts {2}partly {4}.*1 digests have no result$/m);
  assert.match(ended.stdout, /^summaries by digest: 1 passed, 1 failed, 1 without a result$/m);
  const names = readdirSync(sandbox.path('plain'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.|SUMS/.test(name),
  );
  assert.deepEqual(names.sort(), [
    ...['README.md', 'SHA256SUMS', 'evidence.json', 'policies/01-policy.yaml', 'report.html', 'report.md'],
    ...['snapshots/1-2026-03-03T080000.000Z.json', 'snapshots/2-2026-03-10T080000.000Z.json'],
    ...[`vsa/sha256-${GOOD}.json`, `vsa/sha256-${BAD}.json`],
  ]);
  assert.equal(read('plain/snapshots/1-2026-03-03T080000.000Z.json'), read('one.json'));
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: sandbox.path('plain') });
  const page = read('plain/README.md');
  assert.match(page, /\| SOC 2 \| CC7.1, CC7.2 \|.*\| partly \|.*2 snapshots are not proven to be signed/);
  assert.match(page, /they are not proven to be those that the snapshot was judged by/, 'their digest is another');
  assert.match(page, new RegExp(`sha256:${UNKNOWN}.*undetermined.*it did not answer`));
  assert.match(page, /Nothing in it is signed/);
  const { summaries } = JSON.parse(read('plain/evidence.json')) as {
    summaries: readonly { digest: string; result: string }[];
  };
  assert.deepEqual(
    summaries.map(({ digest, result }) => [digest.slice(7, 8), result]),
    [
      ['a', 'PASSED'],
      ['b', 'FAILED'],
      ['c', 'none'],
    ],
  );
});

test('the policies that it was judged by are known by their digest', async () => {
  const taken = await run(
    ...['audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', ...trust(), '--out', 'taken.json'],
    `${stack.status.registry}/shop/none@sha256:${'0'.repeat(64)}`,
  );
  assert.equal(taken.exitCode, 0, taken.stderr);
  const packed = await run(
    'audit',
    'evidence',
    'taken.json',
    '--policy',
    'policy.yaml',
    '--out',
    'known',
    '-o',
    'json',
  );
  assert.equal(packed.exitCode, 0, packed.stderr);
  assert.doesNotMatch(packed.stdout, /not proven to be those/);
});

test('signed: the list and each summary, by one login, and who was expected verifies them', async () => {
  const ended = await run(
    ...['audit', 'evidence', 'one.json', 'two.json', '--out', 'signed', '-o', 'json', ...signing()],
  );
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.equal((JSON.parse(ended.stdout) as { signed: boolean }).signed, true);
  const certificate = (path: string): string =>
    (JSON.parse(read(path)) as { verificationMaterial: { certificate: { rawBytes: string } } }).verificationMaterial
      .certificate.rawBytes;
  const vsa = `signed/vsa/sha256-${GOOD}.json.sigstore.json`;
  assert.equal(certificate(vsa), certificate('signed/SHA256SUMS.sigstore.json'), 'one certificate for all');
  const verify = (...about: readonly string[]): Promise<Ended> =>
    run('verify-blob-attestation', ...auditor(), ...about);
  const list = ['--bundle', 'signed/SHA256SUMS.sigstore.json', '--type', PACK];
  assert.equal((await verify(...list, 'signed/SHA256SUMS')).exitCode, 0);
  const digest = (hex: string): readonly string[] => ['--digest', hex, '--digestAlg', 'sha256'];
  assert.equal((await verify('--bundle', vsa, '--type', VSA_PREDICATE, ...digest(GOOD))).exitCode, 0);
  assert.equal(errorCode(await verify('--bundle', vsa, '--type', VSA_PREDICATE, ...digest(BAD))), 'SUBJECT_MISMATCH');
  sandbox.write('signed/SHA256SUMS', read('signed/SHA256SUMS').replace('README', 'readme'));
  assert.equal(errorCode(await verify(...list, 'signed/SHA256SUMS')), 'SUBJECT_MISMATCH');
});

interop(
  'cosign',
  'sealwright → peer',
  'a verification summary by digest, keyless, our stack',
  async (_, executable) => {
    const ended = await run(...['audit', 'evidence', 'two.json', '--out', 'theirs', ...signing()]);
    assert.equal(ended.exitCode, 0, ended.stderr);
    const about = ['--bundle', `theirs/vsa/sha256-${GOOD}.json.sigstore.json`, '--digestAlg', 'sha256'];
    const cosign = (...more: readonly string[]): void => {
      execFileSync(
        executable,
        ['verify-blob-attestation', ...auditor(), ...about, '--use-signed-timestamps', ...more],
        {
          cwd: sandbox.path('.'),
          stdio: 'pipe',
        },
      );
    };
    cosign('--type', VSA_PREDICATE, '--digest', GOOD);
    assert.throws(() => {
      cosign('--type', VSA_PREDICATE, '--digest', BAD);
    });
  },
);

test('refused with a code, and no folder is left behind', async () => {
  const none = (...args: readonly string[]): Promise<Ended> => run('audit', 'evidence', '--out', 'refused', ...args);
  sandbox.write('damaged.json', read('one.json').replace('"unsigned"', '"verified"'));
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['USAGE_FILE', ['missing.json']],
    ['FORMAT_AUDIT', ['damaged.json']],
    ['USAGE_BAD_FLAG', ['one.json', 'other.json']],
    ['USAGE_BAD_FLAG', ['one.json', '--system', 'bank']],
    ['USAGE_BAD_FLAG', ['one.json', '--verifier', 'us']],
    ['USAGE_BAD_FLAG', ['one.json', '--verifier', 'https://a b']],
    ['USAGE_BAD_FLAG', ['one.json', '--signing-key', 'cosign.key']],
    ['USAGE_BAD_FLAG', ['one.json', '--sign', '--offline', '--identity-token', 'token']],
    ['USAGE_BAD_FLAG', ['one.json', '--sign', '--offline', '--signing-key', 'cosign.key']],
    ['NO_SIGNATURE', ['one.json', ...auditor()]],
    ['USAGE_FILE', ['one.json', '--policy', 'missing.yaml']],
    ['USAGE_FILE', ['one.json', '--drill', 'missing.json', ...trust()]],
  ];
  for (const [code, args] of cases) {
    const ended = await none(...args);
    assert.equal(errorCode(ended), code, `${args.join(' ')}: ${ended.stderr}`);
    assert.equal(existsSync(sandbox.path('refused')), false, args.join(' '));
  }
  assert.deepEqual(
    readdirSync(sandbox.path('.')).filter((name) => name.includes('.new-')),
    [],
  );
});

test('what is there is never added to; an empty folder is filled', async () => {
  mkdirSync(sandbox.path('full'));
  sandbox.write('full/notes', 'mine');
  const refused = await run('audit', 'evidence', 'one.json', '--out', 'full');
  assert.equal(errorCode(refused), 'USAGE_WOULD_OVERWRITE');
  assert.deepEqual(readdirSync(sandbox.path('full')), ['notes']);
  mkdirSync(sandbox.path('empty'));
  assert.equal((await run('audit', 'evidence', 'one.json', '--out', 'empty')).exitCode, 0);
  assert.ok(existsSync(sandbox.path('empty/evidence.json')));
  const nowhere = await run('audit', 'evidence', 'one.json', '--out', 'missing/folder');
  assert.equal(errorCode(nowhere), 'USAGE_FILE');
});
