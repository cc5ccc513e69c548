import { FormatError } from '../../errors.ts';
import type { KeyKind, PublicKey } from './public-key.ts';
import type { SignatureScheme } from './signature.ts';

/** `dev.sigstore.common.v1.PublicKeyDetails`: names of a key's kind together with the scheme it signs with. */
export interface KeyDetails {
  readonly kind: KeyKind;
  readonly scheme: SignatureScheme;
  /** Modulus size, where the name fixes it. */
  readonly bits?: number;
  /** The key is a bare RSAPublicKey instead of SubjectPublicKeyInfo. */
  readonly pkcs1?: true;
}

export type KeyDetailsName = keyof typeof KEY_DETAILS;

const KEY_DETAILS = {
  PKCS1_RSA_PKCS1V5: { kind: 'rsa', scheme: 'rsa-pkcs1-sha256', pkcs1: true },
  PKCS1_RSA_PSS: { kind: 'rsa', scheme: 'rsa-pss-sha256', pkcs1: true },
  PKIX_RSA_PKCS1V5: { kind: 'rsa', scheme: 'rsa-pkcs1-sha256' },
  PKIX_RSA_PSS: { kind: 'rsa', scheme: 'rsa-pss-sha256' },
  PKIX_RSA_PKCS1V15_2048_SHA256: { kind: 'rsa', scheme: 'rsa-pkcs1-sha256', bits: 2048 },
  PKIX_RSA_PKCS1V15_3072_SHA256: { kind: 'rsa', scheme: 'rsa-pkcs1-sha256', bits: 3072 },
  PKIX_RSA_PKCS1V15_4096_SHA256: { kind: 'rsa', scheme: 'rsa-pkcs1-sha256', bits: 4096 },
  PKIX_RSA_PSS_2048_SHA256: { kind: 'rsa', scheme: 'rsa-pss-sha256', bits: 2048 },
  PKIX_RSA_PSS_3072_SHA256: { kind: 'rsa', scheme: 'rsa-pss-sha256', bits: 3072 },
  PKIX_RSA_PSS_4096_SHA256: { kind: 'rsa', scheme: 'rsa-pss-sha256', bits: 4096 },
  PKIX_ECDSA_P256_SHA_256: { kind: 'ecdsa-p256', scheme: 'ecdsa-sha256' },
  PKIX_ECDSA_P384_SHA_384: { kind: 'ecdsa-p384', scheme: 'ecdsa-sha384' },
  PKIX_ECDSA_P521_SHA_512: { kind: 'ecdsa-p521', scheme: 'ecdsa-sha512' },
  PKIX_ECDSA_P384_SHA_256: { kind: 'ecdsa-p384', scheme: 'ecdsa-sha256' },
  PKIX_ECDSA_P521_SHA_256: { kind: 'ecdsa-p521', scheme: 'ecdsa-sha256' },
  PKIX_ED25519: { kind: 'ed25519', scheme: 'ed25519' },
  PKIX_ED25519_PH: { kind: 'ed25519', scheme: 'ed25519ph' },
} as const satisfies Readonly<Record<string, KeyDetails>>;

/** @throws FormatError FORMAT_PUBLIC_KEY for a name that is unknown or of an algorithm that is not supported */
export function parseKeyDetails(name: string): KeyDetails {
  if (!Object.hasOwn(KEY_DETAILS, name)) {
    throw new FormatError('FORMAT_PUBLIC_KEY', 'the key details name no supported algorithm', {
      found: name.slice(0, 64),
      expected: Object.keys(KEY_DETAILS).join(', '),
    });
  }
  return KEY_DETAILS[name as KeyDetailsName];
}

/** The name for a key and the scheme it signs with. */
export function keyDetailsName(key: PublicKey, scheme: SignatureScheme): KeyDetailsName {
  const entries = Object.entries(KEY_DETAILS) as [KeyDetailsName, KeyDetails][];
  const found = entries.find(
    ([, details]) =>
      details.kind === key.kind &&
      details.scheme === scheme &&
      details.pkcs1 === undefined &&
      (details.bits ?? key.bits) === key.bits &&
      (details.kind !== 'rsa' || details.bits !== undefined),
  );
  if (found === undefined) {
    throw new FormatError('FORMAT_PUBLIC_KEY', 'no key details exist for this key and scheme', {
      found: `${key.kind} of ${key.bits} bits with ${scheme}`,
    });
  }
  return found[0];
}
