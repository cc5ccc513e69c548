/** A rule of Kyverno's whose keys are in a ConfigMap, at the commands that look at policies without a cluster. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { World } from '../servers/webhook/world.ts';
import { pushLayered } from '../servers/webhook/layered-image.ts';
import { Sandbox, type Ended } from '../support/command-line.ts';
import { engineExecutable } from '../support/policy-engines.ts';
import { digestName } from './running-cluster.ts';

const [KEY, OTHER] = [PrivateKey.generate('ecdsa-p256'), PrivateKey.generate('ecdsa-p256')];
const LOGLESS = 'rekor: {ignoreTlog: true, url: "https://rekor.example.com"}, ctlog: {ignoreSCT: true}';

const rule = (host: string, namespace: string): string => `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    context: [{name: keys, configMap: {name: keys, namespace: ${JSON.stringify(namespace)}}}]
    verifyImages:
    - imageReferences: ["${host}/*"]
      failureAction: Enforce
      attestors: [{entries: [{keys: {publicKeys: "{{ keys.data.cosign }}", ${LOGLESS}}}]}]
`;
const configMap = (namespace: string, key: PrivateKey): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'keys', namespace },
    data: { cosign: key.publicKey.toPem() },
  });

async function lab(
  t: TestContext,
  environment: Readonly<Record<string, string>> = {},
): Promise<{
  readonly host: string;
  readonly image: string;
  readonly file: (name: string, ...texts: readonly string[]) => string;
  readonly policy: (...args: readonly string[]) => Promise<Ended>;
}> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const image = digestName(await pushLayered(world, 'app', [['sig', { key: KEY, managed: true }]]));
  writeFileSync(
    sandbox.path('pod.yaml'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'shop' },
      spec: { containers: [{ name: 'c', image }] },
    }),
  );
  writeFileSync(
    sandbox.path('root.json'),
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [],
      ctlogs: [],
      certificateAuthorities: [],
      timestampAuthorities: [],
    }),
  );
  return {
    host: world.host,
    image,
    file: (name, ...texts) => {
      writeFileSync(sandbox.path(name), texts.join('\n---\n'));
      return name;
    },
    policy: (...args) => sandbox.run(['policy', ...args], { environment }),
  };
}

test('policy test: a ConfigMap beside the policies stands for that of the cluster; without one nothing could be checked', async (t) => {
  const engines = await engineExecutable(t);
  if (engines === undefined) return;
  const { host, file, policy } = await lab(t, { SEALWRIGHT_ENGINES: engines });
  const tried = (...texts: readonly string[]): Promise<Ended> =>
    policy('test', '--policy', file('p.yaml', ...texts), '--resource', 'pod.yaml', '--trusted-root', 'root.json');
  const passed = await tried(rule(host, 'trust'), configMap('trust', KEY));
  assert.equal(passed.exitCode, 0, passed.stderr + passed.stdout);
  const another = await tried(rule(host, 'trust'), configMap('trust', OTHER));
  assert.notEqual(another.exitCode, 0);
  assert.match(another.stdout + another.stderr, /SIGNATURE_INVALID/);
  for (const texts of [[rule(host, 'trust')], [rule(host, 'trust'), configMap('elsewhere', KEY)]]) {
    const missing = await tried(...texts);
    assert.notEqual(missing.exitCode, 0);
    assert.match(missing.stdout + missing.stderr, /COULD_NOT_CHECK[^]*there is no ConfigMap trust\/keys/);
  }
});

test('policy lint: names the ConfigMap that says who may have signed, and warns where an object names it', async (t) => {
  const { host, file, policy } = await lab(t);
  const note = await policy('lint', file('p.yaml', rule(host, 'trust')), '--fail-on', 'warning');
  assert.equal(note.exitCode, 0, note.stderr);
  assert.match(note.stdout, /signer-from-configmap[^]*trust\/keys/);
  const warned = await policy('lint', file('p.yaml', rule(host, '{{ request.namespace }}')));
  assert.equal(warned.exitCode, 20);
  assert.match(warned.stdout, /signer-from-request/);
});

test('policy convert: what variables say is lost by name, and the policy refuses in its place', async (t) => {
  const { host, file, policy } = await lab(t);
  const converted = await policy('convert', '--to', 'cip', file('p.yaml', rule(host, 'trust')));
  assert.match(
    converted.stderr,
    /lost, tighter: who may have signed, which variables say for each object: nobody may \(spec\.rules\[signed\]\.verifyImages\)/,
  );
  assert.doesNotMatch(converted.stdout, /BEGIN PUBLIC KEY/, 'what stood in for a variable is nobody’s key');
  assert.match(converted.stdout, /action: fail/);
});

test('policy diff: a rule that variables complete is not said to be the same as anything', async (t) => {
  const { host, file, policy } = await lab(t);
  const [one, two] = [file('a.yaml', rule(host, 'trust')), file('b.yaml', rule(host, 'bank'))];
  const ended = await policy('diff', one, two);
  assert.match(
    ended.stdout,
    /ClusterPolicy p\/signed changed\n +different it is another text, which is compared as a whole/,
  );
});
