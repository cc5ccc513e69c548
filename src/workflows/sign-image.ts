import { IMAGE_SIGNATURE_PREDICATE, imageSignatureStatement } from '../core/attestation/image-signature.ts';
import { encodeStatement } from '../core/attestation/statement.ts';
import type { Descriptor } from '../core/image/descriptor.ts';
import type { Digest } from '../core/image/digest.ts';
import type { ImageReference, Repository } from '../core/image/reference.ts';
import { olderServices } from '../core/trust/older-services.ts';
import type { VerifiedBundle, VerifiedSigner } from '../core/verify/verified-bundle.ts';
import { InvariantError } from '../errors.ts';
import { pushBundle } from '../io/registry/bundle-store.ts';
import type { RegistryClient } from '../io/registry/registry-client.ts';
import { assembleBundle, type FreshSignature } from './bundle-assembly.ts';
import type { SignedLayer } from './layer-assembly.ts';
import { manifestTree } from './manifest-tree.ts';
import { obtainCredentials, type SigningCredentials } from './signing-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';
import { pushSignatureLayers, signImageLayers, type OlderStorage } from './sign-image-layers.ts';
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
  /** Signs and stores as cosign did before bundles (`--new-bundle-format=false`). */
  readonly olderStorage?: OlderStorage;
}

export interface SignedImage {
  readonly reference: ImageReference;
  /** What was signed. */
  readonly digest: Digest;
  /** The reference named a tag, which may mean another image by now. */
  readonly isTagResolved: boolean;
  /** Undefined in cosign's older storage, which has layers. */
  readonly bundleJson: string | undefined;
  /** In cosign's older storage, one for each name of the image; none for a bundle. */
  readonly layers: readonly SignedLayer[];
  readonly bundle: VerifiedBundle;
  readonly signer: VerifiedSigner;
  /** Of the first log; undefined when none was used. */
  readonly logIndex: bigint | undefined;
  /** The first trusted time; undefined when nobody told one. */
  readonly timestamp: Date | undefined;
  /** The services that were used: what a policy for this signature names. */
  readonly caUrl: string | undefined;
  readonly logUrl: string | undefined;
  /** The manifest that carries the signature: a referrer, or what is under the `.sig` tag; undefined when nothing was pushed. */
  readonly referrer: Descriptor | undefined;
}

/**
 * Signs an image as cosign 3 does: a statement about its digest in a bundle that refers to it; or, when that is asked for, as
 * cosign did before: a payload with that digest under the image's `.sig` tag. Nothing is written to the
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
  const { olderStorage } = request;
  const signingConfig = olderStorage === undefined ? request.signingConfig : olderServices(request.signingConfig);
  const context = { ...request, signingConfig };
  const credentials = await obtainCredentials(context, request.signer);
  const assembled: Assembled[] = [];
  for (const { digest } of subjects) assembled.push(await assemble(context, credentials, digest));
  const signed: SignedImage[] = [];
  for (const [index, subject] of subjects.entries()) {
    const signature = assembled[index];
    if (signature === undefined) throw new InvariantError('a manifest without its signature');
    const named = index === 0 ? request.reference : request.reference.atDigest(subject.digest);
    signed.push(describe(named, subject, signature, credentials, await push(request, subject, signature, credentials)));
  }
  return signed;
}

/** One of the two forms; `json` decides which. */
interface Assembled {
  readonly json: string | undefined;
  readonly layers: readonly SignedLayer[];
  readonly verified: VerifiedBundle;
}

async function assemble(
  request: SignImageRequest,
  credentials: SigningCredentials,
  digest: Digest,
): Promise<Assembled> {
  const { olderStorage, annotations = {}, reference } = request;
  if (olderStorage === undefined) {
    const fresh = await signImageStatement(credentials, digest, annotations);
    return { ...(await assembleBundle(request, credentials, fresh)), layers: [] };
  }
  const input = { ...olderStorage, context: reference.context, annotations };
  const layers = await signImageLayers(request, credentials, digest, input);
  const [first] = layers;
  if (first === undefined) throw new InvariantError('nothing was signed');
  return { json: undefined, layers, verified: first.verified };
}

async function push(
  { registry, reference, signatureRepository, upload, now, olderStorage }: SignImageRequest,
  subject: Descriptor,
  { json, layers }: Assembled,
  signer: SigningCredentials,
): Promise<Descriptor | undefined> {
  if (upload === false) return undefined;
  const target = signatureRepository ?? reference;
  if (json === undefined) {
    const options = { ...olderStorage, signer };
    return (await pushSignatureLayers(registry, target, subject.digest, layers, options)).manifest;
  }
  return pushBundle(registry, target, subject, json, {
    predicateType: IMAGE_SIGNATURE_PREDICATE,
    createdAt: now(),
  });
}

function describe(
  reference: ImageReference,
  subject: Descriptor,
  { json, layers, verified }: Assembled,
  { holder, services }: SigningCredentials,
  referrer: Descriptor | undefined,
): SignedImage {
  return {
    reference,
    digest: subject.digest,
    isTagResolved: reference.digest === undefined,
    bundleJson: json,
    layers,
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
