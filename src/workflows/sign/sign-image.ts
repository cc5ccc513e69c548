import { imageSignatureStatement } from '../../core/attestation/image-signature.ts';
import { encodeStatement } from '../../core/attestation/statement.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import { InvariantError } from '../../errors.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { envelopeCredentials } from './envelope-credentials.ts';
import { assembleBundle, type FreshSignature } from './bundle-assembly.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import { manifestTree } from './manifest-tree.ts';
import { findOwnSignature } from './own-signature.ts';
import type { SharedCredentials } from './shared-credentials.ts';
import { servicesFor, sharedCredentials } from './storable-services.ts';
import { signImageLayers, type OlderStorage } from './sign-image-layers.ts';
import { pushSignature, withdrawBundles, type StoredSignature } from './signature-push.ts';
import {
  describePresent,
  describeSigned,
  type PresentManifest,
  type SignedImage,
  type SignedManifest,
} from './signed-image.ts';
import type { SigningCredentials } from './signing-credentials.ts';
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
  /** Signs and stores as cosign did before bundles (`--new-bundle-format=false`). */
  readonly olderStorage?: OlderStorage;
  /** Leaves alone what carries this very signature already: same signer, same annotations, and all that a new one would prove. */
  readonly skipIfSigned?: boolean;
  /** Keeps what was made where somebody wants it, before anything is pushed: what cannot be kept is not pushed either. */
  readonly keep?: (image: SignedImage) => void;
  /** Told of signatures that could not be taken back after another one of the same image failed: the registry does not delete. */
  readonly onLeftBehind?: (signature: StoredSignature) => void;
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
  const [signed] = await signManifests(request, [subject], sharedCredentials(request), sequential());
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
  const subjects = await manifestTree(request.registry, request.reference, subject);
  return signManifests(request, subjects, sharedCredentials(request), sequential());
}

function sequential(): ConcurrencyLimit {
  return new ConcurrencyLimit(1);
}

/**
 * Signs manifests of one image. None is pushed before all are signed and verified, and when one cannot be pushed, those that
 * were are taken back.
 *
 * @param subjects the image first, then what it names
 * @param limit    how much happens at once; the caller holds no turn of it
 */
export async function signManifests(
  request: SignImageRequest,
  subjects: readonly Descriptor[],
  credentials: SharedCredentials,
  limit: ConcurrencyLimit,
): Promise<readonly SignedImage[]> {
  const context = servicesFor(request);
  const made = await limit.runAll(
    SIGNING_TURNS,
    subjects.map((subject) => () => signManifest(context, subject, credentials)),
  );
  const referenceOf = (digest: Digest, index: number): ImageReference =>
    index === 0 ? request.reference : request.reference.atDigest(digest);
  for (const [index, signature] of made.entries()) {
    const reference = referenceOf(signature.subject.digest, index);
    request.keep?.(
      'present' in signature ? describePresent(reference, signature) : describeSigned(reference, signature, undefined),
    );
  }
  const stored: StoredSignature[] = [];
  const store = async (signature: SignedManifest | PresentManifest, index: number): Promise<SignedImage> => {
    const { digest } = signature.subject;
    const reference = referenceOf(digest, index);
    if ('present' in signature) return describePresent(reference, signature);
    const referrer = await push(request, signature);
    if (referrer !== undefined) stored.push({ subject: digest, referrer: referrer.digest });
    return describeSigned(reference, signature, referrer);
  };
  try {
    return await limit.runAll(
      SIGNING_TURNS,
      made.map((signature, index) => () => store(signature, index)),
    );
  } catch (error) {
    await withdraw(request, stored);
    throw error;
  }
}

/** Whatever happens while signing takes its turn from one queue. */
export const SIGNING_TURNS = 'signing';

async function signManifest(
  request: SignImageRequest,
  subject: Descriptor,
  shared: SharedCredentials,
): Promise<SignedManifest | PresentManifest> {
  const present = mayBePresent(request)
    ? await findOwnSignature(request, shared, wantedFor(request, subject))
    : undefined;
  if (present !== undefined) return { subject, present };
  const credentials = await shared.current();
  return { subject, credentials, ...(await assemble(request, credentials, subject.digest)) };
}

/** What is asked for explicitly is not compared with what is there: it is made. */
function mayBePresent({ skipIfSigned, upload, olderStorage = {} }: SignImageRequest): boolean {
  const { payload, createdAt, dockerReferences = [] } = olderStorage;
  const isPlain = payload === undefined && createdAt === undefined && dockerReferences.length === 0;
  return skipIfSigned === true && upload !== false && isPlain;
}

function wantedFor(
  { registry, reference, signatureRepository, annotations = {}, olderStorage }: SignImageRequest,
  { digest }: Descriptor,
): Parameters<typeof findOwnSignature>[2] {
  return {
    registry,
    reference,
    digest,
    annotations,
    isOlder: olderStorage !== undefined,
    ...(olderStorage?.tagPrefix === undefined ? {} : { tagPrefix: olderStorage.tagPrefix }),
    ...(signatureRepository === undefined ? {} : { signatureRepository }),
  };
}

async function assemble(
  request: SignImageRequest,
  credentials: SigningCredentials,
  digest: Digest,
): Promise<Pick<SignedManifest, 'json' | 'layers' | 'verified'>> {
  const { olderStorage, annotations = {}, reference } = request;
  if (olderStorage === undefined) {
    const own = envelopeCredentials(credentials);
    const fresh = await signImageStatement(own, digest, annotations);
    return { ...(await assembleBundle(request, own, fresh)), layers: [] };
  }
  const input = { ...olderStorage, context: reference.context, annotations };
  const layers = await signImageLayers(request, credentials, digest, input);
  const [first] = layers;
  if (first === undefined) throw new InvariantError('nothing was signed');
  return { json: undefined, layers, verified: first.verified };
}

async function push(
  { registry, reference, signatureRepository, upload, now, olderStorage }: SignImageRequest,
  signature: SignedManifest,
): Promise<Descriptor | undefined> {
  if (upload === false) return undefined;
  return pushSignature({ ...signature, registry, target: signatureRepository ?? reference, olderStorage, now });
}

async function withdraw(
  { registry, reference, signatureRepository, olderStorage, onLeftBehind }: SignImageRequest,
  stored: readonly StoredSignature[],
): Promise<void> {
  // Layers are among others' under one tag, which is not written a second time because of them.
  const staying =
    olderStorage === undefined ? await withdrawBundles(registry, signatureRepository ?? reference, stored) : stored;
  for (const signature of staying) onLeftBehind?.(signature);
}

function signImageStatement(
  credentials: SigningCredentials,
  digest: Digest,
  annotations: Readonly<Record<string, string>> | undefined,
): Promise<FreshSignature> {
  const payload = encodeStatement(imageSignatureStatement(digest, annotations));
  return signStatement(credentials, payload, { kind: 'digest', algorithm: digest.algorithm, digest: digest.bytes });
}
