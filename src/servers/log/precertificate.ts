import { equalBytes } from '../../core/encoding/bytes.ts';
import { encodeBase64, parseBase64 } from '../../core/encoding/base64.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { OID } from '../../core/pki/oids.ts';
import { encodeSct, withoutExtension, type Sct, type SctEntry } from '../../core/pki/sct.ts';
import { FormatError, VerificationError } from '../../errors.ts';

/** What a CA asks a CT log to log. */
export interface PrecertificateSubmission {
  readonly precertificate: Certificate;
  /** Issuing certificate first; the root may be left out. */
  readonly issuers: readonly Certificate[];
}

/** A precertificate of a root that the log accepts. */
export interface AcceptedPrecertificate {
  readonly entry: SctEntry & { readonly kind: 'precert' };
  readonly precertificate: Uint8Array;
  /** Issuing certificate first, root last. */
  readonly issuers: readonly Certificate[];
}

const LIMITS = { maxBytes: 128 << 10, maxDepth: 4 };
const CODE = 'FORMAT_REQUEST';
const MAX_CHAIN = 10;
const ASN1_NULL = Uint8Array.of(5, 0);

/** Body of `add-pre-chain` (RFC 6962 §4.2). @throws FormatError */
export function parseAddPreChain(body: Uint8Array): PrecertificateSubmission {
  const fields = new JsonFields(parseJson(body, 'the request', CODE, LIMITS), 'request', CODE).only('chain');
  const chain = fields
    .strings('chain', MAX_CHAIN)
    .map((text, index) => Certificate.parse(parseBase64(text, `chain[${index}]`)));
  const [precertificate, ...issuers] = chain;
  if (precertificate === undefined) throw new FormatError(CODE, 'the chain is empty', { expected: 'a certificate' });
  return { precertificate, issuers };
}

/** Answer of `add-pre-chain` (RFC 6962 §4.1). */
export function addChainResponse(sct: Sct): object {
  const encoded = encodeSct(sct);
  // Version, log id, time, then the extensions behind their length; what is left is the DigitallySigned.
  const signature = encoded.subarray(1 + 32 + 8 + 2 + sct.extensions.length);
  return {
    sct_version: 0,
    id: encodeBase64(sct.logId),
    timestamp: Number(sct.timestamp),
    extensions: encodeBase64(sct.extensions),
    signature: encodeBase64(signature),
  };
}

/**
 * Checks what RFC 6962 §3.1 has a log check: the poison, and signatures from the precertificate up to an accepted root.
 * Validity in time is not checked: what was issued must be seen, whenever.
 *
 * @throws VerificationError CERTIFICATE_UNTRUSTED or CERTIFICATE_PROFILE
 */
export function acceptPrecertificate(
  { precertificate, issuers }: PrecertificateSubmission,
  roots: readonly Certificate[],
): AcceptedPrecertificate {
  const poison = precertificate.extension(OID.precertificatePoison);
  if (poison?.critical !== true || !equalBytes(poison.value, ASN1_NULL)) {
    throw new VerificationError('CERTIFICATE_PROFILE', 'the certificate is no precertificate', {
      expected: 'a critical poison extension with the value NULL (RFC 6962 §3.1)',
    });
  }
  if (precertificate.extendedKeyUsage?.includes(OID.codeSigning) !== true) {
    throw new VerificationError('CERTIFICATE_PROFILE', 'the precertificate is not for code signing', {
      found: precertificate.extendedKeyUsage?.join(', ') ?? 'no purposes',
      expected: OID.codeSigning,
    });
  }
  const chain = completeChain([precertificate, ...issuers], roots);
  const [issuer] = chain;
  if (issuer === undefined) throw untrusted('a chain without an issuer');
  const tbs = withoutExtension(precertificate, OID.precertificatePoison);
  return {
    entry: { kind: 'precert', issuerKeyHash: issuer.publicKey.id, tbs },
    precertificate: precertificate.raw,
    issuers: chain,
  };
}

/** @returns the issuers, root last, each of which signed the one before it */
function completeChain(chain: readonly Certificate[], roots: readonly Certificate[]): readonly Certificate[] {
  const last = chain[chain.length - 1];
  const isRoot = roots.some((root) => last?.equals(root) === true);
  const root = isRoot ? [] : roots.filter((candidate) => last?.isSignedBy(candidate) === true).slice(0, 1);
  if (!isRoot && root.length === 0) throw untrusted('a chain that leads to no root of this log');
  const complete = [...chain, ...root];
  for (const [position, issuer] of complete.slice(1).entries()) {
    const subject = complete[position];
    if (!issuer.isCa || subject?.isSignedBy(issuer) !== true) {
      throw untrusted(`certificate ${position} is not signed by certificate ${position + 1}`);
    }
  }
  return complete.slice(1);
}

function untrusted(found: string): VerificationError {
  return new VerificationError('CERTIFICATE_UNTRUSTED', 'the precertificate is not of a root that this log accepts', {
    found,
    expected: 'each certificate signed by the next, up to a root of get-roots',
  });
}
