import assert from 'node:assert/strict';
import { checkPrimeSync, createPrivateKey, generatePrimeSync } from 'node:crypto';
import { test } from 'node:test';
import { checkKeyQuality } from '../../../src/core/crypto/key-quality.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { renderError, type SealwrightError } from '../../../src/errors.ts';

const E = 65_537n;
/** Product of the primes from 3 to 167, modulo which the faulty generator of CVE-2017-15361 drew its primes. */
const M = [...Array(168).keys()]
  .filter((n) => n > 2 && [...Array(n).keys()].slice(2).every((d) => n % d !== 0))
  .reduce((product, prime) => product * BigInt(prime), 1n);

/** A key of two primes, with whatever is the matter with them. */
function rsa(p: bigint, q: bigint, e = E): PrivateKey {
  const phi = (p - 1n) * (q - 1n);
  const d = invert(e, phi);
  const jwk = { kty: 'RSA', n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: invert(q, p) };
  const encoded = Object.entries(jwk).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? base64Url(value) : value,
  ]);
  const handle = createPrivateKey({ format: 'jwk', key: Object.fromEntries(encoded) as Record<string, string> });
  return PrivateKey.fromPkcs8(handle.export({ format: 'der', type: 'pkcs8' }));
}

function base64Url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
}

function invert(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return ((x % modulus) + modulus) % modulus;
}

function power(base: bigint, exponent: number, modulus: bigint): bigint {
  let result = 1n;
  for (let round = 0; round < exponent; round++) result = (result * base) % modulus;
  return result;
}

/** 1024 bits, the two highest set, so that a product of two has 2048. */
function prime(options: { add?: bigint; rem?: bigint } = {}): bigint {
  for (;;) {
    const found = generatePrimeSync(1024, { bigint: true, ...options });
    if (found >> 1022n === 3n && found % E !== 1n) return found;
  }
}

function refused(key: PrivateKey, found: RegExp): void {
  assert.throws(
    () => {
      checkKeyQuality(key);
    },
    (error: SealwrightError) => {
      assert.equal(error.code, 'FORMAT_PRIVATE_KEY', renderError(error));
      assert.match(error.facts.found ?? '', found);
      return true;
    },
  );
}

test('keys as generators make them are fit', () => {
  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519'] as const) {
    checkKeyQuality(PrivateKey.generate(kind));
  }
  for (const bits of [2048, 3072, 4096]) checkKeyQuality(PrivateKey.generate('rsa', bits));
  checkKeyQuality(rsa(prime(), prime()));
});

test('a modulus of another size, or another exponent, is refused', () => {
  refused(PrivateKey.generate('rsa', 2056), /2056 bits/);
  refused(rsa(prime(), prime(), 3n + 14n), /exponent/);
});

test("ROCA's fingerprint is recognised", () => {
  const weak = (exponent: number): bigint => prime({ add: M, rem: power(E, exponent, M) });
  refused(rsa(weak(12), weak(345)), /ROCA/);
});

test('two primes next to each other are found', () => {
  const p = prime();
  let q = p + 2n;
  while (!checkPrimeSync(q)) q += 2n;
  refused(rsa(p, q), /too close/);
});

test('a small factor is found', () => {
  const q = generatePrimeSync(2040, { bigint: true });
  refused(rsa(251n, q), /divisible by 251/);
});

test('a private half of another key is found', () => {
  const [der, other] = [0, 1].map(() => PrivateKey.generate('ecdsa-p256').toPkcs8());
  assert.ok(der !== undefined && other !== undefined);
  // RFC 5915 in RFC 5958: the 32 bytes of the scalar come after 36 bytes that are always the same.
  der.set(other.subarray(36, 68), 36);
  refused(PrivateKey.fromPkcs8(der), /does not belong/);
});
