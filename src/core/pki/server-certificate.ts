import type { PrivateKey } from '../crypto/private-key.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import {
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  issueCertificate,
  keyUsageExtension,
  serialNumberFrom,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
} from './certificate-builder.ts';
import type { Certificate } from './certificate.ts';
import type { SubjectAltName } from './general-name.ts';
import { encodeName } from './name.ts';
import { OID } from './oids.ts';

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface ServerAuthorityInput extends Validity {
  readonly commonName: string;
  /** 20 random bytes for the serial number. */
  readonly random: Uint8Array;
}

export interface ServerCertificateInput extends Validity {
  readonly publicKey: PublicKey;
  /** DNS names and addresses at which the server is reached: the only names that clients look at (RFC 6125 §6.4.4). */
  readonly names: readonly SubjectAltName[];
  /** 20 random bytes for the serial number. */
  readonly random: Uint8Array;
}

const ORGANIZATION = 'sealwright';
/** KeyUsage bits (RFC 5280 §4.2.1.3). */
const DIGITAL_SIGNATURE = 0;
const KEY_CERT_SIGN = 5;
const CRL_SIGN = 6;

/** A self-signed root for TLS servers of one operator; it may issue no further authorities. */
export function issueServerAuthority(key: PrivateKey, input: ServerAuthorityInput): Certificate {
  return issueCertificate(
    {
      serialNumber: serialNumberFrom(input.random),
      subject: encodeName({ organization: ORGANIZATION, commonName: input.commonName }),
      publicKey: key.publicKey,
      notBefore: input.notBefore,
      notAfter: input.notAfter,
      extensions: [
        keyUsageExtension(KEY_CERT_SIGN, CRL_SIGN),
        basicConstraintsExtension(0),
        subjectKeyIdentifierExtension(key.publicKey),
      ],
    },
    { key },
  );
}

/** A TLS server's certificate. The subject is empty, so the names are critical (RFC 5280 §4.2.1.6). */
export function issueServerCertificate(
  input: ServerCertificateInput,
  authority: { readonly key: PrivateKey; readonly certificate: Certificate },
): Certificate {
  return issueCertificate(
    {
      serialNumber: serialNumberFrom(input.random),
      subject: encodeName({}),
      publicKey: input.publicKey,
      notBefore: input.notBefore,
      notAfter: input.notAfter,
      extensions: [
        keyUsageExtension(DIGITAL_SIGNATURE),
        extendedKeyUsageExtension(OID.serverAuth, false),
        subjectKeyIdentifierExtension(input.publicKey),
        authorityKeyIdentifierExtension(authority.certificate),
        subjectAltNameExtension(true, ...input.names),
      ],
    },
    authority,
  );
}
