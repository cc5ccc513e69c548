import { encodeEnvelope } from '../../core/attestation/dsse.ts';
import type { Statement } from '../../core/attestation/statement.ts';
import type { HashAlgorithm } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { olderServices } from '../../core/trust/older-services.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { InvariantError } from '../../errors.ts';
import { envelopeCredentials } from './envelope-credentials.ts';
import { attestedStatement, type AttestationContent } from './attested-statement.ts';
import { readBlob, type BlobStream } from '../verify/blob-reader.ts';
import { assembleBundle } from './bundle-assembly.ts';
import { assembleDetached } from './detached-assembly.ts';
import { SharedCredentials } from './shared-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';
import { signStatement } from './statement-signature.ts';

export interface AttestBlobRequest extends SigningContext {
  /** The blob, or its SHA-256 digest in lower-case hexadecimal (`--hash`). */
  readonly artifact:
    { readonly kind: 'blob'; readonly blob: BlobStream } | { readonly kind: 'digest'; readonly hex: string };
  /** What the statement calls it: cosign takes the file's name without its folder. */
  readonly name: string;
  readonly signer: SignerInput;
  readonly content: AttestationContent;
  /** Leaves the envelope and what belongs to it apart, and a bundle of the kind before Sigstore's (`--new-bundle-format=false`). */
  readonly olderFormat?: boolean;
}

export interface AttestedBlob {
  readonly statement: Statement;
  /** Members of the predicate that its type has no place for, by path: they are not in what was signed. */
  readonly dropped: readonly string[];
  /** The statement's JSON, as it was signed. */
  readonly payload: Uint8Array;
  /** The DSSE envelope's JSON. */
  readonly envelopeJson: string;
  /** A Sigstore bundle, or cosign's older kind. */
  readonly bundleJson: string;
  readonly bundle: VerifiedBundle;
  /** DER TimeStampResp, of the authorities that were asked. */
  readonly timestampResponses: readonly Uint8Array[];
}

/**
 * Attests something about a blob as cosign 3 does: a signed statement in a bundle. The blob is read once and not kept.
 *
 * @throws UsageError; FormatError FORMAT_PREDICATE or FORMAT_STATEMENT; LimitError; VerificationError SUBJECT_MISMATCH or
 *   PREDICATE_TYPE_MISMATCH for a statement; AuthError; RemoteError; VerificationError, FormatError for answers of services
 *   that are not what they should be; whatever the blob's stream throws
 */
export function attestBlob(request: AttestBlobRequest): Promise<AttestedBlob> {
  return attestBlobBy(request, new SharedCredentials(servicesFor(request), request.signer));
}

/** @param credentials shared by whatever else is attested in the same run. @throws as {@link attestBlob} */
export async function attestBlobBy(request: AttestBlobRequest, credentials: SharedCredentials): Promise<AttestedBlob> {
  const subject = { name: request.name, digests: await digestsOf(request) };
  const { statement, payload, dropped, artifact } = attestedStatement(request.content, subject, request.now());
  const current = envelopeCredentials(await credentials.current());
  const fresh = await signStatement(current, payload, artifact);
  if (fresh.content.kind !== 'dsse') throw new InvariantError('a signed statement without its envelope');
  const { json, verified, timestamps } = await (request.olderFormat === true ? assembleDetached : assembleBundle)(
    servicesFor(request),
    current,
    fresh,
  );
  return {
    statement,
    dropped,
    payload,
    envelopeJson: encodeEnvelope(fresh.content.envelope),
    bundleJson: json,
    bundle: verified,
    timestampResponses: timestamps,
  };
}

/** The older format cannot keep what every service answers. */
function servicesFor(request: AttestBlobRequest): AttestBlobRequest {
  return request.olderFormat === true ? { ...request, signingConfig: olderServices(request.signingConfig) } : request;
}

/** SHA-256 first, which is what a statement made here says; one made elsewhere may go by another. */
async function digestsOf({ artifact, content }: AttestBlobRequest): Promise<ReadonlyMap<HashAlgorithm, string>> {
  if (artifact.kind === 'digest') return new Map([['sha256', artifact.hex]]);
  const wanted: readonly HashAlgorithm[] = content.kind === 'predicate' ? ['sha256'] : ['sha256', 'sha384', 'sha512'];
  const read = await readBlob(artifact.blob, { digests: new Set(wanted), keep: 'never' });
  if (read.kind !== 'digests') throw new InvariantError('digests that were asked for were not computed');
  return new Map([...read.digests].map(([algorithm, digest]) => [algorithm, encodeHex(digest)]));
}
