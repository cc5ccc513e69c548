/** `generate-key-pair`, `import-key-pair` and `public-key`, as whole processes, with keys that OpenSSL made and with bad ones. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { installKmsProgram } from '../support/kms-plugin.ts';

const sandbox = new Sandbox();
const PASSWORD = { COSIGN_PASSWORD: 'a password' };

after(() => {
  sandbox.remove();
});

async function run(args: readonly string[], environment: Record<string, string> = PASSWORD): Promise<Ended> {
  return sandbox.run(args, { environment });
}

async function done(...args: string[]): Promise<string> {
  const ended = await run(args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended.stdout;
}

function ec(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}

function rsa(modulusLength: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

function pem(key: KeyObject, type: 'pkcs1' | 'sec1' | 'pkcs8'): string {
  return key.export({ format: 'pem', type });
}

const EC_PARAMETERS = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';

test('keys of every kind and form are imported, and their public halves printed', async () => {
  const keys: readonly (readonly [name: string, key: string])[] = [
    ['p256-sec1', EC_PARAMETERS + pem(ec('prime256v1'), 'sec1')],
    ['p384-sec1', pem(ec('secp384r1'), 'sec1')],
    ['p521-pkcs8', pem(ec('secp521r1'), 'pkcs8')],
    ['ed25519-pkcs8', pem(generateKeyPairSync('ed25519').privateKey, 'pkcs8')],
    ['rsa2048-pkcs1', pem(rsa(2048), 'pkcs1')],
    ['rsa3072-pkcs8', pem(rsa(3072), 'pkcs8')],
  ];
  for (const [name, text] of keys) {
    writeFileSync(sandbox.path(`${name}.pem`), text);
    await done('import-key-pair', '--key', `${name}.pem`, '--output-key-prefix', name);
    assert.match(readFileSync(sandbox.path(`${name}.key`), 'utf8'), /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----/);
    assert.equal(statSync(sandbox.path(`${name}.key`)).mode & 0o777, 0o600);
    const expected = readFileSync(sandbox.path(`${name}.pub`), 'utf8');
    assert.equal(await done('public-key', '--key', `${name}.key`), expected);
    assert.equal(await done('public-key', '--key', `${name}.pem`), expected);
  }
  await done('public-key', '--key', 'p256-sec1.key', '--outfile', 'out.pub');
  assert.equal(readFileSync(sandbox.path('out.pub'), 'utf8'), readFileSync(sandbox.path('p256-sec1.pub'), 'utf8'));
  assert.equal(statSync(sandbox.path('out.pub')).mode & 0o777, 0o644);
});

test('an import replaces a key pair only when told to', async () => {
  writeFileSync(sandbox.path('again.pem'), pem(ec('prime256v1'), 'pkcs8'));
  await done('import-key-pair', '-k', 'again.pem');
  const before = readFileSync(sandbox.path('import-cosign.key'), 'utf8');
  assert.equal(errorCode(await run(['import-key-pair', '-k', 'again.pem'])), 'USAGE_FILE');
  assert.equal(readFileSync(sandbox.path('import-cosign.key'), 'utf8'), before);
  await done('import-key-pair', '-k', 'again.pem', '-y');
  assert.notEqual(readFileSync(sandbox.path('import-cosign.key'), 'utf8'), before);
});

test('keys that are not fit, or are none, are refused, and nothing is written', async () => {
  const encrypted = ec('prime256v1').export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' });
  const files: Readonly<Record<string, readonly [content: string, code: string, words: RegExp]>> = {
    'p224.pem': [pem(ec('secp224r1'), 'pkcs8'), 'FORMAT_PUBLIC_KEY', /another curve/],
    'k1.pem': [pem(ec('secp256k1'), 'sec1'), 'FORMAT_PUBLIC_KEY', /another curve/],
    'rsa1024.pem': [pem(rsa(1024), 'pkcs1'), 'FORMAT_PUBLIC_KEY', /1024 bits/],
    'rsa2304.pem': [pem(rsa(2304), 'pkcs8'), 'FORMAT_PRIVATE_KEY', /2304 bits/],
    'dsa.pem': [
      pem(generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey, 'pkcs8'),
      'FORMAT_PUBLIC_KEY',
      /type dsa/,
    ],
    'public.pem': [
      generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }),
      'FORMAT_PRIVATE_KEY',
      /PUBLIC KEY/,
    ],
    'encrypted.pem': [encrypted, 'USAGE_BAD_FLAG', /openssl pkey/],
    'huge.pem': ['x'.repeat(1 << 20), 'LIMIT_SIZE', /1048576 bytes/],
    'empty.pem': ['', 'FORMAT_PEM', /./],
    'text.pem': ['hello\n', 'FORMAT_PEM', /./],
    'cut.pem': [pem(ec('prime256v1'), 'pkcs8').slice(0, 120), 'FORMAT_PEM', /./],
  };
  for (const [name, [content, code, words]] of Object.entries(files)) {
    writeFileSync(sandbox.path(name), content);
    const ended = await run(['import-key-pair', '--key', name, '--output-key-prefix', 'bad']);
    assert.deepEqual([name, errorCode(ended), ended.exitCode], [name, code, 1], ended.stderr);
    assert.match(ended.stderr, words, name);
  }
  assert.ok(!existsSync(sandbox.path('bad.key')) && !existsSync(sandbox.path('bad.pub')));
});

test('a file that anybody may write is no key, unless cosign is asked for', async () => {
  writeFileSync(sandbox.path('open.pem'), pem(ec('prime256v1'), 'pkcs8'));
  chmodSync(sandbox.path('open.pem'), 0o666);
  const refused = await run(['public-key', '--key', 'open.pem']);
  assert.equal(errorCode(refused), 'USAGE_FILE');
  assert.match(refused.stderr, /mode 666/);
  assert.match(refused.stderr, /fix: +chmod o-w open.pem/);
  assert.equal(errorCode(await run(['import-key-pair', '--key', 'open.pem'])), 'USAGE_FILE');
  await done('public-key', '--key', 'open.pem', '--compat', 'cosign');
});

test('a wrong password, another cost of scrypt, and a key of nobody are refused', async () => {
  await done('generate-key-pair', '--output-key-prefix', 'mine');
  const wrong = await run(['public-key', '--key', 'mine.key'], { COSIGN_PASSWORD: 'wrong' });
  assert.equal(errorCode(wrong), 'USAGE_PASSWORD');
  assert.ok(!wrong.stderr.includes('wrong password"'));
  for (const [cost, memory] of [
    [16384, 8],
    [1 << 30, 8],
    [65536, 16],
  ] as const) {
    const text = readFileSync(sandbox.path('mine.key'), 'utf8');
    const body = Buffer.from(text.replaceAll(/-----[^-]+-----|\n/g, ''), 'base64').toString();
    const document = JSON.parse(body) as { kdf: { params: { N: number; r: number } } };
    document.kdf.params.N = cost;
    document.kdf.params.r = memory;
    const encoded = Buffer.from(JSON.stringify(document)).toString('base64');
    const label = 'ENCRYPTED SIGSTORE PRIVATE KEY';
    writeFileSync(sandbox.path('cost.key'), `-----BEGIN ${label}-----\n${encoded}\n-----END ${label}-----\n`);
    assert.equal(errorCode(await run(['public-key', '--key', 'cost.key'])), 'FORMAT_PRIVATE_KEY');
  }
  assert.equal(errorCode(await run(['public-key', '--key', 'absent.key'])), 'USAGE_FILE');
  assert.equal(errorCode(await run(['public-key'])), 'USAGE_BAD_FLAG');
});

test('keys on hardware are refused by name, with the way that there is', async () => {
  for (const args of [
    ['public-key', '--sk'],
    ['public-key', '--slot', 'signature'],
    ['public-key', '--key', 'pkcs11:token=x;object=y'],
    ['sign', '--sk', 'registry.example/app:1'],
    ['verify', '--sk', 'registry.example/app:1'],
  ]) {
    const ended = await run(
      [...args, '--trusted-root', 'absent.json'].slice(0, args[0] === 'public-key' ? args.length : undefined),
    );
    assert.equal(errorCode(ended), 'USAGE_BAD_FLAG', ended.stderr);
    assert.match(ended.stderr, /sigstore-kms-NAME/);
  }
});

test('a key service makes a key, shows it, and signs and verifies with it', async () => {
  const environment = installKmsProgram(sandbox.folder, 'testbox');
  const made = await run(['generate-key-pair', '--kms', 'testbox://ci', '--output-key-prefix', 'kms'], environment);
  assert.equal(made.exitCode, 0, made.stderr);
  const shown = await run(['public-key', '--key', 'testbox://ci'], environment);
  assert.equal(shown.stdout, readFileSync(sandbox.path('kms.pub'), 'utf8'));
  const again = await run(['generate-key-pair', '--kms', 'testbox://ci', '--output-key-prefix', 'kms'], environment);
  assert.equal(errorCode(again), 'USAGE_FILE');
  assert.equal((await run(['public-key', '--key', 'testbox://ci'], environment)).stdout, shown.stdout);
  const both = await run(['generate-key-pair', 'k8s://a/b', '--kms', 'testbox://ci'], environment);
  assert.equal(errorCode(both), 'USAGE_BAD_FLAG');
  const nowhere = await run(['generate-key-pair', 'https://example.com/key']);
  assert.equal(errorCode(nowhere), 'USAGE_BAD_FLAG');
});
