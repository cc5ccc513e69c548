import { sha256, type HashAlgorithm } from '../crypto/digest.ts';
import type { SignatureScheme } from '../crypto/signature.ts';
import { DerElement, TAG } from '../encoding/der-reader.ts';
import { encodeHex } from '../encoding/hex.ts';
import { RecentMap } from '../encoding/recent-map.ts';
import { FormatError, LimitError } from '../../errors.ts';
import { hashOfOid, parseAlgorithmOid, signatureSchemeOf } from './algorithm-identifier.ts';
import { Certificate } from './certificate.ts';
import { OID } from './oids.ts';
import { parseMessageImprint, type MessageImprint } from './timestamp-request.ts';

/** TSTInfo (RFC 3161 §2.4.2). */
export interface TstInfo {
  readonly policy: string;
  readonly messageImprint: MessageImprint;
  readonly serialNumber: Uint8Array;
  readonly genTime: Date;
  readonly nonce: Uint8Array | undefined;
}

/** A granted TimeStampResp taken apart; nothing in it is verified. */
export interface UnverifiedTimestamp {
  readonly info: TstInfo;
  /** DER of TSTInfo, over which the messageDigest attribute is made. */
  readonly infoBytes: Uint8Array;
  readonly embeddedCertificates: readonly Certificate[];
  readonly signer: {
    /** DER of the issuer name. */
    readonly issuer: Uint8Array;
    readonly serialNumber: Uint8Array;
    readonly digestAlgorithm: HashAlgorithm;
    /** undefined for an algorithm that is not supported. */
    readonly scheme: SignatureScheme | undefined;
    readonly signature: Uint8Array;
    /** The attributes as they are signed: with the SET OF tag (RFC 5652 §5.4). */
    readonly signedAttributes: Uint8Array;
    readonly contentType: string;
    readonly messageDigest: Uint8Array;
    /** Digests of the signing certificate (ESSCertIDv2, RFC 5816), when the attribute is there. */
    readonly certificateHash: { readonly algorithm: HashAlgorithm | undefined; readonly hash: Uint8Array } | undefined;
  };
}

const MAX_RESPONSE_BYTES = 128 << 10;
const MAX_CERTIFICATES = 16;
const GRANTED = 0;
const GRANTED_WITH_MODS = 1;

/**
 * @param der TimeStampResp, as bundles carry it
 * @throws FormatError FORMAT_TIMESTAMP when it is malformed or was not granted; LimitError LIMIT_SIZE
 */
export function parseTimestampResponse(der: Uint8Array): UnverifiedTimestamp {
  if (der.length > MAX_RESPONSE_BYTES) {
    throw new LimitError('LIMIT_SIZE', 'the timestamp is too large', {
      found: `${der.length} bytes`,
      expected: `at most ${MAX_RESPONSE_BYTES}`,
    });
  }
  const root = DerElement.parse(der, 'FORMAT_TIMESTAMP');
  const [statusInfo, token, ...rest] = root.sequence('a TimeStampResp');
  const status = statusInfo?.sequence('PKIStatusInfo')[0]?.smallInteger();
  if (status !== GRANTED && status !== GRANTED_WITH_MODS) {
    throw new FormatError('FORMAT_TIMESTAMP', 'the timestamp was not granted', {
      found: `status ${status ?? 'absent'}`,
      expected: 'granted (0)',
    });
  }
  if (token === undefined || rest.length > 0) return root.fail('no time-stamp token');
  return parseToken(token);
}

function parseToken(token: DerElement): UnverifiedTimestamp {
  const [contentType, content, ...rest] = token.sequence('a ContentInfo');
  if (contentType?.oid() !== OID.signedData || content?.isContext(0) !== true || rest.length > 0) {
    return token.fail('a content type other than SignedData');
  }
  const signedData = content.inner();
  const members = signedData.sequence('SignedData');
  const next = (): DerElement => members.shift() ?? signedData.fail('too few elements in SignedData');
  const version = next().smallInteger();
  if (version !== 3 && version !== 1) signedData.fail('another version of SignedData');
  next().expect(TAG.set, 'digestAlgorithms');
  const infoBytes = parseEncapsulated(next());
  const embedded = members[0]?.isContext(0) === true ? parseCertificates(next()) : [];
  if (members[0]?.isContext(1) === true) next();
  const [signer, ...others] = next().expect(TAG.set, 'signerInfos').children();
  if (signer === undefined || others.length > 0 || members.length > 0) return signedData.fail('not exactly one signer');
  return { info: parseTstInfo(infoBytes), infoBytes, embeddedCertificates: embedded, signer: parseSigner(signer) };
}

function parseEncapsulated(element: DerElement): Uint8Array {
  const [type, content, ...rest] = element.sequence('EncapsulatedContentInfo');
  if (type?.oid() !== OID.tstInfo || content?.isContext(0) !== true || rest.length > 0) {
    return element.fail('a content other than TSTInfo');
  }
  return content.inner().octets();
}

function parseCertificates(element: DerElement): readonly Certificate[] {
  const certificates = element.children();
  if (certificates.length > MAX_CERTIFICATES) element.fail('too many certificates');
  return certificates.map((certificate) => parseEmbedded(certificate.expect(TAG.sequence, 'a Certificate').raw));
}

