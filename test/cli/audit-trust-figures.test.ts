/** What trust rests on, of a real API server and of files: the loosest pattern, how old keys and exceptions are; in every form. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import type { AuditReport } from '../../src/cli/report/audit-report.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { EXCEPTION_DEFINITIONS } from '../../src/core/policy/definitions/exception-definitions.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SIGNING_TIME } from '../support/instance.ts';
import { digestName, runningCluster } from './running-cluster.ts';

const TAKE = ['audit', 'snapshot', '--system', 'shop', '--trusted-root', 'root.json'];
const DEFINITIONS = [...POLICY_DEFINITIONS, ...EXCEPTION_DEFINITIONS];

function snapshotOf(ended: Ended): Omit<AuditSnapshot, 'takenAt'> & { takenAt: string } {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return JSON.parse(ended.stdout) as Omit<AuditSnapshot, 'takenAt'> & { takenAt: string };
}

test('a cluster says since when a policy accepts a key; exceptions that have ended are counted although nothing rests on them', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run } = running;
  for (const definition of DEFINITIONS) await cluster.create(definition);
  const names = DEFINITIONS.map(({ metadata }) => `crd/${(metadata as { name: string }).name}`);
  await cluster.must(['wait', '--for=condition=Established', ...names]);
  const key = PrivateKey.generate('ecdsa-p256');
  const keyless = (subjectRegExp: string): object => ({ keyless: { identities: [{ issuer: ISSUER, subjectRegExp }] } });
  await cluster.create({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'signed' },
    spec: {
      images: [{ glob: `${world.host}/**` }],
      authorities: [{ key: { data: key.publicKey.toPem() } }, keyless('^ci@acme\\..*$'), keyless('@acme')],
    },
  });
  await cluster.create({
    apiVersion: 'sealwright.dev/v1alpha1',
    kind: 'ImageException',
    metadata: { name: 'over', namespace: 'shop' },
    spec: {
      images: [`${world.host}/shop/other`],
      owner: 'team',
      reason: 'moving',
      ticket: 'T-1',
      from: '2025-12-01T00:00:00Z',
      expires: '2026-01-01T00:00:00Z',
    },
  });
  const made = await cluster.must([
    'get',
    'clusterimagepolicy',
    'signed',
    '-o',
    'jsonpath={.metadata.creationTimestamp}',
  ]);
  const image = await world.push('shop/app');
  await world.sign(image, { managed: true, key });
  await run({ name: 'web', spec: { containers: [{ name: 'c', image: digestName(image) }] } });
  const take = (...more: readonly string[]): Promise<Ended> =>
    sandbox.run([...TAKE, '--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', ...more]);
  const { policies, exceptions = [], entries } = snapshotOf(await take('-o', 'json', '--out', 'now.json'));
  assert.deepEqual(policies.widest, { policy: 'signed', pattern: `/@acme/, authenticated by ${ISSUER}`, fixed: 5 });
  const [accepted, ...others] = policies.keys ?? [];
  assert.deepEqual([accepted?.policies, accepted?.since, others], [['signed'], made, []]);
  assert.equal(entries[0]?.signers[0]?.name, accepted?.name, 'the key of the policy and that of the signature are one');
  // Logged a moment after it was signed.
  assert.ok(Date.parse(entries[0]?.signers[0]?.firstSigned ?? '') - SIGNING_TIME.getTime() < 60_000);
  assert.deepEqual(
    exceptions.map(({ name, from }) => [name, from]),
    [['ImageException shop/over', '2025-12-01T00:00:00.000Z']],
  );
  assert.match((await take()).stdout, /^ {2}exceptions +0, 1 past their end$/m);

  const report = await sandbox.run(['audit', 'diff', 'now.json', 'now.json', '-o', 'json']);
  const { figures } = (JSON.parse(report.stdout) as AuditReport).after;
  assert.deepEqual([figures.keys.count, figures.keys.unknownAge, figures.exceptions.pastExpiry], [1, 0, 1]);
  assert.equal(figures.signers.widest?.fixed, 5);
  const metrics = await sandbox.run(['audit', 'trend', 'now.json', '-o', 'prometheus']);
  for (const line of [
    'exceptions_past_expiry{system="shop"} 1',
    'keys{system="shop"} 1',
    'widest_pattern_fixed_characters{system="shop",policy="signed"} 5',
    'namespace_states{system="shop",namespace="shop",state="verified"} 1',
  ]) {
    assert.ok(metrics.stdout.includes(`\nsealwright_audit_${line}\n`), `${line} in\n${metrics.stdout}`);
  }
  assert.match(metrics.stdout, /^sealwright_audit_key_age_seconds\{system="shop",of="oldest"\} \d+$/m);
});

test('files: a key that nothing dates has no age, never an age of 0; single identities are no pattern', async (t) => {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const key = PrivateKey.generate('ecdsa-p256');
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(
    sandbox.path('policy.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed, creationTimestamp: null}
spec:
  images: [{glob: "**"}]
  authorities:
    - key: {data: ${JSON.stringify(key.publicKey.toPem())}}
    - keyless: {identities: [{issuer: "${ISSUER}", subject: ci@acme.example}]}
`,
  );
  const image = digestName(await world.push('shop/bare'));
  const ended = await sandbox.run([...TAKE, '--policy', 'policy.yaml', '-o', 'json', '--out', 'now.json', image]);
  const { policies } = snapshotOf(ended);
  assert.deepEqual([policies.widest, policies.keys?.[0]?.since], [undefined, undefined]);
  const metrics = await sandbox.run(['audit', 'trend', 'now.json', '-o', 'prometheus']);
  assert.match(metrics.stdout, /^sealwright_audit_keys_of_unknown_age\{system="shop"\} 1$/m);
  assert.doesNotMatch(
    metrics.stdout,
    /^sealwright_audit_(key_age_seconds|widest_pattern_fixed_characters|exception_age_seconds)\{/m,
  );
  const page = await sandbox.run(['audit', 'diff', 'now.json', 'now.json']);
  assert.match(page.stdout, /\| widest pattern \| none \| none \|/);
  assert.match(page.stdout, /\| keys \| .*1 keys, 1 of unknown age \|/);
});
