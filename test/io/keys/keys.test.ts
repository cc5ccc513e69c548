import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { renderError, UsageError, type SealwrightError } from '../../../src/errors.ts';
import { loadPublicKey, loadSigningKey } from '../../../src/io/keys/key-loader.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { passwordSource, type PasswordSource } from '../../../src/io/keys/password.ts';
import { generateKeyPair } from '../../../src/workflows/sign/generate-key-pair.ts';
import { issueRoot } from '../../support/test-authority.ts';

const http = new HttpClient();
const PASSWORD = 'correct horse';
const password: PasswordSource = () => Promise.resolve(utf8(PASSWORD));
const unasked: PasswordSource = () => assert.fail('a password was asked for');

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function refused(run: Promise<unknown>, code: string): Promise<SealwrightError> {
  let caught: unknown;
  await assert.rejects(run, (error: SealwrightError) => {
    caught = error;
    assert.equal(error.code, code, renderError(error));
    return true;
  });
  return caught as SealwrightError;
}

test('a key pair is written for its owner alone, and opens with its password', async (t) => {
  const prefix = join(await folder(t), 'cosign');
  const { files, publicKey } = await generateKeyPair({ prefix, password });
  assert.deepEqual(files, { privateKey: `${prefix}.key`, publicKey: `${prefix}.pub` });
  assert.equal((await stat(files.privateKey)).mode & 0o777, 0o600);
  assert.match(await readFile(files.privateKey, 'utf8'), /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/);
  const key = await loadSigningKey(files.privateKey, { http, environment: {}, password });
  assert.equal(key.kind, 'ecdsa-p256');
  assert.ok(key.publicKey.equals(publicKey));
  assert.ok((await loadPublicKey(files.publicKey, { http, environment: {} })).equals(publicKey));
});

test('files that are there stay as they are, unless they are to be replaced', async (t) => {
  const dir = await folder(t);
  const prefix = join(dir, 'cosign');
  await writeFile(`${prefix}.pub`, 'precious');
  const error = await refused(generateKeyPair({ prefix, password }), 'USAGE_FILE');
  assert.match(error.facts.found ?? '', /stays as it is/);
  assert.equal(await readFile(`${prefix}.pub`, 'utf8'), 'precious');
  assert.deepEqual(await readdir(dir), ['cosign.pub'], 'half of a pair was left');

  const first = await generateKeyPair({ prefix, password, overwrite: true });
  await chmod(first.files.privateKey, 0o644);
  await refused(generateKeyPair({ prefix, password }), 'USAGE_FILE');
  assert.ok((await loadPublicKey(`${prefix}.pub`, { http, environment: {} })).equals(first.publicKey));
  const second = await generateKeyPair({ prefix, password, overwrite: true });
  assert.ok(!second.publicKey.equals(first.publicKey));
  assert.equal((await stat(second.files.privateKey)).mode & 0o777, 0o600);
});

test('called as cosign, a private key is replaced when somebody agrees, and a public key anyway', async (t) => {
  const dir = await folder(t);
  const prefix = join(dir, 'cosign');
  await writeFile(`${prefix}.pub`, 'somebody’s');
  const asked: string[] = [];
  const agree = (file: string): void => {
    asked.push(file);
  };
  const first = await generateKeyPair({ prefix, password, confirmOverwrite: agree });
  assert.deepEqual(asked, [], 'there was no private key');
  const refuse = (): never => {
    throw new UsageError('USAGE_NOT_CONFIRMED', 'no');
  };
  await refused(generateKeyPair({ prefix, password, confirmOverwrite: refuse }), 'USAGE_NOT_CONFIRMED');
  assert.ok((await loadPublicKey(`${prefix}.pub`, { http, environment: {} })).equals(first.publicKey));
  const second = await generateKeyPair({ prefix, password, confirmOverwrite: agree });
  assert.deepEqual(asked, [`${prefix}.key`]);
  assert.ok(!second.publicKey.equals(first.publicKey));
});

test('a key is never written through a link', async (t) => {
  const dir = await folder(t);
  const prefix = join(dir, 'cosign');
  await symlink(join(dir, 'elsewhere'), `${prefix}.key`);
  await refused(generateKeyPair({ prefix, password }), 'USAGE_FILE');
  await generateKeyPair({ prefix, password, overwrite: true });
  assert.deepEqual((await readdir(dir)).sort(), ['cosign.key', 'cosign.pub']);
});

