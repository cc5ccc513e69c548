import { constants, publicDecrypt, verify, type SignKeyObjectInput, type VerifyKeyObjectInput } from 'node:crypto';
import { FormatError, InvariantError } from '../../errors.ts';
import { concatBytes, equalBytes } from '../encoding/bytes.ts';
import { digest, DIGEST_LENGTHS, type HashAlgorithm } from './digest.ts';
import { orderLength, verifyEcdsaDigest, type EcdsaKind } from './ecdsa-digest.ts';
import { ecdsaSignatureToCompact } from './ecdsa-signature.ts';
import { verifyEd25519phDigest } from './ed25519ph-digest.ts';
import { verifyPssDigest } from './rsa-pss-digest.ts';
import type { KeyKind, PublicKey } from './public-key.ts';

/** How a message becomes a signature. The digest is part of the name: it is never left to a default. */
export type SignatureScheme =
  | 'ecdsa-sha256'
  | 'ecdsa-sha384'
  | 'ecdsa-sha512'
  | 'ed25519'
  | 'ed25519ph'
  | 'rsa-pkcs1-sha256'
  | 'rsa-pkcs1-sha384'
  | 'rsa-pkcs1-sha512'
  | 'rsa-pss-sha256'
  | 'rsa-pss-sha384'
  | 'rsa-pss-sha512';

const SCHEMES: Readonly<Record<KeyKind, readonly SignatureScheme[]>> = {
  'ecdsa-p256': ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'],
  'ecdsa-p384': ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512'],
  'ecdsa-p521': ['ecdsa-sha512', 'ecdsa-sha256', 'ecdsa-sha384'],
  ed25519: ['ed25519', 'ed25519ph'],
  rsa: [
    'rsa-pkcs1-sha256',
    'rsa-pkcs1-sha384',
    'rsa-pkcs1-sha512',
    'rsa-pss-sha256',
    'rsa-pss-sha384',
    'rsa-pss-sha512',
  ],
};

/** The schemes a kind of key can make, its default first. */
export function schemesFor(kind: KeyKind): readonly SignatureScheme[] {
  return SCHEMES[kind];
}

export function defaultScheme(kind: KeyKind): SignatureScheme {
  const [first] = SCHEMES[kind];
  if (first === undefined) throw new InvariantError(`no scheme for ${kind}`);
  return first;
}

/** The digest of the message that a scheme signs. Pure Ed25519 signs the message itself and has none. */
export function hashOf(scheme: SignatureScheme): HashAlgorithm | undefined {
  return HASHES[scheme];
}

const HASHES: Readonly<Record<SignatureScheme, HashAlgorithm | undefined>> = {
  'ecdsa-sha256': 'sha256',
  'ecdsa-sha384': 'sha384',
  'ecdsa-sha512': 'sha512',
  ed25519: undefined,
  ed25519ph: 'sha512',
  'rsa-pkcs1-sha256': 'sha256',
  'rsa-pkcs1-sha384': 'sha384',
  'rsa-pkcs1-sha512': 'sha512',
  'rsa-pss-sha256': 'sha256',
  'rsa-pss-sha384': 'sha384',
  'rsa-pss-sha512': 'sha512',
};

/** @returns false for a signature that is wrong, malformed, or of a scheme the key cannot make */
export function verifySignature(
  key: PublicKey,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!SCHEMES[key.kind].includes(scheme)) return false;
  // OpenSSL reads more than canonical DER, which would give one signature several spellings.
  if (isEcdsa(key.kind) && ecdsaSignatureToCompact(signature, orderLength(key.kind)) === undefined) return false;
  if (scheme === 'ed25519ph') return verifyEd25519phDigest(key.raw(), digest('sha512', message), signature);
  return verify(hashOf(scheme) ?? null, message, signingInput(scheme, key.handle), signature);
}

/**
 * Verifies over a digest when the message itself is not at hand. Node has no pre-hashed verification, so ECDSA is
 * done by its formula, Ed25519ph without its hashing, and RSA, in both paddings, through the bare public-key operation.
 *
 * @throws FormatError FORMAT_SIGNATURE for pure Ed25519, which signs no digest
 */
export function verifyDigestSignature(
  key: PublicKey,
  scheme: SignatureScheme,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!SCHEMES[key.kind].includes(scheme)) return false;
  const hash = hashOf(scheme);
  if (hash === undefined) {
    throw new FormatError('FORMAT_SIGNATURE', 'this signature cannot be verified from a digest', {
      found: scheme,
      expected: 'the artifact itself, or a signature by ECDSA, Ed25519ph or RSA',
    });
  }
  if (digest.length !== DIGEST_LENGTHS[hash]) return false;
  if (scheme === 'ed25519ph') return verifyEd25519phDigest(key.raw(), digest, signature);
  if (scheme.startsWith('rsa-pss')) return verifyPssDigest(key, hash, digest, signature);
  if (!isEcdsa(key.kind)) return verifyPkcs1Digest(key, hash, digest, signature);
  const compact = ecdsaSignatureToCompact(signature, orderLength(key.kind));
  return compact !== undefined && verifyEcdsaDigest(key.kind, key.raw(), digest, compact);
}

/** What `node:crypto` wants beside the digest: PSS salts as long as the digest (RFC 8017 §9.1), DER for ECDSA. */
export function signingInput(
  scheme: SignatureScheme,
  handle: PublicKey['handle'],
): SignKeyObjectInput & VerifyKeyObjectInput {
  if (!scheme.startsWith('rsa-pss')) return { key: handle };
  return { key: handle, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

function isEcdsa(kind: KeyKind): kind is EcdsaKind {
  return kind.startsWith('ecdsa');
}

/** DER of DigestInfo up to the digest itself (RFC 8017 §9.2, note 1). */
const DIGEST_INFO_PREFIXES: Readonly<Record<HashAlgorithm, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

function verifyPkcs1Digest(key: PublicKey, hash: HashAlgorithm, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== Math.ceil(key.bits / 8)) return false;
  const expected = concatBytes(Buffer.from(DIGEST_INFO_PREFIXES[hash], 'hex'), digest);
  try {
    // OpenSSL removes and checks the padding; what is left is compared whole, so nothing can hide behind the digest.
    return equalBytes(publicDecrypt({ key: key.handle, padding: constants.RSA_PKCS1_PADDING }, signature), expected);
  } catch {
    return false;
  }
}
