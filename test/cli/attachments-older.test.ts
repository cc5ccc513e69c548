/** Signatures and attestations that were made elsewhere: attached, and taken away again as they are stored. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { encodeEnvelope } from '../../src/core/attestation/dsse.ts';
import { preAuthEncoding } from '../../src/core/attestation/dsse.ts';
import { IN_TOTO_PAYLOAD_TYPE } from '../../src/core/attestation/statement.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const execute = promisify(execFile);
const key = PrivateKey.generate('ecdsa-p256');
const sandbox = new Sandbox();
let stack: SandboxStack;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  writeFileSync(sandbox.path('key.pub'), key.publicKey.toPem());
  await succeed('generate-key-pair');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

const PASSWORD = { COSIGN_PASSWORD: 'a password' };
const VERIFY = ['verify', '--insecure-ignore-tlog', '--key', 'key.pub'];

function run(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(args, { environment: PASSWORD });
}

async function succeed(...args: readonly string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

interface Image {
  readonly image: string;
  readonly digest: Digest;
  readonly repository: string;
}

async function newImage(name: string): Promise<Image> {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, name, '1');
  const repository = `${registry}/${name}`;
  return { image: `${repository}@${digest}`, digest: Digest.parse(digest), repository };
}

/** Files with a payload of the image and the key's signature over it. */
function sign(payload: Uint8Array): void {
  writeFileSync(sandbox.path('payload.json'), payload);
  writeFileSync(sandbox.path('payload.sig'), encodeBase64(key.sign(payload)));
}

function envelope(digest: Digest): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'x', digest: { sha256: digest.hex } }],
    predicateType: 'https://example.com/review/v1',
    predicate: {},
  };
  const payload = utf8(JSON.stringify(statement));
  const signature = key.sign(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload));
  return encodeEnvelope({ payloadType: IN_TOTO_PAYLOAD_TYPE, payload, signatures: [{ signature, keyId: '' }] });
}

test('a signature attached with its payload, or with the usual one, verifies, and comes back as it was', async () => {
  const { image, digest, repository } = await newImage('attach/signature');
  const payload = encodeSimpleSigning(repository, digest, { by: 'hand' });
  sign(payload);
  await succeed('attach', 'signature', '--signature', 'payload.sig', '--payload', 'payload.json', image);
  await succeed(...VERIFY, '-a', 'by=hand', image);
  sign(encodeSimpleSigning(repository, digest));
  const text = readFileSync(sandbox.path('payload.sig'), 'utf8');
  await succeed('attach', 'signature', '--signature', text, image);
  const { stdout } = await succeed('download', 'signature', image);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(Object.keys(lines[0] ?? {}), [
    'Base64Signature',
    'Payload',
    'Cert',
    'Chain',
    'Bundle',
    'RFC3161Timestamp',
  ]);
  assert.equal(lines[0]?.['Payload'], encodeBase64(payload));
  assert.equal(lines[1]?.['Base64Signature'], text);
});

test('what is about another image, or cannot be read, is not attached', async () => {
  const { image, digest, repository } = await newImage('attach/refused');
  const other = Digest.of(utf8('another image'));
  sign(encodeSimpleSigning(repository, other));
  const attach = ['attach', 'signature', '--signature', 'payload.sig', '--payload', 'payload.json', image];
  assert.equal(errorCode(await run(...attach)), 'SUBJECT_MISMATCH');
  writeFileSync(sandbox.path('payload.json'), '{"x":1}');
  assert.equal(errorCode(await run(...attach)), 'FORMAT_SIMPLE_SIGNING');
  assert.equal(errorCode(await run('attach', 'signature', image)), 'USAGE_BAD_FLAG');
  writeFileSync(sandbox.path('att.json'), envelope(other));
  assert.equal(errorCode(await run('attach', 'attestation', '--attestation', 'att.json', image)), 'SUBJECT_MISMATCH');
  writeFileSync(sandbox.path('good.json'), envelope(digest));
  writeFileSync(sandbox.path('bad.json'), '{}');
  const both = ['attach', 'attestation', '--attestation', 'bad.json', '--attestation', 'good.json', image];
  assert.equal(errorCode(await run(...both)), 'FORMAT_ENVELOPE');
  assert.equal(errorCode(await run('attach', 'attestation', image)), 'USAGE_BAD_FLAG');
  const none = await run('download', 'signature', image);
  assert.equal(errorCode(none), 'NO_SIGNATURE');
  assert.equal(none.exitCode, 10);
});

