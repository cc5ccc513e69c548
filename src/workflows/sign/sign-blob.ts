import type { NamedDigest } from '../../core/bundle/hash-name.ts';
import { digest as hash, type HashAlgorithm } from '../../core/crypto/digest.ts';
import { hashOf } from '../../core/crypto/signature.ts';
import { olderServices } from '../../core/trust/older-services.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import type { VerifiedBundle, VerifiedSigner } from '../../core/verify/verified-bundle.ts';
import { InvariantError } from '../../errors.ts';
import { readBlob, type BlobStream } from '../verify/blob-reader.ts';
import { assembleBundle, type FreshSignature } from './bundle-assembly.ts';
import { assembleDetached } from './detached-assembly.ts';
import { SharedCredentials } from './shared-credentials.ts';
import type { SigningCredentials } from './signing-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';

export interface SignBlobRequest extends SigningContext {
  readonly blob: BlobStream;
  readonly signer: SignerInput;
  /** Leaves the parts of the signature apart, and a bundle of the kind before Sigstore's (`--new-bundle-format=false`). */
  readonly olderFormat?: boolean;
  /** Of {@link blobCredentials}, when several blobs are signed with one login and one certificate. */
  readonly credentials?: SharedCredentials;
}

export interface SignedBlob {
  /** Of the blob, by the hash that was signed. */
  readonly digest: NamedDigest;
  /** A Sigstore bundle, or cosign's older kind. */
  readonly bundleJson: string;
  readonly bundle: VerifiedBundle;
  readonly signer: VerifiedSigner;
  /** Raw signature bytes. */
  readonly signature: Uint8Array;
  readonly logIndex: bigint | undefined;
  readonly timestamp: Date | undefined;
  /** DER TimeStampResp, of the authorities that were asked. */
  readonly timestampResponses: readonly Uint8Array[];
}

/**
 * Signs a blob as cosign 3 does: a message signature over its digest, in a bundle. The blob is read once and not kept, except
 * for Ed25519 keys.
 *
 * @throws UsageError USAGE_BAD_CONFIG; AuthError; RemoteError; LimitError; VerificationError, FormatError for answers of
 *   services that are not what they should be; whatever the blob's stream throws
 */
export async function signBlob(request: SignBlobRequest): Promise<SignedBlob> {
  const context = servicesFor(request);
  const credentials = await (request.credentials ?? blobCredentials(request)).current();
  const fresh = await signStream(credentials, request.blob);
  const assemble = request.olderFormat === true ? assembleDetached : assembleBundle;
  const { json, verified, timestamps } = await assemble(context, credentials, fresh);
  return {
    digest: fresh.content.digest,
    bundleJson: json,
    bundle: verified,
    signer: verified.signer,
    signature: fresh.signature,
    logIndex: verified.logEntries[0]?.logIndex,
    timestamp: verified.times[0]?.time,
    timestampResponses: timestamps,
  };
}

/** Credentials for requests that differ in their blobs alone. */
export function blobCredentials(request: Omit<SignBlobRequest, 'blob' | 'credentials'>): SharedCredentials {
  return new SharedCredentials(servicesFor(request), request.signer);
}

/** The older format cannot keep what every service answers. */
function servicesFor({
  olderFormat,
  ...context
}: SigningContext & Pick<SignBlobRequest, 'olderFormat'>): SigningContext {
  if (olderFormat !== true) return context;
  return { ...context, signingConfig: olderServices(context.signingConfig) };
}

type FreshMessage = FreshSignature & { readonly content: { readonly kind: 'message'; readonly digest: NamedDigest } };

async function signStream({ key, scheme }: SigningCredentials, blob: BlobStream): Promise<FreshMessage> {
  const algorithm = hashOf(scheme) ?? 'sha512';
  if (key.kind === 'ed25519') {
    const artifact = await readBlob(blob, { digests: new Set(), keep: 'required' });
    if (artifact.kind !== 'bytes') throw new InvariantError('bytes that were required were not kept');
    const signature = await key.sign(artifact.bytes, scheme);
    return freshMessage(signature, algorithm, hash(algorithm, artifact.bytes), artifact, scheme);
  }
  const running = key.startSignature(scheme);
  const artifact = await readBlob(blob, {
    digests: new Set([algorithm]),
    keep: 'never',
    onChunk: (chunk) => running.update(chunk),
  });
  const digest = artifact.kind === 'digests' ? artifact.digests.get(algorithm) : undefined;
  if (digest === undefined) throw new InvariantError('a digest that was asked for was not computed');
  return freshMessage(await running.finish(), algorithm, digest, artifact, scheme);
}

function freshMessage(
  signature: Uint8Array,
  algorithm: HashAlgorithm,
  digest: Uint8Array,
  artifact: Artifact,
  scheme: SigningCredentials['scheme'],
): FreshMessage {
  const named = { algorithm, digest };
  return {
    content: { kind: 'message', digest: named, signature },
    signature,
    signedDigest: hashOf(scheme) === undefined ? undefined : named,
    artifact,
  };
}
