import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import {
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  issueCertificate,
  keyUsageExtension,
  serialNumberFrom,
  subjectKeyIdentifierExtension,
} from '../../core/pki/certificate-builder.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { encodeName } from '../../core/pki/name.ts';
import { OID } from '../../core/pki/oids.ts';

const ORGANIZATION = 'sealwright';
const TEN_YEARS_DAYS = 3650;
const DAY_MS = 86_400_000;
/** KeyUsage bits (RFC 5280 §4.2.1.3). */
const DIGITAL_SIGNATURE = 0;
const KEY_CERT_SIGN = 5;
const CRL_SIGN = 6;

/** A self-signed root, ten years, for one purpose's chain. */
export function issueRoot(key: PrivateKey, commonName: string, notBefore: Date): Certificate {
  return issueCertificate(
    {
      serialNumber: serialNumberFrom(randomBytes(20)),
      subject: encodeName({ organization: ORGANIZATION, commonName }),
      publicKey: key.publicKey,
      notBefore,
      notAfter: after(notBefore, TEN_YEARS_DAYS),
      extensions: [
        keyUsageExtension(KEY_CERT_SIGN, CRL_SIGN),
        basicConstraintsExtension(),
        subjectKeyIdentifierExtension(key.publicKey),
      ],
    },
    { key },
  );
}

/** The CA certificate that issues leaves (Fulcio's certificate specification, "Intermediate"): codeSigning, not critical. */
export function issueIntermediate(
  key: PrivateKey,
  commonName: string,
  root: { readonly key: PrivateKey; readonly certificate: Certificate },
): Certificate {
  return issueCertificate(
    {
      serialNumber: serialNumberFrom(randomBytes(20)),
      subject: encodeName({ organization: ORGANIZATION, commonName }),
      publicKey: key.publicKey,
      notBefore: root.certificate.notBefore,
      notAfter: root.certificate.notAfter,
      extensions: [
        keyUsageExtension(KEY_CERT_SIGN, CRL_SIGN),
        extendedKeyUsageExtension(OID.codeSigning, false),
        basicConstraintsExtension(0),
        subjectKeyIdentifierExtension(key.publicKey),
        authorityKeyIdentifierExtension(root.certificate),
      ],
    },
    root,
  );
}

/** The timestamp authority's leaf (RFC 3161 §2.3): exactly one purpose, timeStamping, critical. */
export function issueTimestampLeaf(
  key: PrivateKey,
  commonName: string,
  root: { readonly key: PrivateKey; readonly certificate: Certificate },
): Certificate {
  return issueCertificate(
    {
      serialNumber: serialNumberFrom(randomBytes(20)),
      subject: encodeName({ organization: ORGANIZATION, commonName }),
      publicKey: key.publicKey,
      notBefore: root.certificate.notBefore,
      notAfter: root.certificate.notAfter,
      extensions: [
        keyUsageExtension(DIGITAL_SIGNATURE),
        extendedKeyUsageExtension(OID.timeStamping, true),
        subjectKeyIdentifierExtension(key.publicKey),
        authorityKeyIdentifierExtension(root.certificate),
      ],
    },
    root,
  );
}

function after(start: Date, days: number): Date {
  return new Date(start.getTime() + days * DAY_MS);
}
