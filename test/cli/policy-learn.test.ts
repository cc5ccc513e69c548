/** `sealwright policy learn`: from images, from manifests, and from what runs in a real cluster, where it can apply the result. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_INDEX } from '../../src/core/image/media-types.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { parsePolicyObjects } from '../../src/core/policy/objects/policy-objects.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import type { DraftInput } from '../support/instance.ts';
import { engineExecutable } from '../support/policy-engines.ts';
import { byWorkflow, digestName, GITHUB, owned, runningCluster, runs } from './running-cluster.ts';

interface Document {
  readonly policies: readonly {
    readonly document: { readonly metadata: { readonly name: string } };
    readonly images: readonly string[];
  }[];
  readonly leftOut: readonly { readonly image: string; readonly kind: string; readonly code?: string }[];
  readonly notLookedAt: readonly { readonly what: string }[];
}

async function open(
  t: TestContext,
): Promise<{ world: World; sandbox: Sandbox; learn: (...args: string[]) => Promise<Ended> }> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const learn = (...args: string[]): Promise<Ended> =>
    sandbox.run(['policy', 'learn', '--trusted-root', 'root.json', ...args]);
  return { world, sandbox, learn };
}

test('what is learnt from images admits them, warns by default, and names what it leaves out', async (t) => {
  const { world, sandbox, learn } = await open(t);
  const released = await world.push('shop/web');
  await world.sign(released, byWorkflow('refs/tags/v1.0.0'));
  const unsigned = await world.push('shop/side');
  const proposed = await world.push('shop/try');
  await world.sign(proposed, byWorkflow('refs/pull/7/merge'));
  const key = PrivateKey.generate('ecdsa-p256');
  const byKey = await world.push('shop/key');
  await world.sign(byKey, { key, managed: true });
  writeFileSync(sandbox.path('key.pub'), key.publicKey.toPem());

  const images = [released, unsigned, proposed, byKey].map((image) => image.toString());
  const ended = await learn(...images, '-o', 'json');
  assert.equal(ended.exitCode, 0, ended.stderr);
  const { policies, leftOut } = JSON.parse(ended.stdout) as Document;
  assert.deepEqual(
    policies.map(({ document, images: from }) => [document.metadata.name, from]),
    [['acme-pay-release', [digestName(released)]]],
  );
  assert.deepEqual(
    leftOut.map(({ image, kind, code }) => [image, code ?? kind]).sort(),
    [
      [digestName(byKey), 'KEY_MISMATCH'],
      [digestName(proposed), 'too-wide'],
      [digestName(unsigned), 'NO_SIGNATURE'],
    ].sort(),
  );
  assert.match(ended.stderr, /left out: .*shop\/key@sha256:[0-9a-f]+: KEY_MISMATCH: .*add --key FILE/);

  const written = await learn(...images, '--key', 'key.pub');
  writeFileSync(sandbox.path('learnt.yaml'), written.stdout);
  const { policies: parsed } = parsePolicyObjects(written.stdout, 'learnt.yaml');
  assert.deepEqual(
    parsed.map(({ mode, warnings }) => [mode, warnings.length]),
    [
      ['warn', 0],
      ['warn', 0],
    ],
  );
  const tested = await sandbox.run([
    ...['policy', 'test', '--policy', 'learnt.yaml', '--trusted-root', 'root.json', '-o', 'json'],
    ...[released, byKey].map(digestName),
  ]);
  assert.equal(tested.exitCode, 0, tested.stderr);
  const { results } = JSON.parse(tested.stdout) as { results: { outcome: string }[] };
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['allow', 'allow'],
  );
});

test('nothing to learn from, a registry that is down, and a tag that is gone are different answers', async (t) => {
  const { world, sandbox, learn } = await open(t);
  const unsigned = await world.push('shop/side');
  const nothing = await learn(unsigned.toString());
  assert.deepEqual([nothing.exitCode, errorCode(nothing), nothing.stdout], [10, 'NO_SIGNATURE', '']);
  const signed = await world.pushSigned('shop/web');
  const gone = await learn(`${world.host}/shop/web:none`, signed.toString(), '-o', 'json');
  assert.deepEqual(
    (JSON.parse(gone.stdout) as Document).leftOut.map(({ kind }) => kind),
    ['could-not-check'],
  );
  world.fault.answer = () => new Response('', { status: 503 });
  const down = await learn(digestName(signed), '-o', 'json');
  assert.deepEqual(
    (JSON.parse(down.stdout) as Document).leftOut.map(({ kind }) => kind),
    ['could-not-check'],
  );
  assert.equal(down.exitCode, 10);
  writeFileSync(sandbox.path('none.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n');
  assert.equal(errorCode(await learn('--resource', 'none.yaml')), 'USAGE_FILE');
  assert.equal(errorCode(await learn('registry.example/UPPER')), 'NO_SIGNATURE');
});

test('a reusable workflow is bound to the repository that it signed for: another caller of it is refused', async (t) => {
  const engines = await engineExecutable(t);
  if (engines === undefined) return;
  const { world, sandbox, learn } = await open(t);
  const bySharedFor = (repository: string, ref: string): DraftInput => ({
    leaf: {
      names: [{ kind: 'uri', value: 'https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v3' }],
      fulcio: {
        issuer: GITHUB,
        sourceRepositoryUri: `https://github.com/${repository}`,
        githubWorkflowRepository: repository,
        githubWorkflowRef: ref,
      },
    },
  });
  const own = await world.push('pay/api', '1');
  await world.sign(own, bySharedFor('acme/pay', 'refs/heads/main'));
  const learnt = await learn(own.toString(), '--mode', 'enforce');
  assert.equal(learnt.exitCode, 0, learnt.stderr);
  writeFileSync(sandbox.path('learnt.yaml'), learnt.stdout);
  for (const [tag, repository, ref, expected] of [
    ['1', 'acme/pay', 'refs/heads/main', 'allow'],
    ['2', 'acme/pay', 'refs/heads/main', 'allow'],
    ['3', 'acme/pay', 'refs/pull/7/merge', 'deny'],
    ['4', 'acme/evil', 'refs/heads/main', 'deny'],
    ['5', 'acme/payments', 'refs/heads/main', 'deny'],
  ] as const) {
    const image = tag === '1' ? own : await world.push('pay/api', tag);
    if (tag !== '1') await world.sign(image, bySharedFor(repository, ref));
    const args = [
      'policy',
      'test',
      '--policy',
      'learnt.yaml',
      '--trusted-root',
      'root.json',
      '-o',
      'json',
      digestName(image),
    ];
    const tested = await sandbox.run(args, { environment: { SEALWRIGHT_ENGINES: engines } });
    const [result] = (JSON.parse(tested.stdout) as { results: { outcome: string }[] }).results;
    assert.equal(result?.outcome, expected, `${repository} ${ref}\n${tested.stderr}`);
  }
});

test('in a cluster: by what runs, applied so that it warns, and never in the place of what is enforced', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, run, policy, asReader } = running;
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  const web = await world.push('shop/web');
  await world.sign(web, byWorkflow('refs/tags/v1.0.0'));
  await cluster.create({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web-1', namespace: 'shop', ...owned('Deployment web') },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'w' } },
      template: { metadata: { labels: { app: 'w' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
    },
  });
  await run({
    name: 'web-1-a',
    owner: 'ReplicaSet web-1',
    spec: { containers: [{ name: 'web', image: web.atTag('1').toString() }] },
    status: { phase: 'Running', containerStatuses: [runs('web', 'x', digestName(web))] },
  });
  // The tag goes on to something else: what runs is what counts.
  await world.push('shop/web', '1', { later: true });
  // A runtime that reports a part of the signed index.
  const part = await world.push('shop/index', 'part');
  const { digest, size, mediaType } = await world.client.resolve(part);
  const index = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: [{ digest, size, mediaType }] });
  const whole = part.atDigest((await world.client.putManifest(part, 'whole', index, OCI_INDEX)).digest);
  await world.sign(whole, byWorkflow('refs/tags/v1.0.0'));
  await run({
    name: 'platform',
    spec: { containers: [{ name: 'c', image: part.atTag('whole').toString() }] },
    status: { phase: 'Running', containerStatuses: [runs('c', 'x', digestName(part))] },
  });
  const side = await world.push('bank/side');
  await run({ name: 'side', namespace: 'bank', spec: { containers: [{ name: 'side', image: digestName(side) }] } });

  const applied = await policy('learn', '--apply', '-o', 'json');
  assert.equal(applied.exitCode, 0, applied.stderr);
  const { policies, leftOut, notLookedAt } = JSON.parse(applied.stdout) as Document;
  assert.deepEqual(
    policies.map(({ images }) => images),
    [[digestName(whole), digestName(web)]],
  );
  assert.deepEqual(
    leftOut.map(({ image }) => image),
    [digestName(side)],
  );
  assert.deepEqual(notLookedAt, []);
  const stored = JSON.parse(
    await cluster.must(['get', 'clusterimagepolicies', '--show-managed-fields', '-o', 'json']),
  ) as {
    items: { metadata: { name: string; managedFields: { manager: string }[] }; spec: { mode: string } }[];
  };
  assert.deepEqual(
    stored.items.map(({ metadata, spec }) => [metadata.name, spec.mode, metadata.managedFields[0]?.manager]),
    [['acme-pay-release', 'warn', 'sealwright-policy-learn']],
  );
  // Twice is once.
  assert.equal((await policy('learn', '--apply')).exitCode, 0);
  assert.equal((await policy('learn', '--apply', '--mode', 'enforce')).exitCode, 0);
  assert.equal(
    await cluster.must(['get', 'clusterimagepolicy', 'acme-pay-release', '-o', 'jsonpath={.spec.mode}']),
    'enforce',
  );
  const loosened = await policy('learn', '--apply');
  assert.deepEqual([loosened.exitCode, errorCode(loosened)], [1, 'USAGE_WOULD_OVERWRITE'], loosened.stderr);
  assert.equal(
    await cluster.must(['get', 'clusterimagepolicy', 'acme-pay-release', '-o', 'jsonpath={.spec.mode}']),
    'enforce',
  );

  // Who may see little learns from that, and is told what was not seen.
  const little = await asReader('learn', '-n', 'shop', '--pull-secrets=false', '-o', 'json');
  assert.equal(little.exitCode, 0, little.stderr);
  const partial = JSON.parse(little.stdout) as Document;
  assert.equal(partial.policies.length, 1);
  assert.ok(partial.notLookedAt.some(({ what }) => what === 'deployments in the namespace shop'));
  assert.match(little.stderr, /not looked at: deployments in the namespace shop: REMOTE_STATUS/);
  const refused = await asReader('learn', '-n', 'shop', '--pull-secrets=false', '--apply');
  assert.equal(errorCode(refused), 'REMOTE_STATUS');
});
