import { digest, type HashAlgorithm } from '../crypto/digest.ts';
import type { PrivateKey } from '../crypto/private-key.ts';
import { defaultScheme, hashOf } from '../crypto/signature.ts';
import {
  derElement,
  derExplicit,
  derGeneralizedTime,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derTime,
} from '../encoding/der-writer.ts';
import { encodeHashAlgorithm, encodeSignatureAlgorithm } from './algorithm-identifier.ts';
import type { Certificate } from './certificate.ts';
import { OID } from './oids.ts';
import { encodeMessageImprint, type TimestampRequest } from './timestamp-request.ts';

export interface TimestampSigner {
  readonly key: PrivateKey;
  readonly certificate: Certificate;
}

export interface TimestampFacts {
  readonly policy: string;
  /** Big-endian magnitude, positive, unpredictable. */
  readonly serialNumber: Uint8Array;
  /** Whole seconds count; a fraction is cut off. */
  readonly genTime: Date;
}

/** A granted TimeStampResp with a SignedData token, as timestamp-authority makes them (RFC 3161 §2.4.2, RFC 5816). */
export function signTimestamp(request: TimestampRequest, facts: TimestampFacts, signer: TimestampSigner): Uint8Array {
  const scheme = defaultScheme(signer.key.kind);
  const hash = hashOf(scheme) ?? 'sha512';
  const info = encodeTstInfo(request, facts, signer.certificate);
  const attributes = encodeAttributes(info, hash, request.messageImprint.hashAlgorithm, facts, signer.certificate);
  const signerInfo = derSequence(
    derInteger(1),
    derSequence(signer.certificate.issuer.raw, derInteger(signer.certificate.serialNumber)),
    encodeDigestAlgorithm(hash),
    // Signed as SET OF, sent as [0] IMPLICIT (RFC 5652 §5.4).
    derElement(0xa0, contentOf(attributes)),
    encodeSignatureAlgorithm(scheme),
    derOctetString(signer.key.sign(attributes, scheme)),
  );
  const signedData = derSequence(
    derInteger(3),
    derSet(encodeDigestAlgorithm(hash)),
    derSequence(derOid(OID.tstInfo), derExplicit(0, derOctetString(info))),
    // Empty rather than absent when it was not asked for: what every client of timestamp-authority is used to.
    derElement(0xa0, ...(request.wantsCertificate ? [signer.certificate.raw] : [])),
    derSet(signerInfo),
  );
  const token = derSequence(derOid(OID.signedData), derExplicit(0, signedData));
  return derSequence(derSequence(derInteger(0)), token);
}

function encodeTstInfo(request: TimestampRequest, facts: TimestampFacts, certificate: Certificate): Uint8Array {
  return derSequence(
    derInteger(1),
    derOid(facts.policy),
    encodeMessageImprint(request.messageImprint),
    derInteger(facts.serialNumber),
    derGeneralizedTime(facts.genTime),
    // Accuracy of one second.
    derSequence(derInteger(1)),
    ...(request.nonce === undefined ? [] : [derElement(0x02, request.nonce)]),
    // tsa: [0] EXPLICIT GeneralName, of which directoryName is [4] EXPLICIT.
    derExplicit(0, derExplicit(4, certificate.subject.raw)),
  );
}

function encodeAttributes(
  info: Uint8Array,
  hash: HashAlgorithm,
  requestHash: HashAlgorithm,
  facts: TimestampFacts,
  certificate: Certificate,
): Uint8Array {
  const attribute = (oid: string, value: Uint8Array): Uint8Array => derSequence(derOid(oid), derSet(value));
  const issuerSerial = derSequence(
    derSequence(derExplicit(4, certificate.issuer.raw)),
    derInteger(certificate.serialNumber),
  );
  const essCertId = derSequence(
    // DEFAULT SHA-256 is left out; another digest is named, which verifiers of the original's answers cannot rely on.
    ...(requestHash === 'sha256' ? [] : [encodeHashAlgorithm(requestHash)]),
    derOctetString(digest(requestHash, certificate.raw)),
    issuerSerial,
  );
  return derSet(
    attribute(OID.contentType, derOid(OID.tstInfo)),
    attribute(OID.signingTime, derTime(facts.genTime)),
    attribute(OID.messageDigest, derOctetString(digest(hash, info))),
    attribute(OID.signingCertificateV2, derSequence(derSequence(essCertId))),
  );
}

/** RFC 5754 §2: in CMS the parameters should be absent, while message imprints keep their NULL. */
function encodeDigestAlgorithm(hash: HashAlgorithm): Uint8Array {
  return derSequence(derOid(OID[hash]));
}

/** Content of an encoded element with a definite length. */
function contentOf(der: Uint8Array): Uint8Array {
  const first = der[1] ?? 0;
  return der.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}
