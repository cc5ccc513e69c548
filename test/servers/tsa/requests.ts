/** Requests to a timestamp authority, good and bad, used for ours alone and beside the original. */
import { sha256 } from '../../../src/core/crypto/digest.ts';
import {
  derBoolean,
  derElement,
  derExplicit,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
} from '../../../src/core/encoding/der-writer.ts';
import { encodeHashAlgorithm } from '../../../src/core/pki/algorithm-identifier.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { encodeTimestampRequest } from '../../../src/core/pki/timestamp-request.ts';

export const MESSAGE = utf8('what is to be timestamped');
export const IMPRINT = { hashAlgorithm: 'sha256' as const, hashedMessage: sha256(MESSAGE) };
const HASH = Buffer.from(IMPRINT.hashedMessage).toString('base64');
const DER = 'application/timestamp-query';
const JSON_TYPE = 'application/json';

export interface Row {
  readonly name: string;
  /** undefined: no such header. */
  readonly type: string | undefined;
  readonly body: Uint8Array | string;
  readonly status: number;
  /** Expected in the answer's `message`; undefined for granted ones. */
  readonly message?: string;
}

const OTHER = 'Error generating timestamp response';
const WEAK = 'Weak hash algorithm in timestamp request';
const LENGTH = 'Message digest has incorrect length for specified algorithm';
const POLICY = 'unaccepted policy: requested TSA policy is not supported by the TSA';
const EXTENSION = 'unaccepted extension: requested extensions are not supported by the TSA';
const OID_LENGTH = 'OID should be comprised of at most 128 components';

const good = encodeTimestampRequest({ messageImprint: IMPRINT, wantsCertificate: true });
const sha1Algorithm = derSequence(derOid('1.3.14.3.2.26'), derElement(0x05));
const md5Algorithm = derSequence(derOid('1.2.840.113549.2.5'), derElement(0x05));
const request = (imprint: Uint8Array, ...rest: Uint8Array[]): Uint8Array =>
  derSequence(derInteger(1), imprint, ...rest);
const imprint = derSequence(encodeHashAlgorithm('sha256'), derOctetString(IMPRINT.hashedMessage));
const extensions = derExplicit(0, derSequence(derOid('1.2.3.4'), derOctetString(Uint8Array.of(5, 0))));
const json = (members: object): string => JSON.stringify({ artifactHash: HASH, hashAlgorithm: 'sha256', ...members });

export const GRANTED: readonly Row[] = [
  { name: 'DER, bare', type: DER, body: request(imprint), status: 200 },
  { name: 'DER, certificate wanted', type: DER, body: good, status: 200 },
  { name: 'DER, certificate expressly unwanted', type: DER, body: request(imprint, derBoolean(false)), status: 200 },
  {
    name: 'DER, nonce and policy',
    type: DER,
    body: encodeTimestampRequest({
      messageImprint: IMPRINT,
      wantsCertificate: false,
      nonce: Uint8Array.from(Buffer.from('0102030405060708090a0b0c', 'hex')),
      policy: '1.3.6.1.4.1.57264.2',
    }),
    status: 200,
  },
  ...(['sha384', 'sha512'] as const).map((hashAlgorithm) => ({
    name: `DER, ${hashAlgorithm}`,
    type: DER,
    body: encodeTimestampRequest({
      messageImprint: { hashAlgorithm, hashedMessage: new Uint8Array(hashAlgorithm === 'sha384' ? 48 : 64).fill(7) },
      wantsCertificate: false,
    }),
    status: 200,
  })),
  { name: 'JSON, as sigstore-js sends it', type: JSON_TYPE, body: json({}), status: 200 },
  { name: 'JSON, charset', type: `${JSON_TYPE}; charset=utf-8`, body: json({ certificates: true }), status: 200 },
  { name: 'JSON, media type in capitals', type: 'APPLICATION/JSON', body: json({}), status: 200 },
  {
    name: 'JSON, names in any case',
    type: JSON_TYPE,
    body: `{"ARTIFACThash":"${HASH}","hashalgorithm":"SHA256"}`,
    status: 200,
  },
  {
    name: 'JSON, large nonce',
    type: JSON_TYPE,
    body: json({}).replace('{', '{"nonce":123456789012345678901234567890,'),
    status: 200,
  },
  { name: 'JSON, negative nonce', type: JSON_TYPE, body: json({ nonce: -5 }), status: 200 },
  { name: 'JSON, null nonce, unknown member', type: JSON_TYPE, body: json({ nonce: null, more: [1] }), status: 200 },
  { name: 'JSON, accepted policy', type: JSON_TYPE, body: json({ tsaPolicyOID: '1.3.6.1.4.1.57264.2' }), status: 200 },
];

