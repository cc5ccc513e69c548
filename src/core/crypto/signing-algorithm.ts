import { UsageError } from '../../errors.ts';
import type { KeyKind } from './public-key.ts';
import type { SignatureScheme } from './signature.ts';

/** A kind of key together with the scheme that it signs with. */
export interface SigningAlgorithm {
  readonly kind: KeyKind;
  readonly scheme: SignatureScheme;
  /** Modulus size, for RSA. */
  readonly bits?: number;
}

/** Sigstore's names for `--signing-algorithm`; those of RSA-PSS are in its registry, but cosign does not offer them. */
const ALGORITHMS: Readonly<Record<string, SigningAlgorithm>> = {
  'ecdsa-sha2-256-nistp256': { kind: 'ecdsa-p256', scheme: 'ecdsa-sha256' },
  'ecdsa-sha2-384-nistp384': { kind: 'ecdsa-p384', scheme: 'ecdsa-sha384' },
  'ecdsa-sha2-512-nistp521': { kind: 'ecdsa-p521', scheme: 'ecdsa-sha512' },
  'rsa-sign-pkcs1-2048-sha256': { kind: 'rsa', scheme: 'rsa-pkcs1-sha256', bits: 2048 },
  'rsa-sign-pkcs1-3072-sha256': { kind: 'rsa', scheme: 'rsa-pkcs1-sha256', bits: 3072 },
  'rsa-sign-pkcs1-4096-sha256': { kind: 'rsa', scheme: 'rsa-pkcs1-sha256', bits: 4096 },
  'rsa-sign-pss-2048-sha256': { kind: 'rsa', scheme: 'rsa-pss-sha256', bits: 2048 },
  'rsa-sign-pss-3072-sha256': { kind: 'rsa', scheme: 'rsa-pss-sha256', bits: 3072 },
  'rsa-sign-pss-4096-sha256': { kind: 'rsa', scheme: 'rsa-pss-sha256', bits: 4096 },
};

/** @throws UsageError USAGE_BAD_FLAG */
export function parseSigningAlgorithm(name: string): SigningAlgorithm {
  const known = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (known !== undefined) return known;
  throw new UsageError('USAGE_BAD_FLAG', '--signing-algorithm has no such value', {
    found: name.slice(0, 100),
    expected: Object.keys(ALGORITHMS).join(', '),
  });
}
