import { FormatError } from '../../errors.ts';
import { utf8 } from '../encoding/bytes.ts';
import type { PrivateKey } from './private-key.ts';
import type { PublicKey } from './public-key.ts';
import { defaultScheme, verifySignature } from './signature.ts';

/** The sizes that Sigstore's services take. */
const RSA_BITS: readonly number[] = [2048, 3072, 4096];
const EXPONENT = 65_537n;
/** Of a modulus made by two primes that were drawn apart, none of these divides it. */
const SMALL_PRIMES = primesBelow(752);
/** Primes of ROCA's fingerprint ("The Return of Coppersmith's Attack", CCS 2017, §3.3). */
const ROCA_PRIMES = SMALL_PRIMES.filter((prime) => prime >= 3 && prime <= 167);
/** Two primes close to each other are found within a few of these steps. */
const FERMAT_ROUNDS = 100;
const PROBE = utf8('sealwright: does the private half fit the public one');

/**
 * Whether a key that somebody else made is fit to sign with: an RSA modulus of a usual size and exponent that known faults
 * of key generators do not give away, and a private half that makes signatures its public half verifies. Curves and points
 * have been checked when the key was read.
 *
 * @throws FormatError FORMAT_PRIVATE_KEY, saying what is wrong without telling anything of the key
 */
export function checkKeyQuality(key: PrivateKey): void {
  if (key.kind === 'rsa') checkRsa(key.publicKey);
  const scheme = defaultScheme(key.kind);
  let holds = false;
  try {
    holds = verifySignature(key.publicKey, scheme, PROBE, key.sign(PROBE, scheme));
  } catch {
    // OpenSSL refuses some inconsistent keys only when they are used; its words may describe the key.
  }
  if (!holds) throw unfit('its private half does not belong to its public half', 'two halves of one key');
}

function checkRsa(key: PublicKey): void {
  if (!RSA_BITS.includes(key.bits)) throw unfit(`an RSA modulus of ${key.bits} bits`, '2048, 3072 or 4096 bits');
  const { n = '', e = '' } = key.handle.export({ format: 'jwk' });
  const modulus = toNumber(n);
  if (toNumber(e) !== EXPONENT) throw unfit('an unusual RSA exponent', '65537');
  const factor = SMALL_PRIMES.find((prime) => modulus % BigInt(prime) === 0n);
  if (factor !== undefined) throw unfit(`an RSA modulus divisible by ${factor}`, 'a product of two large primes');
  if (ROCA_PRIMES.every((prime) => isPowerOfExponent(Number(modulus % BigInt(prime)), prime))) {
    throw unfit('an RSA modulus with the fingerprint of ROCA (CVE-2017-15361)', 'a key made by another generator');
  }
  if (isFermatFactorable(modulus))
    throw unfit('an RSA modulus of two primes too close to each other', 'primes drawn apart');
}

function isPowerOfExponent(residue: number, prime: number): boolean {
  const generator = Number(EXPONENT % BigInt(prime));
  for (let power = 1, round = 0; round < prime; round++, power = (power * generator) % prime) {
    if (power === residue) return true;
  }
  return false;
}

/** Fermat's method: a few squares above the root, of which one exceeds the modulus by a square. */
function isFermatFactorable(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a += 1n;
  for (let round = 0; round < FERMAT_ROUNDS; round++, a += 1n) {
    const rest = a * a - modulus;
    const root = squareRoot(rest);
    if (root * root === rest) return true;
  }
  return false;
}

/** The largest whole number whose square is not larger (Newton). */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

function primesBelow(limit: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

function toNumber(base64Url: string): bigint {
  return BigInt(`0x${Buffer.from(base64Url, 'base64url').toString('hex')}`);
}

function unfit(found: string, expected: string): FormatError {
  return new FormatError('FORMAT_PRIVATE_KEY', 'the private key is not fit to sign with', { found, expected });
}
