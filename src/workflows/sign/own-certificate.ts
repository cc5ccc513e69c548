import type { PublicKey } from '../../core/crypto/public-key.ts';
import { equalBytes } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { verifyChain } from '../../core/pki/chain.ts';
import { VerificationError } from '../../errors.ts';
import type { OwnCertificate } from './signing-services.ts';

/** What stands between a certificate and its root. */
export function intermediatesOf({ certificate, chain }: OwnCertificate): readonly Certificate[] {
  const isSelfIssued = ({ subject, issuer }: Certificate): boolean => equalBytes(subject.raw, issuer.raw);
  return chain.filter((issuer) => !issuer.equals(certificate) && !isSelfIssued(issuer));
}

/**
 * Whether a certificate of one's own may be signed with: it is for this key, and leads to the end of its chain, if it has one.
 *
 * @throws VerificationError KEY_MISMATCH, CERTIFICATE_UNTRUSTED, CERTIFICATE_TIME or CERTIFICATE_PROFILE
 */
export function checkOwnCertificate({ certificate, chain }: OwnCertificate, key: PublicKey, now: Date): void {
  if (!certificate.publicKey.equals(key)) {
    throw new VerificationError('KEY_MISMATCH', 'the certificate is not for the key that signs', {
      found: `a certificate for key ${encodeHex(certificate.publicKey.id)}`,
      expected: `one for key ${encodeHex(key.id)}`,
      details: { cosign: 'public key in certificate does not match the provided public key' },
    });
  }
  if (chain.length === 0) return;
  const above = chain.filter((issuer) => !issuer.equals(certificate));
  try {
    verifyChain({
      leaf: certificate,
      intermediates: above.slice(0, -1),
      anchors: above.slice(-1),
      at: now,
      purpose: 'codeSigning',
    });
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    const { facts, message } = error;
    const cosign = `unable to validate certificate chain: ${message}`;
    throw new VerificationError(error.code, message, { ...facts, details: { ...facts.details, cosign } });
  }
}