export const REFUSED: readonly Row[] = [
  { name: 'no body', type: DER, body: '', status: 422, message: 'request in body is required' },
  { name: 'no body, wrong type', type: 'text/plain', body: '', status: 422, message: 'request in body is required' },
  {
    name: 'text',
    type: 'text/plain',
    body: good,
    status: 415,
    message: 'unsupported media type "text/plain", only [application/json application/timestamp-query] are allowed',
  },
  {
    name: 'another application type',
    type: 'application/foo',
    body: good,
    status: 415,
    message:
      'unsupported media type "application/foo", only [application/json application/timestamp-query] are allowed',
  },
  {
    name: 'type hidden in a parameter',
    type: 'multipart/form-data; boundary="application/json"',
    body: json({}),
    status: 415,
    message:
      'unsupported media type "multipart/form-data", only [application/json application/timestamp-query] are allowed',
  },
  {
    name: 'no type',
    type: undefined,
    body: good,
    status: 415,
    message:
      'unsupported media type "application/octet-stream", only [application/json application/timestamp-query] are allowed',
  },
  { name: 'DER that is text', type: DER, body: 'hello', status: 400, message: OTHER },
  { name: 'DER, trailing byte', type: DER, body: Buffer.concat([good, Buffer.of(0)]), status: 400, message: OTHER },
  { name: 'DER, one byte short', type: DER, body: good.subarray(0, -1), status: 400, message: OTHER },
  {
    name: 'DER, SHA-1',
    type: DER,
    body: request(derSequence(sha1Algorithm, derOctetString(new Uint8Array(20)))),
    status: 400,
    message: WEAK,
  },
  {
    name: 'DER, MD5',
    type: DER,
    body: request(derSequence(md5Algorithm, derOctetString(new Uint8Array(16)))),
    status: 400,
    message: OTHER,
  },
  {
    name: 'DER, digest too short',
    type: DER,
    body: request(derSequence(encodeHashAlgorithm('sha256'), derOctetString(new Uint8Array(31)))),
    status: 400,
    message: LENGTH,
  },
  {
    name: 'DER, digest of another hash',
    type: DER,
    body: request(derSequence(encodeHashAlgorithm('sha512'), derOctetString(IMPRINT.hashedMessage))),
    status: 400,
    message: LENGTH,
  },
  {
    name: 'DER, policy of somebody else',
    type: DER,
    body: request(imprint, derOid('1.2.3.4')),
    status: 400,
    message: POLICY,
  },
  { name: 'DER, extension', type: DER, body: request(imprint, extensions), status: 400, message: EXTENSION },
  {
    name: 'DER, policy before extension',
    type: DER,
    body: request(imprint, derOid('1.2.3.4'), extensions),
    status: 400,
    message: POLICY,
  },
  { name: 'DER, a megabyte and a byte', type: DER, body: new Uint8Array((1 << 20) + 1), status: 400, message: OTHER },
  { name: 'JSON, not an object', type: JSON_TYPE, body: '[]', status: 400, message: OTHER },
  { name: 'JSON, empty', type: JSON_TYPE, body: '{}', status: 400, message: OTHER },
  { name: 'JSON, cut off', type: JSON_TYPE, body: json({}).slice(0, -1), status: 400, message: OTHER },
  { name: 'JSON, more behind it', type: JSON_TYPE, body: `${json({})}x`, status: 400, message: OTHER },
  { name: 'JSON, SHA-1', type: JSON_TYPE, body: json({ hashAlgorithm: 'sha1' }), status: 400, message: WEAK },
  { name: 'JSON, MD5', type: JSON_TYPE, body: json({ hashAlgorithm: 'md5' }), status: 400, message: OTHER },
  {
    name: 'JSON, hash in URL-safe base64',
    type: JSON_TYPE,
    body: json({ artifactHash: `${HASH.slice(0, 40)}-_==` }),
    status: 400,
    message: OTHER,
  },
  {
    name: 'JSON, digest too short',
    type: JSON_TYPE,
    body: json({ artifactHash: 'AAAA' }),
    status: 400,
    message: LENGTH,
  },
  { name: 'JSON, nonce in quotes', type: JSON_TYPE, body: json({ nonce: '5' }), status: 400, message: OTHER },
  { name: 'JSON, nonce with a fraction', type: JSON_TYPE, body: json({ nonce: 1.5 }), status: 400, message: OTHER },
  {
    name: 'JSON, nonce with an exponent',
    type: JSON_TYPE,
    body: json({}).replace('{', '{"nonce":1e3,'),
    status: 400,
    message: OTHER,
  },
  {
    name: 'JSON, certificates as text',
    type: JSON_TYPE,
    body: json({ certificates: 'true' }),
    status: 400,
    message: OTHER,
  },
  {
    name: 'JSON, policy of somebody else',
    type: JSON_TYPE,
    body: json({ tsaPolicyOID: '1.2.3' }),
    status: 400,
    message: POLICY,
  },
  {
    name: 'JSON, policy that is none',
    type: JSON_TYPE,
    body: json({ tsaPolicyOID: 'a.b' }),
    status: 400,
    message: OID_LENGTH,
  },
  {
    name: 'JSON, policy of 130 arcs',
    type: JSON_TYPE,
    body: json({ tsaPolicyOID: Array(130).fill('1').join('.') }),
    status: 400,
    message: OID_LENGTH,
  },
  {
    name: 'JSON, too large',
    type: JSON_TYPE,
    body: ' '.repeat(1025),
    status: 400,
    message: 'timestamp request is too large',
  },
];
