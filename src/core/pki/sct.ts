import { verifySignature, type SignatureScheme } from '../crypto/signature.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { concatBytes } from '../encoding/bytes.ts';
import { DerElement } from '../encoding/der-reader.ts';
import { derElement, derExplicit, derOctetString, derSequence } from '../encoding/der-writer.ts';
import { TlsReader, tlsUint64, tlsVector } from '../encoding/tls.ts';
import { FormatError } from '../../errors.ts';
import type { Certificate } from './certificate.ts';
import { OID } from './oids.ts';

/** Signed certificate timestamp, version 1 (RFC 6962 §3.2). */
export interface Sct {
  /** SHA-256 of the log's SubjectPublicKeyInfo, 32 bytes. */
  readonly logId: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint;
  readonly extensions: Uint8Array;
  readonly hashAlgorithm: number;
  readonly signatureAlgorithm: number;
  readonly signature: Uint8Array;
}

/** What a log signs and stores about a certificate: the whole of it, or a pre-certificate without its poison. */
export type SctEntry =
  | { readonly kind: 'x509'; readonly certificate: Uint8Array }
  | { readonly kind: 'precert'; readonly issuerKeyHash: Uint8Array; readonly tbs: Uint8Array };

const MAX_SCTS = 32;
/** Milliseconds that a Date can hold. */
const MAX_TIMESTAMP = 8_640_000_000_000_000n;
const VERSION_1 = 0;
const HASH_SHA256 = 4;
const SIGNATURE_ECDSA = 3;
const SIGNATURE_RSA = 1;

/** One SCT in its TLS encoding. */
export function parseSct(bytes: Uint8Array): Sct {
  const reader = tlsReader(bytes);
  if (reader.uint(1) !== VERSION_1) throw malformed('another version than 1');
  const logId = reader.take(32);
  const timestamp = reader.uint64();
  if (timestamp > MAX_TIMESTAMP) throw malformed('a time beyond the year 275760');
  const extensions = reader.vector(2);
  const hashAlgorithm = reader.uint(1);
  const signatureAlgorithm = reader.uint(1);
  const signature = reader.vector(2);
  reader.end();
  return { logId, timestamp, extensions, hashAlgorithm, signatureAlgorithm, signature };
}

export function encodeSct(sct: Sct): Uint8Array {
  return concatBytes(
    Uint8Array.of(VERSION_1),
    sct.logId,
    tlsUint64(sct.timestamp),
    tlsVector(2, sct.extensions),
    Uint8Array.of(sct.hashAlgorithm, sct.signatureAlgorithm),
    tlsVector(2, sct.signature),
  );
}

/** Value of the SCT list extension: an OCTET STRING around the TLS list (RFC 6962 §3.3). */
export function parseSctList(extensionValue: Uint8Array): readonly Sct[] {
  const outer = tlsReader(DerElement.parse(extensionValue, 'FORMAT_SCT').octets());
  const list = tlsReader(outer.vector(2));
  outer.end();
  const scts: Sct[] = [];
  while (!list.isAtEnd) {
    if (scts.length === MAX_SCTS) throw malformed(`more than ${MAX_SCTS} timestamps`);
    scts.push(parseSct(list.vector(2)));
  }
  return scts;
}

export function encodeSctList(scts: readonly Sct[]): Uint8Array {
  const list = concatBytes(...scts.map((sct) => tlsVector(2, encodeSct(sct))));
  return derOctetString(tlsVector(2, list));
}

/** The bytes under an SCT's signature (RFC 6962 §3.2). */
export function sctSignedData(entry: SctEntry, timestamp: bigint, extensions: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(VERSION_1, 0), timestampedEntry(entry, timestamp, extensions));
}

/** MerkleTreeLeaf (RFC 6962 §3.4): what a CT log hashes. */
export function merkleTreeLeaf(entry: SctEntry, timestamp: bigint, extensions: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(VERSION_1, 0), timestampedEntry(entry, timestamp, extensions));
}

function timestampedEntry(entry: SctEntry, timestamp: bigint, extensions: Uint8Array): Uint8Array {
  const body =
    entry.kind === 'x509'
      ? concatBytes(Uint8Array.of(0, 0), tlsVector(3, entry.certificate))
      : concatBytes(Uint8Array.of(0, 1), entry.issuerKeyHash, tlsVector(3, entry.tbs));
  return concatBytes(tlsUint64(timestamp), body, tlsVector(2, extensions));
}

/**
 * The entry a log saw for a certificate with an embedded SCT list: its TBSCertificate without that extension, everything
 * else byte for byte as it is.
 */
export function precertEntryOf(certificate: Certificate, issuer: Certificate): SctEntry {
  return {
    kind: 'precert',
    issuerKeyHash: issuer.publicKey.id,
    tbs: withoutExtension(certificate, OID.sctList),
  };
}

/** TBSCertificate with one extension left out, re-wrapped by its outer lengths only. */
export function withoutExtension(certificate: Certificate, oid: string): Uint8Array {
  const members = DerElement.parse(certificate.tbs, 'FORMAT_CERTIFICATE').children();
  const kept = certificate.extensions.filter((extension) => extension.oid !== oid).map(({ raw }) => raw);
  const before = members.slice(0, -1).map(({ raw }) => raw);
  return kept.length === 0 ? derSequence(...before) : derSequence(...before, derExplicit(3, derElement(0x30, ...kept)));
}

/** Whether the log with this key signed the timestamp over the entry. The window is the caller's to check. */
export function verifySct(sct: Sct, entry: SctEntry, logKey: PublicKey): boolean {
  const scheme = schemeOf(sct, logKey);
  return (
    scheme !== undefined &&
    verifySignature(logKey, scheme, sctSignedData(entry, sct.timestamp, sct.extensions), sct.signature)
  );
}

export function sctTime(sct: Sct): Date {
  return new Date(Number(sct.timestamp));
}

/** A P-256 log's own timestamp; `sign` is its key. */
export function issueSct(
  entry: SctEntry,
  log: { readonly logId: Uint8Array; readonly timestamp: bigint; readonly extensions: Uint8Array },
  sign: (data: Uint8Array) => Uint8Array,
): Sct {
  return {
    ...log,
    hashAlgorithm: HASH_SHA256,
    signatureAlgorithm: SIGNATURE_ECDSA,
    signature: sign(sctSignedData(entry, log.timestamp, log.extensions)),
  };
}

function schemeOf(sct: Sct, key: PublicKey): SignatureScheme | undefined {
  if (sct.hashAlgorithm !== HASH_SHA256) return undefined;
  if (sct.signatureAlgorithm === SIGNATURE_ECDSA && key.kind.startsWith('ecdsa')) return 'ecdsa-sha256';
  return sct.signatureAlgorithm === SIGNATURE_RSA && key.kind === 'rsa' ? 'rsa-pkcs1-sha256' : undefined;
}

function tlsReader(bytes: Uint8Array): TlsReader {
  return new TlsReader(bytes, 'the signed certificate timestamp', 'FORMAT_SCT');
}

function malformed(found: string): FormatError {
  return new FormatError('FORMAT_SCT', 'the signed certificate timestamp is malformed', {
    found,
    expected: 'a SignedCertificateTimestamp of version 1 (RFC 6962 §3.2)',
  });
}
