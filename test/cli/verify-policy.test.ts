/** `verify --policy`: the webhook's decision about images, in its words. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { publishedSchema, schemaProblems } from '../support/json-schema.ts';
import { installKmsProgram } from '../support/kms-plugin.ts';
import { pushLayers, signedLayer } from '../support/signature-layers.ts';

const SCHEMA = publishedSchema('verify-report.v1');
const KEY = PrivateKey.generate('ecdsa-p256');

interface Lab {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly verify: (...args: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext, spec: string): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const head = 'apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n';
  sandbox.write('p.yaml', `${head}spec: {${spec}}\n`);
  return { world, sandbox, verify: (...args) => sandbox.run(['verify', '--policy', 'p.yaml', ...args]) };
}

const ALL = 'images: [{glob: "**"}]';
const ALICE = `authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}]`;
const TRUST = ['--trusted-root', 'root.json'];

function digestName(image: ImageReference): string {
  return image.atDigest(image.digest!).toString();
}

interface Document {
  readonly demand: { readonly require: string; readonly signers: readonly string[] };
  readonly outcome: string;
  readonly subjects: readonly {
    readonly outcome: string;
    readonly error?: { readonly code: string };
    readonly policies: readonly { readonly name: string; readonly outcome: string; readonly reason: string }[];
  }[];
}

test('signed images pass, unsigned ones are refused with the code and the words of policy test', async (t) => {
  const { world, verify, sandbox } = await openLab(t, `${ALL}, ${ALICE}`);
  const [signed, unsigned] = [await world.pushSigned('shop/web'), await world.push('shop/side')];
  const good = await verify(...TRUST, '-o', 'json', digestName(signed));
  assert.equal(good.exitCode, 0, good.stderr);
  const document = JSON.parse(good.stdout) as Document;
  assert.deepEqual(schemaProblems(SCHEMA, document), []);
  assert.deepEqual(document.demand, { signers: ['policy p'], require: 'policy' });
  const [judged] = document.subjects[0]?.policies ?? [];
  assert.deepEqual([judged?.name, judged?.outcome], ['p', 'passed']);
  assert.ok(judged?.reason.startsWith(`${SUBJECT}, authenticated by ${ISSUER}`) === true);

  const both = await verify(...TRUST, '-o', 'json', digestName(signed), digestName(unsigned));
  assert.deepEqual([both.exitCode, errorCode(both)], [10, 'NO_SIGNATURE'], both.stderr);
  const { subjects, outcome } = JSON.parse(both.stdout) as Document;
  assert.deepEqual([outcome, ...subjects.map((subject) => subject.outcome)], ['refused', 'verified', 'refused']);
  const tested = await sandbox.run(['policy', 'test', '--policy', 'p.yaml', ...TRUST, digestName(unsigned)]);
  const refusal = ({ stderr }: Ended): string => stderr.slice(stderr.indexOf('NO_SIGNATURE  '));
  const alone = await verify(...TRUST, digestName(unsigned));
  assert.equal(refusal(alone), refusal(tested));
});

test('an image that no policy is about is refused, and one that nobody can tell about is neither', async (t) => {
  const { world, verify } = await openLab(t, `images: [{glob: "elsewhere.example/**"}], ${ALICE}`);
  const image = await world.pushSigned('shop/web');
  const ended = await verify(...TRUST, digestName(image));
  assert.deepEqual([ended.exitCode, errorCode(ended)], [20, 'POLICY_NO_MATCH'], ended.stderr);
  const covered = await openLab(t, `${ALL}, ${ALICE}`);
  const other = await covered.world.pushSigned('shop/web');
  covered.world.fault.answer = () => new Response('', { status: 503 });
  const unknown = await covered.verify(...TRUST, '-o', 'json', digestName(other));
  assert.equal(unknown.exitCode, 23, unknown.stderr);
  assert.equal((JSON.parse(unknown.stdout) as Document).outcome, 'could-not-check');
});

test('a key in a KMS is asked for; where it cannot be had, nobody knows', async (t) => {
  const { world, verify, sandbox } = await openLab(t, `${ALL}, authorities: [{key: {kms: "hashivault://shop"}}]`);
  const environment = installKmsProgram(sandbox.work, 'hashivault');
  const made = await sandbox.run(['generate-key-pair', '--kms', 'hashivault://shop'], { environment });
  assert.equal(made.exitCode, 0, made.stderr);
  const image = await world.push('shop/web');
  await pushLayers(world.client, image, image.digest!, [
    signedLayer(world.instance, image.digest!, { key: KEY, managed: true }),
  ]);
  const args = ['verify', '--policy', 'p.yaml', ...TRUST, digestName(image)];
  const withKey = await sandbox.run(args, { environment });
  assert.deepEqual([withKey.exitCode, errorCode(withKey)], [12, 'SIGNATURE_INVALID'], withKey.stderr);
  const without = await verify(...TRUST, digestName(image));
  assert.equal(without.exitCode, 23, without.stderr);
});

/** Each names a signer beside the policies, or asks for what a decision has not. */
const EXCLUDED: readonly (readonly string[])[] = [
  ['--key', 'cosign.pub'],
  ['--certificate-identity', 'a@b', '--certificate-oidc-issuer', 'https://c'],
  ['--certificate-claim', 'sha=a'],
  ['--require', 'all'],
  ['-a', 'team=shop'],
  ['--insecure-ignore-tlog'],
  ['-o', 'cosign'],
  ['-o', 'text'],
];
for (const args of EXCLUDED) {
  test(`refused beside --policy: ${args.join(' ')}`, async (t) => {
    const { verify } = await openLab(t, `${ALL}, ${ALICE}`);
    assert.equal(errorCode(await verify(...args, 'registry.example/app:1')), 'USAGE_BAD_FLAG');
  });
}

test('a file without any policy, or with a broken one, is refused before any registry is asked', async (t) => {
  const { verify, sandbox } = await openLab(t, `${ALL}, authorities: 1`);
  assert.equal(errorCode(await verify('127.0.0.1:1/app:1')), 'FORMAT_POLICY');
  sandbox.write('p.yaml', '');
  assert.equal(errorCode(await verify('127.0.0.1:1/app:1')), 'USAGE_BAD_CONFIG');
});