/** Every token of an authority holds the same certificates. Those that parsed are kept, immutable as they are. */
const EMBEDDED = new RecentMap<Certificate>(64);

function parseEmbedded(der: Uint8Array): Certificate {
  const fingerprint = encodeHex(sha256(der));
  const known = EMBEDDED.get(fingerprint);
  if (known !== undefined) return known;
  const certificate = Certificate.parse(der);
  EMBEDDED.set(fingerprint, certificate);
  return certificate;
}

function parseTstInfo(bytes: Uint8Array): TstInfo {
  const root = DerElement.parse(bytes, 'FORMAT_TIMESTAMP');
  const [version, policy, imprint, serial, genTime, ...optional] = root.sequence('TSTInfo');
  if (version?.smallInteger() !== 1 || policy === undefined || imprint === undefined)
    return root.fail('a malformed TSTInfo');
  if (serial === undefined || genTime === undefined) return root.fail('a malformed TSTInfo');
  return {
    policy: policy.oid(),
    messageImprint: parseMessageImprint(imprint),
    serialNumber: serial.integerBytes(),
    genTime: genTime.fractionalTime(),
    nonce: optional.find(({ tag }) => tag === TAG.integer)?.integerBytes(),
  };
}

function parseSigner(element: DerElement): UnverifiedTimestamp['signer'] {
  const [version, sid, digestAlgorithm, attributes, signatureAlgorithm, signature] = element.sequence('SignerInfo');
  if (version?.smallInteger() !== 1 || sid === undefined || digestAlgorithm === undefined) {
    return element.fail('a SignerInfo of another version than 1');
  }
  if (attributes?.isContext(0) !== true || signatureAlgorithm === undefined || signature === undefined) {
    return element.fail('a SignerInfo without signed attributes');
  }
  const [issuer, serial, ...rest] = sid.sequence('IssuerAndSerialNumber');
  if (issuer === undefined || serial === undefined || rest.length > 0) return sid.fail('a malformed signer identifier');
  const hash = hashOfOid(parseAlgorithmOid(digestAlgorithm));
  if (hash === undefined) return digestAlgorithm.fail('a digest that is not accepted');
  const magnitude = serial.integerBytes();
  return {
    issuer: issuer.raw,
    serialNumber: magnitude[0] === 0 && magnitude.length > 1 ? magnitude.subarray(1) : magnitude,
    digestAlgorithm: hash,
    scheme: signerScheme(parseAlgorithmOid(signatureAlgorithm), hash),
    signature: signature.octets(),
    ...parseAttributes(attributes),
  };
}

/** RFC 5652 lets RSA signers name the bare key algorithm and take the digest from its own field. */
function signerScheme(oid: string, hash: HashAlgorithm): SignatureScheme | undefined {
  return oid === OID.rsaEncryption ? `rsa-pkcs1-${hash}` : signatureSchemeOf(oid);
}

type SignedAttributes = Pick<
  UnverifiedTimestamp['signer'],
  'signedAttributes' | 'contentType' | 'messageDigest' | 'certificateHash'
>;

function parseAttributes(element: DerElement): SignedAttributes {
  const values = new Map<string, DerElement>();
  for (const attribute of element.children()) {
    const [type, set, ...rest] = attribute.sequence('an Attribute');
    const [value, ...more] = set?.expect(TAG.set, 'attribute values').children() ?? [];
    if (type === undefined || value === undefined || rest.length > 0 || more.length > 0) {
      return attribute.fail('an attribute without exactly one value');
    }
    if (values.has(type.oid())) attribute.fail('an attribute that occurs twice');
    values.set(type.oid(), value);
  }
  const contentType = values.get(OID.contentType);
  const messageDigest = values.get(OID.messageDigest);
  if (contentType === undefined || messageDigest === undefined) {
    return element.fail('no content type or message digest among the signed attributes');
  }
  const signedAttributes = Uint8Array.from(element.raw);
  signedAttributes[0] = TAG.set;
  return {
    signedAttributes,
    contentType: contentType.oid(),
    messageDigest: messageDigest.octets(),
    certificateHash: parseSigningCertificate(values.get(OID.signingCertificateV2)),
  };
}

/** The first ESSCertIDv2 names the signer's own certificate (RFC 5035 §3). */
function parseSigningCertificate(element: DerElement | undefined): SignedAttributes['certificateHash'] {
  if (element === undefined) return undefined;
  const [first] = element.sequence('SigningCertificateV2')[0]?.sequence('ESSCertIDv2s') ?? [];
  const members = first?.sequence('ESSCertIDv2') ?? [];
  const hasAlgorithm = members[0]?.tag === TAG.sequence;
  const algorithm = hasAlgorithm && members[0] !== undefined ? hashOfOid(parseAlgorithmOid(members[0])) : 'sha256';
  const hash = members[hasAlgorithm ? 1 : 0];
  return hash === undefined
    ? element.fail('a malformed signing certificate attribute')
    : { algorithm, hash: hash.octets() };
}