test('a bundle comes back byte for byte, and can be attached elsewhere', async () => {
  const { image } = await newImage('attach/bundle');
  await succeed('sign', '--key', 'cosign.key', '--bundle', 'bundle.json', '--upload=false', image);
  await succeed('attach', 'signature', '--payload', 'bundle.json', image);
  await succeed('verify', '--key', 'cosign.pub', image);
  const { stdout } = await succeed('download', 'signature', image);
  assert.equal(stdout, `${readFileSync(sandbox.path('bundle.json'), 'utf8')}\n`);
});

interop(
  'cosign',
  'both',
  'attach and download: what one attaches the other verifies; the same JSON',
  async (_, executable) => {
    const cosign = (...args: readonly string[]): Promise<{ stdout: string }> =>
      execute(executable, args, {
        cwd: sandbox.work,
        env: { PATH: process.env['PATH'], HOME: sandbox.home, ...PASSWORD },
      });
    const { image, digest, repository } = await newImage('attach/both');
    sign(encodeSimpleSigning(repository, digest, { by: 'us' }));
    const files = ['--signature', 'payload.sig', '--payload', 'payload.json'];
    await succeed('attach', 'signature', ...files, image);
    sign(encodeSimpleSigning(repository, digest, { by: 'them' }));
    await cosign('attach', 'signature', ...files, image);
    for (const by of ['us', 'them']) {
      await succeed(...VERIFY, '-a', `by=${by}`, image);
      await cosign(...VERIFY, '--new-bundle-format=false', '-a', `by=${by}`, image);
    }
    const theirs = (await cosign('download', 'signature', image)).stdout;
    assert.equal((await succeed('download', 'signature', image)).stdout, theirs);
    writeFileSync(sandbox.path('att.json'), envelope(digest));
    await succeed('attach', 'attestation', '--attestation', 'att.json', image);
    const attestation = [
      '--type',
      'https://example.com/review/v1',
      '--new-bundle-format=false',
      '--insecure-ignore-tlog',
    ];
    await cosign('verify-attestation', ...attestation, '--key', 'key.pub', image);
  },
);

test('loose parts become a bundle that verifies; parts that do not belong together do not', async () => {
  writeFileSync(sandbox.path('blob'), 'an artifact');
  const alone = [
    '--new-bundle-format=false',
    '--use-signing-config=false',
    '--tlog-upload=false',
    '--key',
    'cosign.key',
  ];
  await succeed('sign-blob', ...alone, '--output-signature', 'blob.sig', '--bundle', 'older.json', 'blob');
  const create = ['bundle', 'create', '--artifact', 'blob', '--ignore-tlog', '--key', 'cosign.pub'];
  await succeed(...create, '--signature', 'blob.sig', '--out', 'one.json');
  const { stdout } = await succeed(...create, '--bundle', 'older.json');
  assert.equal(stdout.trim(), readFileSync(sandbox.path('one.json'), 'utf8'));
  await succeed('verify-blob', '--key', 'cosign.pub', '--insecure-ignore-tlog', '--bundle', 'one.json', 'blob');
  assert.match((await succeed('bundle', 'inspect', 'one.json')).stdout, /^ {2}- Content: Public Key Identifier$/m);
  assert.equal((await succeed('bundle', 'upgrade', 'one.json')).stdout.trim(), stdout.trim());
  const cases = [
    [[...create, '--signature', 'blob.sig', '--key', 'key.pub'], 'SIGNATURE_INVALID'],
    [[...create], 'USAGE_BAD_FLAG'],
    [[...create, '--signature', 'blob.sig', '--bundle', 'older.json'], 'USAGE_BAD_FLAG'],
    [['bundle', 'create', '--artifact', 'blob', '--ignore-tlog', '--signature', 'blob.sig'], 'USAGE_BAD_FLAG'],
    [['bundle', 'create', '--signature', 'blob.sig', '--key', 'cosign.pub'], 'USAGE_BAD_FLAG'],
    [['bundle', 'inspect', 'blob'], 'FORMAT_BUNDLE'],
    [['bundle', 'upgrade', 'older.json'], 'FORMAT_BUNDLE'],
  ] as const;
  for (const [args, code] of cases) assert.equal(errorCode(await run(...args)), code, args.join(' '));
});
