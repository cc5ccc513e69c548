import { randomBytes } from '../../core/crypto/random.ts';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import type { Principal } from '../../core/identity/principal.ts';
import {
  authorityKeyIdentifierExtension,
  extendedKeyUsageExtension,
  issueWithSct,
  keyUsageExtension,
  serialNumberFrom,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
} from '../../core/pki/certificate-builder.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { encodeFulcioExtensions } from '../../core/pki/fulcio-extensions.ts';
import { encodeName } from '../../core/pki/name.ts';
import { OID } from '../../core/pki/oids.ts';
import type { Sct } from '../../core/pki/sct.ts';
import { InvariantError } from '../../errors.ts';

/** What the CT log is asked to log and sign: the pre-certificate, and what of it the SCT is over. */
export interface PrecertificateSubmission {
  readonly precertificate: Certificate;
  /** Issuing certificate first, root last. */
  readonly issuers: readonly Certificate[];
  readonly issuerKeyHash: Uint8Array;
  /** TBSCertificate without the poison. */
  readonly tbs: Uint8Array;
}

export interface LeafIssuer {
  readonly key: PrivateKey;
  /** Issuing certificate first, root last. */
  readonly chain: readonly Certificate[];
  readonly requestSct: (submission: PrecertificateSubmission) => Promise<Sct>;
}

const LIFETIME_MS = 10 * 60_000;
const DIGITAL_SIGNATURE = 0;

/**
 * Fulcio's leaf (certificate-specification.md): ten minutes, an empty subject, one critical SAN, code signing, the
 * token's facts as extensions, and one embedded SCT.
 */
export async function issueLeaf(
  principal: Principal,
  publicKey: PublicKey,
  now: Date,
  issuer: LeafIssuer,
): Promise<Certificate> {
  const [certificate] = issuer.chain;
  if (certificate === undefined) throw new InvariantError('a certificate authority without a certificate');
  const notBefore = new Date(Math.floor(now.getTime() / 1000) * 1000);
  const notAfter = new Date(notBefore.getTime() + LIFETIME_MS);
  if (notAfter > certificate.notAfter || notBefore < certificate.notBefore) {
    throw new InvariantError('the certificate authority is outside its own validity');
  }
  return issueWithSct(
    {
      serialNumber: serialNumberFrom(randomBytes(20)),
      subject: encodeName({}),
      publicKey,
      notBefore,
      notAfter,
      extensions: [
        keyUsageExtension(DIGITAL_SIGNATURE),
        extendedKeyUsageExtension(OID.codeSigning, false),
        subjectKeyIdentifierExtension(publicKey),
        authorityKeyIdentifierExtension(certificate),
        subjectAltNameExtension(true, principal.subjectAltName),
        ...encodeFulcioExtensions(principal.extensions),
      ],
    },
    { key: issuer.key, certificate },
    (precertificate, tbs) =>
      issuer.requestSct({ precertificate, issuers: issuer.chain, issuerKeyHash: certificate.publicKey.id, tbs }),
  );
}
