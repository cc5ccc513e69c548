import { IMAGE_SIGNATURE_PREDICATE, imageSignatureStatement } from '../core/attestation/image-signature.ts';
import { encodeStatement } from '../core/attestation/statement.ts';
import type { Descriptor } from '../core/image/descriptor.ts';
import type { Digest } from '../core/image/digest.ts';
import type { ImageReference, Repository } from '../core/image/reference.ts';
import type { VerifiedBundle, VerifiedSigner } from '../core/verify/verified-bundle.ts';
import { InvariantError } from '../errors.ts';
import { pushBundle } from '../io/registry/bundle-store.ts';
import type { RegistryClient } from '../io/registry/registry-client.ts';
import { assembleBundle, type FreshSignature, type SignedBundle } from './bundle-assembly.ts';
import { manifestTree } from './manifest-tree.ts';
import { obtainCredentials, type SigningCredentials } from './signing-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';
import { signStatement } from './statement-signature.ts';

export interface SignImageRequest extends SigningContext {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly reference: ImageReference;
  readonly signer: SignerInput;
  /** Noted beside the digest (`-a`). */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where signatures are kept, when not beside the image (`COSIGN_REPOSITORY`). */
  readonly signatureRepository?: Repository;
  /** `--upload=false`: the registry stays as it is. */
  readonly upload?: boolean;
}

export interface SignedImage {
  readonly reference: ImageReference;
  /** What was signed. */
  readonly digest: Digest;
  /** The reference named a tag, which may mean another image by now. */
  readonly isTagResolved: boolean;
  readonly bundleJson: string;
  readonly bundle: VerifiedBundle;
  readonly signer: VerifiedSigner;
  /** Of the first log; undefined when none was used. */
  readonly logIndex: bigint | undefined;
  /** The first trusted time; undefined when nobody told one. */
  readonly timestamp: Date | undefined;
  /** The services that were used: what a policy for this signature names. */
  readonly caUrl: string | undefined;
  readonly logUrl: string | undefined;
  /** The manifest that carries the signature; undefined when it was not pushed. */
  readonly referrer: Descriptor | undefined;
}

/**
 * Signs an image as cosign 3 does: a statement about its digest in a bundle that refers to it. Nothing is written to the
 * registry before the finished bundle has been verified; an attempt that fails leaves the image as it was.
 *
 * @throws NotFoundError TAG_NOT_FOUND or NOT_FOUND; UsageError USAGE_BAD_CONFIG; AuthError (token or registry); RemoteError;
 *   VerificationError, FormatError for answers of services that are not what they should be
 */
export async function signImage(request: SignImageRequest): Promise<SignedImage> {
  const subject = await request.registry.resolve(request.reference);
  const [signed] = await signManifests(request, [subject]);
  if (signed === undefined) throw new InvariantError('one manifest was to be signed, and none was');
  return signed;
}

/**
 * Signs an image and, when it is an index, everything that it names (`--recursive`): with one certificate, so one login, and
 * with nothing pushed before every bundle has been verified. The image itself comes first.
 *
 * @throws as {@link signImage}; LimitError for an index of too many or too deeply nested images
 */
export async function signImageRecursively(request: SignImageRequest): Promise<readonly SignedImage[]> {
  const subject = await request.registry.resolve(request.reference);
  return signManifests(request, await manifestTree(request.registry, request.reference, subject));
}

async function signManifests(
  request: SignImageRequest,
  subjects: readonly Descriptor[],
): Promise<readonly SignedImage[]> {
  const credentials = await obtainCredentials(request, request.signer);
  const assembled: SignedBundle[] = [];
  for (const { digest } of subjects) {
    const fresh = await signImageStatement(credentials, digest, request.annotations);
    assembled.push(await assembleBundle(request, credentials, fresh));
  }
  const signed: SignedImage[] = [];
  for (const [index, subject] of subjects.entries()) {
    const bundle = assembled[index];
    if (bundle === undefined) throw new InvariantError('a manifest without its bundle');
    const named = index === 0 ? request.reference : request.reference.atDigest(subject.digest);
    signed.push(describe(named, subject, bundle, credentials, await push(request, subject, bundle)));
  }
  return signed;
}

async function push(
  { registry, reference, signatureRepository, upload, now }: SignImageRequest,
  subject: Descriptor,
  { json }: SignedBundle,
): Promise<Descriptor | undefined> {
  if (upload === false) return undefined;
  return pushBundle(registry, signatureRepository ?? reference, subject, json, {
    predicateType: IMAGE_SIGNATURE_PREDICATE,
    createdAt: now(),
  });
}

function describe(
  reference: ImageReference,
  subject: Descriptor,
  { json, verified }: SignedBundle,
  { holder, services }: SigningCredentials,
  referrer: Descriptor | undefined,
): SignedImage {
  return {
    reference,
    digest: subject.digest,
    isTagResolved: reference.digest === undefined,
    bundleJson: json,
    bundle: verified,
    signer: verified.signer,
    logIndex: verified.logEntries[0]?.logIndex,
    timestamp: verified.times[0]?.time,
    caUrl: holder === undefined ? undefined : services.ca?.url,
    logUrl: services.logs[0]?.url,
    referrer,
  };
}

function signImageStatement(
  credentials: SigningCredentials,
  digest: Digest,
  annotations: Readonly<Record<string, string>> | undefined,
): Promise<FreshSignature> {
  const payload = encodeStatement(imageSignatureStatement(digest, annotations));
  return signStatement(credentials, payload, { kind: 'digest', algorithm: digest.algorithm, digest: digest.bytes });
}
