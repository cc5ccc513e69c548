import { digest } from '../crypto/digest.ts';
import { verifySignature } from '../crypto/signature.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { VerificationError } from '../../errors.ts';
import type { Certificate } from './certificate.ts';
import { verifyChain } from './chain.ts';
import { nameText } from './name.ts';
import { OID } from './oids.ts';
import type { UnverifiedTimestamp } from './timestamp-response.ts';

/** A trusted timestamp authority: its chain, leaf first when the leaf is known, root last, and when it is believed. */
export interface TimestampAuthority {
  readonly chain: readonly Certificate[];
  readonly validFor: { readonly start: Date; readonly end?: Date };
}

export interface VerifiedTime {
  readonly time: Date;
  readonly signer: Certificate;
}

/** Whether this authority could have made the timestamp: its leaf, or an embedded leaf under one of its CAs, is the signer. */
export function findSigner(timestamp: UnverifiedTimestamp, authority: TimestampAuthority): Certificate | undefined {
  const { issuer, serialNumber } = timestamp.signer;
  return [...authority.chain, ...timestamp.embeddedCertificates].find(
    (certificate) =>
      !certificate.isCa &&
      equalBytes(certificate.issuer.raw, issuer) &&
      equalBytes(certificate.serialNumber, serialNumber),
  );
}

/**
 * Verifies a timestamp over `message` by one authority: imprint, signed attributes, signature, the signer's chain at the
 * time it claims, purpose, and the authority's window (RFC 3161 §2.2, RFC 5652 §5.4 and §5.6, RFC 5816).
 *
 * @param message for a bundle the raw signature bytes
 * @throws VerificationError TIMESTAMP_INVALID, TIMESTAMP_UNTRUSTED or CERTIFICATE_*
 */
export function verifyTimestamp(
  timestamp: UnverifiedTimestamp,
  message: Uint8Array,
  authority: TimestampAuthority,
): VerifiedTime {
  const { info } = timestamp;
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  const expected = digest(hashAlgorithm, message);
  if (!equalBytes(expected, hashedMessage)) {
    throw invalid('the timestamp is over something else', encodeHex(hashedMessage), encodeHex(expected));
  }
  const signer = findSigner(timestamp, authority);
  if (signer === undefined) {
    throw new VerificationError('TIMESTAMP_UNTRUSTED', 'the timestamp was not made by a trusted authority', {
      expected: authority.chain.map(({ subject }) => nameText(subject)).join(', '),
    });
  }
  checkSignature(timestamp, signer);
  checkPurpose(signer);
  checkChain(signer, authority, timestamp.embeddedCertificates, info.genTime);
  const { start, end } = authority.validFor;
  if (info.genTime < start || (end !== undefined && info.genTime > end)) {
    throw new VerificationError('TIMESTAMP_UNTRUSTED', 'the authority was not trusted at the time of the timestamp', {
      found: info.genTime.toISOString(),
      expected: `a time from ${start.toISOString()} to ${end?.toISOString() ?? 'now'}`,
    });
  }
  return { time: info.genTime, signer };
}

function checkSignature({ signer, infoBytes }: UnverifiedTimestamp, certificate: Certificate): void {
  if (signer.contentType !== OID.tstInfo)
    throw invalid('the signed content type is another', signer.contentType, OID.tstInfo);
  const digestOfInfo = digest(signer.digestAlgorithm, infoBytes);
  if (!equalBytes(digestOfInfo, signer.messageDigest)) {
    throw invalid(
      'the signed digest is not that of the content',
      encodeHex(signer.messageDigest),
      encodeHex(digestOfInfo),
    );
  }
  const { certificateHash } = signer;
  if (certificateHash !== undefined) {
    const { algorithm, hash } = certificateHash;
    // The length tells which digest was used: timestamp-authority writes the request's digest without naming it.
    const candidates = algorithm === undefined ? [] : ([algorithm, 'sha256', 'sha384', 'sha512'] as const);
    if (!candidates.some((candidate) => equalBytes(digest(candidate, certificate.raw), hash))) {
      throw invalid('the timestamp names another signing certificate', encodeHex(hash), certificate.fingerprint);
    }
  }
  if (
    signer.scheme === undefined ||
    !verifySignature(certificate.publicKey, signer.scheme, signer.signedAttributes, signer.signature)
  ) {
    throw invalid(
      "the authority's signature on the timestamp is wrong",
      undefined,
      'a signature by the trusted authority',
    );
  }
}

/** RFC 3161 §2.3: exactly one purpose, timeStamping, and the extension must be critical. */
function checkPurpose(signer: Certificate): void {
  const extension = signer.extension(OID.extendedKeyUsage);
  const purposes = signer.extendedKeyUsage ?? [];
  if (extension?.critical === true && purposes.length === 1 && purposes[0] === OID.timeStamping) return;
  throw new VerificationError('CERTIFICATE_PROFILE', "the authority's certificate is not one for timestamps", {
    found: `extended key usage ${purposes.join(', ') || 'absent'}${extension?.critical === false ? ', not critical' : ''}`,
    expected: 'timeStamping alone, critical (RFC 3161 §2.3)',
  });
}

function checkChain(
  signer: Certificate,
  { chain }: TimestampAuthority,
  embedded: readonly Certificate[],
  at: Date,
): void {
  const anchor = chain[chain.length - 1];
  const [only] = chain;
  // A chain of nothing but the leaf trusts that leaf itself.
  if (chain.length === 1 && only?.equals(signer) === true) {
    if (!signer.isValidAt(at)) {
      throw new VerificationError('CERTIFICATE_TIME', "the authority's certificate was not valid at its own time", {
        found: at.toISOString(),
        expected: `${signer.notBefore.toISOString()} to ${signer.notAfter.toISOString()}`,
      });
    }
    return;
  }
  verifyChain({
    leaf: signer,
    intermediates: [...chain.slice(0, -1), ...embedded].filter(({ isCa }) => isCa),
    anchors: anchor === undefined ? [] : [anchor],
    at,
    purpose: 'timeStamping',
  });
}

function invalid(message: string, found: string | undefined, expected: string): VerificationError {
  return new VerificationError('TIMESTAMP_INVALID', message, { expected, ...(found === undefined ? {} : { found }) });
}
