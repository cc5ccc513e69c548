import { preAuthEncoding } from '../attestation/dsse.ts';
import type { BundleContent } from '../bundle/bundle.ts';
import type { NamedDigest } from '../bundle/hash-name.ts';
import { digest } from '../crypto/digest.ts';
import type { KeyKind, PublicKey } from '../crypto/public-key.ts';
import { hashOf, verifyDigestSignature, verifySignature, type SignatureScheme } from '../crypto/signature.ts';
import { InvariantError, UsageError, VerificationError } from '../../errors.ts';
import type { ArtifactDigests } from './artifact.ts';

/** A signature that holds under the signer's key, which is not yet trusted. */
export interface ContentSignature {
  readonly signature: Uint8Array;
  readonly scheme: SignatureScheme;
  /** Digest of the signed bytes, by the scheme's own algorithm; none for pure Ed25519. */
  readonly signedDigest: NamedDigest | undefined;
}

/**
 * Schemes that Sigstore's clients use with a kind of key, the usual one first. P-384 and P-521 with SHA-256 are what older
 * clients made. RSA is PKCS#1 v1.5 by default.
 */
const MESSAGE_SCHEMES: Readonly<Record<KeyKind, readonly SignatureScheme[]>> = {
  'ecdsa-p256': ['ecdsa-sha256'],
  'ecdsa-p384': ['ecdsa-sha384', 'ecdsa-sha256'],
  'ecdsa-p521': ['ecdsa-sha512', 'ecdsa-sha256'],
  ed25519: ['ed25519ph', 'ed25519'],
  rsa: ['rsa-pkcs1-sha256', 'rsa-pss-sha256'],
};

/** The schemes that a message signature by such a key is tried with, in this order. */
export function messageSchemes(kind: KeyKind): readonly SignatureScheme[] {
  return MESSAGE_SCHEMES[kind];
}

const ENVELOPE_SCHEMES: Readonly<Record<KeyKind, readonly SignatureScheme[]>> = {
  ...MESSAGE_SCHEMES,
  ed25519: ['ed25519', 'ed25519ph'],
};

/**
 * @throws VerificationError SIGNATURE_INVALID; UsageError USAGE_NEEDS_ARTIFACT when the digest that was given is not the
 *   one that was signed, or the scheme signs no digest
 */
export function verifyContentSignature(
  content: BundleContent,
  artifact: ArtifactDigests,
  key: PublicKey,
  schemes?: readonly SignatureScheme[],
): ContentSignature {
  if (content.kind === 'dsse') {
    const { payloadType, payload, signatures } = content.envelope;
    const [only] = signatures;
    if (only === undefined) throw new InvariantError('an envelope in a bundle has one signature');
    const message = preAuthEncoding(payloadType, payload);
    const scheme = (schemes ?? ENVELOPE_SCHEMES[key.kind]).find((candidate) =>
      verifySignature(key, candidate, message, only.signature),
    );
    if (scheme === undefined) throw invalid(key, 'the envelope');
    return { signature: only.signature, scheme, signedDigest: named(scheme, (hash) => digest(hash, message)) };
  }
  if (content.kind === 'simpleSigning') {
    const { signed, signature } = content;
    const scheme = (schemes ?? MESSAGE_SCHEMES[key.kind]).find((candidate) =>
      verifySignature(key, candidate, signed, signature),
    );
    if (scheme === undefined) throw invalid(key, 'the payload');
    return { signature, scheme, signedDigest: named(scheme, (hash) => digest(hash, signed)) };
  }
  const scheme = messageScheme(content.signature, artifact, key, schemes ?? MESSAGE_SCHEMES[key.kind]);
  return { signature: content.signature, scheme, signedDigest: named(scheme, (hash) => artifact.digest(hash)) };
}

function messageScheme(
  signature: Uint8Array,
  artifact: ArtifactDigests,
  key: PublicKey,
  schemes: readonly SignatureScheme[],
): SignatureScheme {
  const { bytes } = artifact;
  if (bytes !== undefined) {
    const scheme = schemes.find((candidate) => verifySignature(key, candidate, bytes, signature));
    if (scheme === undefined) throw invalid(key, 'the artifact');
    return scheme;
  }
  const possible = schemes.filter((scheme) => hasDigestFor(scheme, artifact));
  if (possible.length === 0) {
    throw new UsageError('USAGE_NEEDS_ARTIFACT', 'this signature cannot be verified from the digest given', {
      found: `${artifact.describe()} for a key of ${key.kind}`,
      expected: `the artifact itself${key.kind === 'ed25519' ? '' : `, or its digest for ${schemes.join(' or ')}`}`,
    });
  }
  const scheme = possible.find((candidate) => {
    const hash = hashOf(candidate);
    const known = hash === undefined ? undefined : artifact.digest(hash);
    return known !== undefined && verifyDigestSignature(key, candidate, known, signature);
  });
  if (scheme === undefined) throw invalid(key, 'the digest');
  return scheme;
}

/** Ed25519 in both forms needs the message itself. */
function hasDigestFor(scheme: SignatureScheme, artifact: ArtifactDigests): boolean {
  const hash = hashOf(scheme);
  return scheme !== 'ed25519ph' && hash !== undefined && artifact.digest(hash) !== undefined;
}

function named(
  scheme: SignatureScheme,
  compute: (hash: NamedDigest['algorithm']) => Uint8Array | undefined,
): NamedDigest | undefined {
  const algorithm = hashOf(scheme);
  const value = algorithm === undefined ? undefined : compute(algorithm);
  return algorithm === undefined || value === undefined ? undefined : { algorithm, digest: value };
}

function invalid(key: PublicKey, what: string): VerificationError {
  return new VerificationError('SIGNATURE_INVALID', `the signature over ${what} is wrong`, {
    found: `a signature that the signer's ${key.kind} key did not make over it`,
    expected: 'the signature and the artifact as they were when it was signed',
  });
}