test('without a password nothing is written', async (t) => {
  const dir = await folder(t);
  await refused(generateKeyPair({ prefix: join(dir, 'cosign'), password: passwordSource({}) }), 'USAGE_PASSWORD');
  await refused(generateKeyPair({ prefix: join(dir, 'absent', 'cosign'), password }), 'USAGE_FILE');
  assert.deepEqual(await readdir(dir), []);
});

test('the password comes from COSIGN_PASSWORD, even an empty one, else from the prompt', async () => {
  const purpose = { what: 'a key', confirm: true };
  const asked: unknown[] = [];
  const prompt = (about: unknown): Promise<string> => {
    asked.push(about);
    return Promise.resolve('typed');
  };
  const from = async (environment: Record<string, string>): Promise<string> =>
    Buffer.from(await passwordSource(environment, prompt)(purpose)).toString();
  assert.equal(await from({ COSIGN_PASSWORD: 'secret' }), 'secret');
  assert.equal(await from({ COSIGN_PASSWORD: '' }), '');
  assert.deepEqual(asked, []);
  assert.equal(await from({}), 'typed');
  assert.deepEqual(asked, [purpose]);
});

test('a wrong password is told without the password', async (t) => {
  const prefix = join(await folder(t), 'cosign');
  await generateKeyPair({ prefix, password });
  const wrong = (): Promise<Uint8Array> => Promise.resolve(utf8('wrong horse'));
  const error = await refused(
    loadSigningKey(`${prefix}.key`, { http, environment: {}, password: wrong }),
    'USAGE_PASSWORD',
  );
  assert.ok(!renderError(error).includes('wrong horse'));
});

test('an unencrypted key asks for no password; env:// reads a variable', async () => {
  const key = PrivateKey.generate('ed25519');
  const environment = {
    KEY: encodePem('PRIVATE KEY', key.toPkcs8()),
    PUBLIC: key.publicKey.toPem(),
    CERTIFICATE: issueRoot({ key: PrivateKey.generate('ecdsa-p384') }).certificate.toPem(),
  };
  const loaded = await loadSigningKey('env://KEY', { http, environment, password: unasked });
  assert.ok(loaded.publicKey.equals(key.publicKey));
  assert.ok((await loadPublicKey('env://PUBLIC', { http, environment })).equals(key.publicKey));
  assert.equal((await loadPublicKey('env://CERTIFICATE', { http, environment })).kind, 'ecdsa-p384');
});

test('references that name no key are refused, each with its code', async (t) => {
  const dir = await folder(t);
  const environment = { EMPTY: '', GARBAGE: 'hello', PUBLIC: PrivateKey.generate('ecdsa-p256').publicKey.toPem() };
  const key = encodePem('PRIVATE KEY', PrivateKey.generate('ecdsa-p256').toPkcs8());
  await writeFile(join(dir, 'cosign.key'), key);
  await writeFile(join(dir, 'large'), 'x'.repeat(70_000));
  await writeFile(join(dir, 'binary'), Uint8Array.of(0xff, 0xfe, 0xfd));
  for (const [reference, code] of [
    ['env://ABSENT', 'USAGE_FILE'],
    ['env://EMPTY', 'USAGE_FILE'],
    ['env://GARBAGE', 'FORMAT_PEM'],
    ['env://PUBLIC', 'FORMAT_PRIVATE_KEY'],
    ['k8s://default/cosign', 'USAGE_BAD_CONFIG'],
    ['k8s://default', 'USAGE_BAD_FLAG'],
    ['gitlab://group/project', 'USAGE_BAD_CONFIG'],
    ['github://org/repository', 'USAGE_BAD_FLAG'],
    ['awskms:///alias/x', 'USAGE_BAD_FLAG'],
    ['http://192.0.2.1/cosign.key', 'USAGE_BAD_CONFIG'],
    ['pkcs11:token=x', 'USAGE_BAD_FLAG'],
    [join(dir, 'absent.key'), 'USAGE_FILE'],
    [dir, 'USAGE_FILE'],
    [join(dir, 'large'), 'LIMIT_SIZE'],
    [join(dir, 'binary'), 'FORMAT_PEM'],
  ] as const) {
    await refused(loadSigningKey(reference, { http, environment, password: unasked }), code);
  }
  const error = await refused(loadPublicKey(join(dir, 'cosign.key'), { http, environment }), 'USAGE_BAD_FLAG');
  assert.equal(error.facts.fix, `--key ${join(dir, 'cosign.pub')}`);
});
