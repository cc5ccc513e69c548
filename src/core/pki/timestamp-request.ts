import { DIGEST_LENGTHS, type HashAlgorithm } from '../crypto/digest.ts';
import { DerElement, TAG } from '../encoding/der-reader.ts';
import { derBoolean, derElement, derInteger, derOctetString, derOid, derSequence } from '../encoding/der-writer.ts';
import { FormatError } from '../../errors.ts';
import { encodeHashAlgorithm, hashOfOid, parseAlgorithmOid } from './algorithm-identifier.ts';
import { OID } from './oids.ts';

/** Digest of what is to be timestamped (RFC 3161 §2.4.1, MessageImprint). */
export interface MessageImprint {
  readonly hashAlgorithm: HashAlgorithm;
  readonly hashedMessage: Uint8Array;
}

/** TimeStampReq (RFC 3161 §2.4.1). */
export interface TimestampRequest {
  readonly messageImprint: MessageImprint;
  readonly policy?: string;
  /** Content of the INTEGER, two's complement: echoed byte for byte. */
  readonly nonce?: Uint8Array;
  readonly wantsCertificate: boolean;
  readonly hasExtensions: boolean;
}

/** @throws FormatError FORMAT_TIMESTAMP; with `details.weakHash` when the imprint is SHA-1 */
export function parseTimestampRequest(der: Uint8Array): TimestampRequest {
  const root = DerElement.parse(der, 'FORMAT_TIMESTAMP');
  const members = root.sequence('a TimeStampReq');
  const version = members.shift();
  const imprint = members.shift();
  if (version?.smallInteger() !== 1 || imprint === undefined) return root.fail('not a TimeStampReq of version 1');
  const messageImprint = parseMessageImprint(imprint);
  const policy = members[0]?.tag === TAG.oid ? members.shift()?.oid() : undefined;
  const nonce = members[0]?.tag === TAG.integer ? members.shift()?.integerBytes() : undefined;
  const wantsCertificate = members[0]?.tag === TAG.boolean ? (members.shift()?.boolean() ?? false) : false;
  const hasExtensions = members[0]?.isContext(0) === true;
  if (hasExtensions) members.shift();
  if (members.length > 0) root.fail('elements that TimeStampReq does not have');
  return {
    messageImprint,
    wantsCertificate,
    hasExtensions,
    ...(policy === undefined ? {} : { policy }),
    ...(nonce === undefined ? {} : { nonce }),
  };
}

export function parseMessageImprint(element: DerElement): MessageImprint {
  const [algorithm, hashed, ...rest] = element.sequence('a MessageImprint');
  if (algorithm === undefined || hashed === undefined || rest.length > 0)
    return element.fail('a malformed MessageImprint');
  const oid = parseAlgorithmOid(algorithm);
  const hashAlgorithm = hashOfOid(oid);
  if (hashAlgorithm === undefined) {
    throw new FormatError('FORMAT_TIMESTAMP', 'the message imprint uses a digest that is not accepted', {
      found: oid === OID.sha1 ? 'SHA-1' : oid,
      expected: 'SHA-256, SHA-384 or SHA-512',
      details: { weakHash: oid === OID.sha1 },
    });
  }
  const hashedMessage = hashed.octets();
  if (hashedMessage.length !== DIGEST_LENGTHS[hashAlgorithm]) {
    throw new FormatError('FORMAT_TIMESTAMP', 'the message imprint has the wrong length', {
      found: `${hashedMessage.length} bytes`,
      expected: `${DIGEST_LENGTHS[hashAlgorithm]} bytes for ${hashAlgorithm}`,
      details: { wrongLength: true },
    });
  }
  return { hashAlgorithm, hashedMessage };
}

export function encodeMessageImprint(imprint: MessageImprint): Uint8Array {
  return derSequence(encodeHashAlgorithm(imprint.hashAlgorithm), derOctetString(imprint.hashedMessage));
}

/** @param request `hasExtensions` is ignored: we never ask for any */
export function encodeTimestampRequest(request: Omit<TimestampRequest, 'hasExtensions'>): Uint8Array {
  return derSequence(
    derInteger(1),
    encodeMessageImprint(request.messageImprint),
    ...(request.policy === undefined ? [] : [derOid(request.policy)]),
    // Content as it is, also where it stands for a negative number: a magnitude would make another number of it.
    ...(request.nonce === undefined ? [] : [derElement(TAG.integer, request.nonce)]),
    // DEFAULT FALSE is not encoded (X.690 §11.5).
    ...(request.wantsCertificate ? [derBoolean(true)] : []),
  );
}
