import type { SigningKey } from '../../core/crypto/signing-key.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { IdentityToken } from '../../core/identity/identity-token.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { readFulcioExtensions } from '../../core/pki/fulcio-extensions.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { verifyCertificatePath } from '../../core/verify/certificate-path.ts';
import { verifyScts } from '../../core/verify/certificate-transparency.ts';
import { InvariantError, VerificationError } from '../../errors.ts';

/** Who a certificate says is signing. */
export interface SigningIdentity {
  readonly subject: string;
  readonly issuer: string;
}

/**
 * Whether a certificate just received may be signed with: it is for our key, chains to a trusted authority, was logged, and
 * names the token's identity. Its time is judged by its own start: the clock of this machine has no say, and the trusted
 * timestamp will.
 *
 * @throws VerificationError KEY_MISMATCH, CERTIFICATE_*, SCT_* or IDENTITY_MISMATCH; FormatError FORMAT_SCT
 */
export function verifySigningCertificate(
  leaf: Certificate,
  key: SigningKey,
  token: IdentityToken,
  { certificateAuthorities, ctlogs }: TrustedRoot,
): SigningIdentity {
  if (!leaf.publicKey.equals(key.publicKey)) {
    throw new VerificationError('KEY_MISMATCH', 'the certificate authority certified another key', {
      found: `key ${encodeHex(leaf.publicKey.id)}`,
      expected: `key ${encodeHex(key.publicKey.id)}`,
    });
  }
  const start = { source: 'clock', time: leaf.notBefore, authority: 'the certificate' } as const;
  // Without the intermediates that came with it: verifiers will only have the trusted root's.
  const [, issuer] = verifyCertificatePath(leaf, [], certificateAuthorities, [start]);
  if (issuer === undefined) throw new InvariantError('a certificate path without an issuer');
  // A trusted root without CT logs says that its authority has none; verifiers decide whether that is enough for them.
  if (ctlogs.length > 0) verifyScts(leaf, issuer, ctlogs, 1);
  return identityOf(leaf, token);
}

function identityOf(leaf: Certificate, token: IdentityToken): SigningIdentity {
  const names = leaf.subjectAltNames.map(({ value }) => value);
  const issuer = readFulcioExtensions(leaf).issuer ?? '';
  const [subject] = names;
  const issuers = [token.issuer, token.federatedIssuer].filter((known) => known !== undefined);
  const isExpected = token.certificateNames.length === 0 || token.certificateNames.includes(subject ?? '');
  if (subject !== undefined && names.length === 1 && isExpected && issuers.includes(issuer)) return { subject, issuer };
  throw new VerificationError('IDENTITY_MISMATCH', 'the certificate authority certified another identity', {
    found: `subject ${names.join(', ') || '(none)'}, issuer ${issuer || '(none)'}`,
    expected: `subject ${token.certificateNames.join(' or ') || 'of the token'}, issuer ${issuers.join(' or ')}`,
  });
}
