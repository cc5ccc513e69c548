/** `sealwright policy learn --form kyverno`: what is learnt is accepted by Kyverno itself, and judged there as here. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { applyKyverno } from '../servers/webhook/kyverno-program.ts';
import { pushLayered } from '../servers/webhook/layered-image.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import type { DraftInput } from '../support/instance.ts';
import { findPeer, peer } from '../support/peers.ts';
import { byWorkflow, digestName, GITHUB } from './running-cluster.ts';

interface Entry {
  readonly type?: string;
  readonly imageReferences: readonly string[];
  readonly failureAction: string;
  readonly mutateDigest?: boolean;
}

interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly rules: readonly { readonly verifyImages: readonly Entry[] }[] };
}

const KEY = PrivateKey.generate('ecdsa-p256');
const SHARED = 'https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v3';

function bySharedFor(repository: string, ref: string): DraftInput {
  return {
    leaf: {
      names: [{ kind: 'uri', value: SHARED }],
      fulcio: {
        issuer: GITHUB,
        sourceRepositoryUri: `https://github.com/${repository}`,
        githubWorkflowRepository: repository,
        githubWorkflowRef: ref,
      },
    },
  };
}

async function open(
  t: TestContext,
): Promise<{ world: World; sandbox: Sandbox; learn: (...args: readonly string[]) => Promise<Ended> }> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  writeFileSync(sandbox.path('key.pub'), KEY.publicKey.toPem());
  const learn = (...args: readonly string[]): Promise<Ended> =>
    sandbox.run(['policy', 'learn', '--form', 'kyverno', '--trusted-root', 'root.json', '--key', 'key.pub', ...args]);
  return { world, sandbox, learn };
}

function documentsIn(text: string): readonly Document[] {
  return [...parseAllDocuments(text)].map((document) => document.toJS() as Document);
}

const entryOf = (document: Document | undefined): Entry | undefined => document?.spec.rules[0]?.verifyImages[0];

test('signatures in layers: what Kyverno itself makes of it is what is made of it here', async (t) => {
  const { world, sandbox, learn } = await open(t);
  const known = {
    web: await pushLayered(world, 'shop/web', [['sig', byWorkflow('refs/tags/v1.0.0')]]),
    key: await pushLayered(world, 'shop/key', [['sig', { key: KEY, managed: true }]]),
    pay: await pushLayered(world, 'pay/api', [['sig', bySharedFor('acme/pay', 'refs/heads/main')]]),
  };
  const images = Object.values(known).map(digestName);
  const learnt = await learn('--mode', 'enforce', ...images);
  assert.equal(learnt.exitCode, 0, learnt.stderr);
  const documents = documentsIn(learnt.stdout);
  assert.deepEqual(documents.map(({ kind, metadata: { name } }) => `${kind} ${name}`).sort(), [
    'ClusterPolicy acme-pay-by-acme-shared-sign',
    'ClusterPolicy acme-pay-release',
    `ClusterPolicy ${documents.find(({ metadata: { name } }) => name.startsWith('signed-by-key-'))?.metadata.name ?? ''}`,
  ]);
  assert.ok(documents.every((document) => entryOf(document)?.type === undefined));
  assert.match(learnt.stdout, /^# authorities and keys of logs are those of the trusted root now/m);
  writeFileSync(sandbox.path('learnt.yaml'), learnt.stdout);

  const verdicts: Readonly<Record<string, readonly [image: string, isAdmitted: boolean]>> = {
    web: [digestName(known.web), true],
    key: [digestName(known.key), true],
    pay: [digestName(known.pay), true],
    'the next release': [
      digestName(await pushLayered(world, 'shop/web', [['sig', byWorkflow('refs/tags/v1.1.0')]], 'next')),
      true,
    ],
    'a branch': [
      digestName(await pushLayered(world, 'shop/web', [['sig', byWorkflow('refs/heads/main')]], 'branch')),
      false,
    ],
    unsigned: [digestName(await pushLayered(world, 'shop/key', [], 'unsigned')), false],
    'another caller': [
      digestName(await pushLayered(world, 'pay/api', [['sig', bySharedFor('acme/evil', 'refs/heads/main')]], 'evil')),
      false,
    ],
    'another ref': [
      digestName(await pushLayered(world, 'pay/api', [['sig', bySharedFor('acme/pay', 'refs/pull/7/merge')]], 'pull')),
      false,
    ],
  };
  const here = await sandbox.run([
    ...['policy', 'test', '--policy', 'learnt.yaml', '--trusted-root', 'root.json', '-o', 'json'],
    ...Object.values(verdicts).flatMap(([image]) => ['--resource', podFile(sandbox, image)]),
  ]);
  const { results } = JSON.parse(here.stdout) as { results: { image: string; outcome: string }[] };
  for (const [what, [image, isAdmitted]] of Object.entries(verdicts)) {
    const found = results.find((result) => result.image === image);
    assert.equal(found?.outcome, isAdmitted ? 'allow' : 'deny', what);
  }
  const kyverno = findPeer('kyverno');
  if (kyverno === undefined) return;
  const pods = Object.entries(verdicts).map(([what, [image]]) => podFor(image, what.replaceAll(' ', '-')));
  mkdirSync(sandbox.path('kyverno'));
  const theirs = await applyKyverno(kyverno, sandbox.path('learnt.yaml'), pods, sandbox.path('kyverno'));
  for (const [what, [, isAdmitted]] of Object.entries(verdicts)) {
    const verdict = theirs.get(what.replaceAll(' ', '-'));
    assert.equal(verdict?.isAdmitted, isAdmitted, `${what}: ${verdict?.text ?? 'Kyverno said nothing'}`);
  }
});

function podFor(
  image: string,
  name: string,
): { readonly metadata: { readonly name: string; readonly namespace: string } } {
  const object = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'c', image }] } };
  return { ...object, metadata: { name, namespace: 'shop' } };
}

function podFile(sandbox: Sandbox, image: string): string {
  const name = `pod-${image.slice(-12)}.json`;
  writeFileSync(sandbox.path(name), JSON.stringify(podFor(image, 'p')));
  return name;
}

test('signatures in bundles: a rule of that kind, and nothing that Kyverno would not ask of them', async (t) => {
  const { world, learn } = await open(t);
  const web = await world.push('shop/web');
  await world.sign(web, byWorkflow('refs/tags/v1.0.0'));
  const shared = await world.push('pay/api');
  await world.sign(shared, bySharedFor('acme/pay', 'refs/heads/main'));
  const learnt = await learn(digestName(web), digestName(shared));
  assert.equal(learnt.exitCode, 0, learnt.stderr);
  const [document, another] = documentsIn(learnt.stdout);
  assert.equal(another, undefined);
  const { type, failureAction, mutateDigest, imageReferences } = entryOf(document) ?? assert.fail(learnt.stdout);
  assert.deepEqual([type, failureAction, mutateDigest], ['SigstoreBundle', 'Audit', false]);
  assert.deepEqual(imageReferences, [`${world.host}/shop/web:*`, `${world.host}/shop/web@*`]);
  assert.match(learnt.stderr, /left out: .*pay\/api@sha256:[0-9a-f]+: too-wide: it is a shared pipeline/);
});

test('in both kinds, no rule reads all: the images are named', async (t) => {
  const { world, learn } = await open(t);
  const older = await pushLayered(world, 'shop/web', [['sig', byWorkflow('refs/tags/v1.0.0')]]);
  const newer = await world.push('shop/web', 'newer');
  await world.sign(newer, byWorkflow('refs/tags/v1.1.0'));
  const learnt = await learn(digestName(older), digestName(newer));
  assert.deepEqual([errorCode(learnt), learnt.stdout], ['NO_SIGNATURE', '']);
  assert.match(learnt.stderr, /some of its images are signed in cosign's older form and some in bundles/);
});

test('without Kyverno the comparison with it is skipped aloud', (t) => {
  peer(t, 'kyverno');
});
