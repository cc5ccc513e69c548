import { digest } from '../crypto/digest.ts';
import type { PrivateKey } from '../crypto/private-key.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { subjectKeyHash } from '../crypto/subject-key-hash.ts';
import { defaultScheme } from '../crypto/signature.ts';
import {
  derBitString,
  derBoolean,
  derElement,
  derExplicit,
  derImplicit,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derTime,
} from '../encoding/der-writer.ts';
import { DerElement } from '../encoding/der-reader.ts';
import { InvariantError } from '../../errors.ts';
import { encodeSignatureAlgorithm } from './algorithm-identifier.ts';
import { Certificate } from './certificate.ts';
import { encodeGeneralName, type SubjectAltName } from './general-name.ts';
import { OID } from './oids.ts';
import { encodeSctList, type Sct } from './sct.ts';

export interface ExtensionInput {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue. */
  readonly value: Uint8Array;
}

export interface CertificateInput {
  /** Big-endian, positive, at most 20 bytes (RFC 5280 §4.1.2.2). */
  readonly serialNumber: Uint8Array;
  /** DER Name; empty SEQUENCE for Fulcio's leaves. */
  readonly subject: Uint8Array;
  readonly publicKey: PublicKey;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly ExtensionInput[];
}

/** Who signs: a CA's certificate and key; the subject itself when `certificate` is left out. */
export interface Issuer {
  readonly key: PrivateKey;
  readonly certificate?: Certificate;
}

/** Signs a certificate. The extensions appear in the order given. */
export function issueCertificate(input: CertificateInput, issuer: Issuer): Certificate {
  return sealTbs(encodeTbs(input, issuer), issuer.key);
}

/**
 * The TBSCertificate of a pre-certificate and of its final form differ in their last extension only (RFC 6962 §3.1), so
 * both are spliced from one set of encoded parts.
 *
 * @param requestSct given the entry a CT log signs (TBSCertificate without poison or list) and the pre-certificate
 */
export async function issueWithSct(
  input: CertificateInput,
  issuer: Required<Issuer>,
  requestSct: (precertificate: Certificate, tbs: Uint8Array) => Promise<Sct>,
): Promise<Certificate> {
  const poison = { oid: OID.precertificatePoison, critical: true, value: derNull() };
  const withLast = (...last: ExtensionInput[]): Uint8Array =>
    encodeTbs({ ...input, extensions: [...input.extensions, ...last] }, issuer);
  const precertificate = sealTbs(withLast(poison), issuer.key);
  const sct = await requestSct(precertificate, withLast());
  return sealTbs(withLast({ oid: OID.sctList, critical: false, value: encodeSctList([sct]) }), issuer.key);
}

function sealTbs(tbs: Uint8Array, key: PrivateKey): Certificate {
  const algorithm = encodeSignatureAlgorithm(defaultScheme(key.kind));
  return Certificate.parse(derSequence(tbs, algorithm, derBitString(key.sign(tbs))));
}

function encodeTbs(input: CertificateInput, issuer: Issuer): Uint8Array {
  const serial = input.serialNumber;
  if (serial.length === 0 || serial.length > 20 || serial.every((byte) => byte === 0)) {
    throw new InvariantError('a certificate serial number must be positive and have at most 20 bytes');
  }
  return derSequence(
    derExplicit(0, derInteger(2)),
    derInteger(serial),
    encodeSignatureAlgorithm(defaultScheme(issuer.key.kind)),
    issuer.certificate?.subject.raw ?? input.subject,
    derSequence(derTime(input.notBefore), derTime(input.notAfter)),
    input.subject,
    input.publicKey.spki,
    derExplicit(3, derSequence(...input.extensions.map(encodeExtension))),
  );
}

function encodeExtension({ oid, critical, value }: ExtensionInput): Uint8Array {
  return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value));
}

/** @param bits named bits, most significant first: 0 is digitalSignature, 5 keyCertSign, 6 cRLSign */
export function keyUsageExtension(...bits: readonly number[]): ExtensionInput {
  const byte = bits.reduce((value, bit) => value | (0x80 >> bit), 0);
  const unused = 7 - Math.max(...bits);
  return { oid: OID.keyUsage, critical: true, value: derBitString(Uint8Array.of(byte), unused) };
}

export function extendedKeyUsageExtension(purpose: string, critical: boolean): ExtensionInput {
  return { oid: OID.extendedKeyUsage, critical, value: derSequence(derOid(purpose)) };
}

export function basicConstraintsExtension(pathLength?: number): ExtensionInput {
  const length = pathLength === undefined ? [] : [derInteger(pathLength)];
  return { oid: OID.basicConstraints, critical: true, value: derSequence(derBoolean(true), ...length) };
}

/** SHA-1 of the key's bit string (RFC 5280 §4.2.1.2, method 1): an identifier, not a security measure. */
export function subjectKeyIdentifierExtension(key: PublicKey): ExtensionInput {
  return { oid: OID.subjectKeyIdentifier, critical: false, value: derOctetString(subjectKeyHash(key)) };
}

export function authorityKeyIdentifierExtension(issuer: Certificate): ExtensionInput {
  const own = issuer.extension(OID.subjectKeyIdentifier);
  const identifier = own === undefined ? subjectKeyHash(issuer.publicKey) : DerElement.parse(own.value).octets();
  return { oid: OID.authorityKeyIdentifier, critical: false, value: derSequence(derImplicit(0, identifier)) };
}

/** Critical when the subject is empty, as RFC 5280 §4.2.1.6 demands. */
export function subjectAltNameExtension(critical: boolean, ...names: readonly SubjectAltName[]): ExtensionInput {
  return { oid: OID.subjectAltName, critical, value: derElement(0x30, ...names.map(encodeGeneralName)) };
}

/** A positive serial number of 20 bytes from 20 random ones: the top bit cleared, the next one set. */
export function serialNumberFrom(random: Uint8Array): Uint8Array {
  const serial = Uint8Array.from(
    random.length >= 20 ? random.subarray(0, 20) : digest('sha256', random).subarray(0, 20),
  );
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}
