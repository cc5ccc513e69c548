import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { decryptPrivateKey, encryptPrivateKey, isEncryptedPrivateKey } from '../../../src/core/crypto/encrypted-key.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { PublicKey } from '../../../src/core/crypto/public-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodePem, parsePem } from '../../../src/core/encoding/pem.ts';
import { peer } from '../../support/peers.ts';

const VECTORS = resolve(import.meta.dirname, '../../vectors/keys');
const vector = (name: string): string => readFileSync(join(VECTORS, `${name}.pem`), 'utf8');
const HELLO = utf8('hello');
const KEY = PrivateKey.generate('ecdsa-p256');
const PEM = encryptPrivateKey(KEY, HELLO);

test("cosign's own test keys open with their password", () => {
  assert.equal(decryptPrivateKey(vector('sigstore-ec'), HELLO).kind, 'ecdsa-p256');
  assert.equal(decryptPrivateKey(vector('cosign-1-ec'), HELLO).kind, 'ecdsa-p256');
});

test('a key that cosign refuses for what is inside is refused', () => {
  assert.throws(() => decryptPrivateKey(vector('cosign-ec-sec1'), HELLO), { code: 'FORMAT_PRIVATE_KEY' });
});

test("go-securesystemslib's boxes open at each of its three costs, and hold no key", () => {
  // encrypted/encrypted_test.go of secure-systems-lab/go-securesystemslib (MIT): "reallyimportant" under "supersecret".
  for (const json of [
    '{"kdf":{"name":"scrypt","params":{"N":32768,"r":8,"p":1},"salt":"WO3mVvyTwJ9vwT5/Tk5OW5WPIBUofMjcpEfrLnfY4uA="},"cipher":{"name":"nacl/secretbox","nonce":"tCy7HcTFr4uxv4Nrg/DWmncuZ148U1MX"},"ciphertext":"08n43p5G5yviPEZpO7tPPF4aZQkWiWjkv4taFdhDBA0tamKH4nw="}',
    '{"kdf":{"name":"scrypt","params":{"N":65536,"r":8,"p":1},"salt":"FhzPOt9/bJG4PTq6lQ6ecG6GzaOuOy/ynG5+yRiFlNs="},"cipher":{"name":"nacl/secretbox","nonce":"aw1ng1jHaDz/tQ7V2gR9O2+IGQ8xJEuE"},"ciphertext":"HycvuLZL4sYH0BrYTh4E/H20VtAW6u5zL5Pr+IBjYLYnCPzDkq8="}',
    '{"kdf":{"name":"scrypt","params":{"N":131072,"r":8,"p":1},"salt":"m38E3kouJTtiheLQN22NQ8DTito5hrjpUIskqcd375k="},"cipher":{"name":"nacl/secretbox","nonce":"Y6PM13yA+o44pE/W1ZBwczeGnTV/m9Zc"},"ciphertext":"6H8sqj1K6B6yDjtH5AQ6lbFigg/C2yDDJc4rYJ79w9aVPImFIPI="}',
  ]) {
    const pem = encodePem('ENCRYPTED SIGSTORE PRIVATE KEY', utf8(json));
    // Opened: what is refused is the fifteen bytes inside.
    assert.throws(() => decryptPrivateKey(pem, utf8('supersecret')), { code: 'FORMAT_PRIVATE_KEY', message: /decode/ });
    assert.throws(() => decryptPrivateKey(pem, utf8('supersecrets')), { code: 'USAGE_PASSWORD' });
  }
});

