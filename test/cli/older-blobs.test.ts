/** Blobs signed and verified as release scripts have done it for years: by a key, with a signature file and nothing else. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { FakeInstance, ISSUER, stamp, SUBJECT } from '../support/instance.ts';

const ALONE = ['--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false', '--yes'];
const sandbox = new Sandbox();

before(async () => {
  writeFileSync(sandbox.path('app.tgz'), 'an artifact\n');
  writeFileSync(sandbox.path('other.tgz'), 'another artifact\n');
  await succeed('generate-key-pair');
});

after(() => {
  sandbox.remove();
});

function run(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(args, { environment: { COSIGN_PASSWORD: 'a password' } });
}

async function succeed(...args: readonly string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

const read = (name: string): Buffer => readFileSync(sandbox.path(name));

test('a signature on stdout, in files, raw, and in the older bundle: all verify, with nobody asked', async () => {
  const { stdout } = await succeed('sign-blob', ...ALONE, '--key', 'cosign.key', 'app.tgz');
  assert.match(stdout, /^[A-Za-z0-9+/]+=*\n$/);
  writeFileSync(sandbox.path('stdout.sig'), stdout);
  const files = ['--output-signature', 'app.sig', '--bundle', 'app.json', '--output-certificate', 'app.pub'];
  assert.equal((await succeed('sign-blob', ...ALONE, ...files, '--key', 'cosign.key', 'app.tgz')).stdout, '');
  await succeed('sign-blob', ...ALONE, '--b64=false', '--output', 'raw.sig', '--key', 'cosign.key', 'app.tgz');
  assert.deepEqual(read('app.pub'), read('cosign.pub'));
  assert.equal(read('raw.sig')[0], 0x30);
  const verify = ['verify-blob', '--key', 'cosign.pub', '--insecure-ignore-tlog'];
  const ways = [
    ...['stdout.sig', 'app.sig', 'raw.sig', stdout.trim()].map((value) => ['--signature', value]),
    ['--bundle', 'app.json'],
  ];
  for (const way of ways) {
    await succeed(...verify, ...way, 'app.tgz');
    const other = await run(...verify, ...way, 'other.tgz');
    assert.equal(errorCode(other), 'SIGNATURE_INVALID', other.stderr);
    assert.equal(other.exitCode, 12);
  }
});

test('an own authority, named by a chain or by roots, is believed for its own certificates', async () => {
  const instance = new FakeInstance();
  const key = PrivateKey.generate('ecdsa-p256');
  const leaf = instance.issueLeaf(key.publicKey, { scts: () => [] });
  const [intermediate, root] = [instance.intermediate.certificate.toPem(), instance.root.certificate.toPem()];
  const content = read('app.tgz');
  const signature = key.sign(content);
  writeFileSync(sandbox.path('leaf.pem'), leaf.toPem());
  writeFileSync(sandbox.path('leaf.b64'), encodeBase64(utf8(leaf.toPem())));
  writeFileSync(sandbox.path('leaf.sig'), encodeBase64(signature));
  writeFileSync(sandbox.path('chain.pem'), intermediate + root);
  writeFileSync(sandbox.path('root.pem'), root);
  writeFileSync(sandbox.path('between.pem'), intermediate);
  writeFileSync(sandbox.path('stranger.pem'), new FakeInstance().root.certificate.toPem());
  const trusted = {
    ...instance.trustedRoot,
    certificateAuthorities: new FakeInstance().trustedRoot.certificateAuthorities,
  };
  writeFileSync(sandbox.path('tsa-only.json'), encodeTrustedRoot(trusted));
  writeFileSync(sandbox.path('app.tsr'), stamp(signature, instance.tsa));
  const verify = [
    ...['verify-blob', '--trusted-root', 'tsa-only.json', '--signature', 'leaf.sig', '--rfc3161-timestamp', 'app.tsr'],
    ...['--use-signed-timestamps', '--insecure-ignore-tlog', '--insecure-ignore-sct'],
    ...['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER],
  ];
  await succeed(...verify, '--certificate', 'leaf.pem', '--certificate-chain', 'chain.pem', 'app.tgz');
  await succeed(
    ...verify,
    '--certificate',
    'leaf.b64',
    '--ca-roots',
    'root.pem',
    '--ca-intermediates',
    'between.pem',
    'app.tgz',
  );
  const cases = [
    [['--certificate', 'leaf.pem'], 'CERTIFICATE_UNTRUSTED'],
    [['--certificate', 'leaf.pem', '--ca-roots', 'stranger.pem'], 'CERTIFICATE_UNTRUSTED'],
    [['--certificate', 'leaf.pem', '--ca-roots', 'root.pem'], 'CERTIFICATE_UNTRUSTED'],
    [['--certificate', 'leaf.pem', '--ca-intermediates', 'between.pem'], 'USAGE_BAD_FLAG'],
    [['--certificate', 'leaf.pem', '--ca-roots', 'root.pem', '--certificate-chain', 'chain.pem'], 'USAGE_BAD_FLAG'],
    [['--certificate', 'app.tgz'], 'FORMAT_BASE64'],
    [['--certificate', 'leaf.pem', '--certificate-chain', 'app.tgz'], 'FORMAT_PEM'],
    [['--certificate', 'leaf.pem', '--sct', 'app.tgz'], 'FORMAT_SCT'],
    [[], 'KEY_MISMATCH'],
  ] as const;
  for (const [flags, code] of cases) {
    const ended = await run(...verify, ...flags, 'app.tgz');
    assert.equal(errorCode(ended), code, `${flags.join(' ')}\n${ended.stderr}`);
  }
});

const MISUSES: readonly (readonly [string, readonly string[]])[] = [
  ['no signature at all', ['verify-blob', '--key', 'cosign.pub', 'app.tgz']],
  ['a bundle and a signature', ['verify-blob', '--key', 'cosign.pub', '--bundle', 'x', '--signature', 'y', 'app.tgz']],
  [
    'a signature file beside a Sigstore bundle',
    ['sign-blob', '--key', 'cosign.key', '--output-signature', 'x', 'app.tgz'],
  ],
  ['raw bytes in a Sigstore bundle', ['sign-blob', '--key', 'cosign.key', '--b64=false', 'app.tgz']],
  [
    'one file for two signatures',
    ['sign-blob', ...ALONE, '--key', 'cosign.key', '--output', 'x', 'app.tgz', 'other.tgz'],
  ],
  [
    'a timestamp beside a Sigstore bundle',
    ['verify-blob', '--key', 'cosign.pub', '--bundle', 'new.json', '--rfc3161-timestamp', 'x', 'app.tgz'],
  ],
];

for (const [what, args] of MISUSES) {
  test(`${what}: refused`, async () => {
    writeFileSync(sandbox.path('new.json'), '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}');
    const ended = await run(...args);
    assert.equal(errorCode(ended), 'USAGE_BAD_FLAG', ended.stderr);
  });
}
