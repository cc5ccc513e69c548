/** tree: what belongs to an image, who signed it, and whether that holds. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { parseReference } from '../../src/core/image/reference.ts';
import { errorCode, Sandbox, SandboxStack } from '../support/command-line.ts';
import { pushReferrer } from '../support/image-family.ts';

interface Attachment {
  readonly kind: string;
  readonly type: string;
  readonly digest: string;
  readonly signatures: readonly { verified: boolean; signer?: { subject: string; issuer: string }; error?: string }[];
  readonly attached?: readonly Attachment[];
}

interface Tree {
  readonly digest: string;
  readonly attached: readonly Attachment[];
  readonly manifests?: readonly (Tree & { platform: string })[];
}

const WHO = 'dev@example.test';
const sandbox = new Sandbox();
let stack: SandboxStack;
let image: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const { registry } = stack.status;
  await pushDemoImage(registry, 'tree/app', '1');
  image = `${registry}/tree/app:1`;
  const environment = { SIGSTORE_ID_TOKEN: await stack.token(WHO) };
  const signed = await sandbox.run(['sign', '--recursive', image], { environment });
  assert.equal(signed.exitCode, 0, signed.stderr);
  const http = new HttpClient();
  const client = new RegistryClient({ http, action: 'push' });
  const reference = parseReference(image);
  await pushReferrer(client, reference, await client.resolve(reference), '{"not":"a bundle"}');
  http.close();
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

test('json: the index and its images, each signature with its signer, and one that does not hold', async () => {
  const { stdout, exitCode, stderr } = await sandbox.run(['tree', '-o', 'json', image]);
  assert.equal(exitCode, 0, stderr);
  const tree = JSON.parse(stdout) as Tree;
  const verdicts = tree.attached.flatMap(({ signatures }) => signatures);
  assert.deepEqual(verdicts.map(({ verified }) => verified).sort(), [false, true]);
  assert.deepEqual(verdicts.find(({ verified }) => verified)?.signer, { subject: WHO, issuer: stack.status.issuer });
  assert.equal(verdicts.find(({ verified }) => !verified)?.error, 'FORMAT_BUNDLE');
  assert.deepEqual(
    tree.manifests?.map(({ platform }) => platform),
    ['linux/amd64', 'linux/arm64'],
  );
  for (const child of tree.manifests ?? []) assert.equal(child.attached[0]?.signatures[0]?.verified, true);
});

test('text: signers and verdicts below what cosign prints; without trust, the tree alone and a warning', async () => {
  const { stdout } = await sandbox.run(['tree', image]);
  assert.match(stdout, /^📦 Supply Chain Security Related artifacts for an image: /);
  assert.match(stdout, /holds: signed by dev@example\.test/);
  assert.match(stdout, /does not hold: FORMAT_BUNDLE/);
  const bare = await sandbox.run(['tree', '--trusted-root', 'missing.json', image]);
  assert.equal(bare.exitCode, 0, bare.stderr);
  assert.match(bare.stderr, /not verified: USAGE_FILE/);
  assert.doesNotMatch(bare.stdout, /holds/);
});

test('an image with nothing: a hint, and exit 0; no image: TAG_NOT_FOUND and exit 11', async () => {
  const { registry } = stack.status;
  await pushDemoImage(registry, 'tree/bare', '1');
  const bare = await sandbox.run(['tree', `${registry}/tree/bare:1`]);
  assert.equal(bare.exitCode, 0);
  assert.match(bare.stdout, /No Supply Chain Security Related Artifacts found/);
  const none = await sandbox.run(['tree', `${registry}/tree/bare:2`]);
  assert.equal(errorCode(none), 'TAG_NOT_FOUND');
  assert.equal(none.exitCode, 11);
});

const verdictsOf = async (...args: readonly string[]): Promise<readonly Attachment[]> => {
  const { stdout, exitCode, stderr } = await sandbox.run(['tree', '-o', 'json', ...args]);
  assert.equal(exitCode, 0, stderr);
  return (JSON.parse(stdout) as Tree).attached;
};

test('signers that are named: what is by others does not hold, in bundles and under the .att and .sig tags', async () => {
  const { registry, issuer } = stack.status;
  await pushDemoImage(registry, 'tree/keyed', '1');
  const keyed = `${registry}/tree/keyed:1`;
  const environment = { COSIGN_PASSWORD: '' };
  const alone = ['--use-signing-config=false', '--tlog-upload=false', '--key', 'cosign.key'];
  sandbox.write('predicate.json', '{}');
  for (const args of [
    ['generate-key-pair'],
    ['generate-key-pair', '--output-key-prefix', 'other'],
    ['sign', '--new-bundle-format=false', ...alone, keyed],
    ['attest', '--new-bundle-format=false', ...alone, '--predicate', 'predicate.json', keyed],
    ['attest', ...alone, '--predicate', 'predicate.json', keyed],
  ]) {
    const ended = await sandbox.run(args, { environment });
    assert.equal(ended.exitCode, 0, ended.stderr);
  }
  const outcome = (attached: readonly Attachment[]): readonly string[] =>
    attached.flatMap(({ kind, signatures }) =>
      signatures.map(({ verified, error }) => `${kind} ${verified ? 'holds' : (error ?? '')}`),
    );
  const unlogged = ['--insecure-ignore-tlog', keyed];
  assert.deepEqual(outcome(await verdictsOf('--key', 'cosign.pub', ...unlogged)), [
    'sig holds',
    'att holds',
    'att holds',
  ]);
  for (const flags of [['--key', 'other.pub', ...unlogged], ['--key', 'cosign.pub', keyed], [keyed]]) {
    const refused = outcome(await verdictsOf(...flags));
    assert.equal(refused.length, 3, flags.join(' '));
    assert.ok(
      refused.every((text) => /^(sig|att) [A-Z_]+$/.test(text)),
      refused.join(', '),
    );
  }
  const by = (identity: string): readonly string[] => [
    '--certificate-identity',
    identity,
    '--certificate-oidc-issuer',
    issuer,
    image,
  ];
  assert.ok(outcome(await verdictsOf(...by(WHO))).includes('sig holds'));
  const others = outcome(await verdictsOf(...by('somebody@example.test')));
  assert.ok(others.includes('sig IDENTITY_MISMATCH') && !others.includes('sig holds'), others.join(', '));
});

for (const [what, args] of [
  ['half an identity', ['--certificate-identity', WHO]],
  ['how many must have signed', ['--key', 'cosign.pub', '--require', 'all']],
  ['a signer, as cosign', ['--compat', 'cosign', '--key', 'cosign.pub']],
] as const) {
  test(`tree with ${what} is refused`, async () => {
    const ended = await sandbox.run(['tree', ...args, image]);
    assert.equal(ended.exitCode, 1, ended.stderr);
    assert.match(ended.stderr, /USAGE_(BAD_FLAG|NO_IDENTITY)/);
    assert.equal(ended.stdout, '');
  });
}