test('cosign opens a key of ours and we open one of its own', (t) => {
  const cosign = peer(t, 'cosign');
  if (cosign === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-keys-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const run = (...args: string[]): string =>
    execFileSync(cosign, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { COSIGN_PASSWORD: 'grüße', HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  writeFileSync(join(folder, 'ours.key'), encryptPrivateKey(KEY, utf8('grüße')));
  assert.ok(PublicKey.fromPem(run('public-key', '--key', 'ours.key')).equals(KEY.publicKey));
  run('generate-key-pair');
  const theirs = decryptPrivateKey(readFileSync(join(folder, 'cosign.key'), 'utf8'), utf8('grüße'));
  assert.equal(theirs.publicKey.toPem(), readFileSync(join(folder, 'cosign.pub'), 'utf8'));
  assert.equal(theirs.kind, 'ecdsa-p256');
});

test('every kind of key survives, under any password, and two boxes of one key differ', () => {
  for (const kind of ['ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa'] as const) {
    const key = PrivateKey.generate(kind);
    assert.ok(decryptPrivateKey(encryptPrivateKey(key, HELLO), HELLO).publicKey.equals(key.publicKey));
  }
  const empty = new Uint8Array(0);
  assert.ok(decryptPrivateKey(encryptPrivateKey(KEY, empty), empty).publicKey.equals(KEY.publicKey));
  assert.notEqual(encryptPrivateKey(KEY, HELLO), PEM);
});

test('what is an encrypted key is told by its label', () => {
  assert.equal(isEncryptedPrivateKey(PEM), true);
  assert.equal(isEncryptedPrivateKey(vector('cosign-1-ec')), true);
  assert.equal(isEncryptedPrivateKey(encodePem('PRIVATE KEY', KEY.toPkcs8())), false);
  assert.equal(isEncryptedPrivateKey('ENCRYPTED SIGSTORE PRIVATE KEY'), false);
});

test('a wrong password is told apart from a file that is not of this format', () => {
  for (const password of ['', 'Hello', 'hello ', 'hello\n']) {
    assert.throws(() => decryptPrivateKey(PEM, utf8(password)), { code: 'USAGE_PASSWORD' });
  }
  assert.throws(() => decryptPrivateKey(encodePem('PRIVATE KEY', KEY.toPkcs8()), HELLO), {
    code: 'FORMAT_PRIVATE_KEY',
  });
  assert.throws(() => decryptPrivateKey('', HELLO), { code: 'FORMAT_PEM' });
});

const change = (from: string | RegExp, to: string): string => {
  const text = Buffer.from(parsePem(PEM)[0]!.der).toString();
  assert.notEqual(text.replace(from, to), text);
  return encodePem('ENCRYPTED SIGSTORE PRIVATE KEY', utf8(text.replace(from, to)));
};
const REFUSED: readonly (readonly [string, string, string | RegExp, string])[] = [
  ['a cost that would take a gigabyte', 'FORMAT_PRIVATE_KEY', '"N":65536', '"N":1048576'],
  ['a cost of one', 'FORMAT_PRIVATE_KEY', '"N":65536', '"N":1'],
  ['a huge block size', 'FORMAT_PRIVATE_KEY', '"r":8', '"r":1048576'],
  ['a parallelism of two', 'FORMAT_PRIVATE_KEY', '"p":1', '"p":2'],
  ['a cost that is text', 'FORMAT_PRIVATE_KEY', '"N":65536', '"N":"65536"'],
  ['another derivation', 'FORMAT_PRIVATE_KEY', '"scrypt"', '"pbkdf2"'],
  ['another cipher', 'FORMAT_PRIVATE_KEY', 'nacl/secretbox', 'aes-gcm'],
  ['a short nonce', 'FORMAT_PRIVATE_KEY', /"nonce":"[^"]+"/, '"nonce":"AAAA"'],
  ['a nonce that is no base64', 'FORMAT_BASE64', /"nonce":"/, '"nonce":"*'],
  ['no salt', 'FORMAT_PRIVATE_KEY', '"salt"', '"salz"'],
  ['another salt', 'USAGE_PASSWORD', /"salt":"[^"]+"/, '"salt":"AAAA"'],
  ['a ciphertext shorter than its tag', 'USAGE_PASSWORD', /"ciphertext":"[^"]+"/, '"ciphertext":"AAAA"'],
  ['a ciphertext that was changed', 'USAGE_PASSWORD', /"ciphertext":"..../, '"ciphertext":"AAAA'],
  ['JSON that was cut short', 'FORMAT_PRIVATE_KEY', /\}$/, ''],
];
for (const [what, code, from, to] of REFUSED) {
  test(`a key file with ${what} is refused with ${code}`, () => {
    assert.throws(() => decryptPrivateKey(change(from, to), HELLO), { code });
  });
}

test('no refusal tells the password or the key', () => {
  const secret = 'correct horse battery';
  assert.throws(
    () => decryptPrivateKey(PEM, utf8(secret)),
    (error: { message: string; facts: object; cause?: unknown }) =>
      !JSON.stringify([error.message, error.facts]).includes(secret) && error.cause === undefined,
  );
});
