import type { Statement } from '../../core/attestation/statement.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { LAYER_ANNOTATIONS } from '../../core/bundle/signature-layer.ts';
import { pushBundle } from '../../io/registry/bundle-store.ts';
import { pushLayers } from '../../io/registry/layer-writer.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { envelopeCredentials } from './envelope-credentials.ts';
import { attestedStatement, type AttestationContent, type AttestedStatement } from './attested-statement.ts';
import { assembleBundle } from './bundle-assembly.ts';
import { assembleAttestationLayer, type SignedLayer } from './layer-assembly.ts';
import type { SharedCredentials } from './shared-credentials.ts';
import type { SigningCredentials } from './signing-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';
import { servicesFor, sharedCredentials } from './storable-services.ts';
import { signStatement } from './statement-signature.ts';

export interface AttestImageRequest extends SigningContext {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly reference: ImageReference;
  readonly signer: SignerInput;
  readonly content: AttestationContent;
  /** Where attestations are kept, when not beside the image (`COSIGN_REPOSITORY`). */
  readonly signatureRepository?: Repository;
  /** `--no-upload` makes it false: the registry stays as it is. */
  readonly upload?: boolean;
  /** Signs and stores as cosign did before bundles (`--new-bundle-format=false`): an envelope under the `.att` tag. */
  readonly olderStorage?: OlderAttestationStorage;
  /** Keeps what was made where somebody wants it, before anything is pushed: what cannot be kept is not pushed either. */
  readonly keep?: (attested: AttestedImage) => void;
}

/** How an `.att` tag is to be written, where cosign lets one choose. */
export interface OlderAttestationStorage {
  /** `--replace`: earlier attestations of the same predicate type go. */
  readonly replace?: boolean;
  /** `--record-creation-timestamp`. */
  readonly createdAt?: Date;
  /** In front of the tag. */
  readonly tagPrefix?: string;
  /** `COSIGN_DOCKER_MEDIA_TYPES`. */
  readonly dockerMediaTypes?: boolean;
}

export interface AttestedImage {
  readonly reference: ImageReference;
  /** What the attestation is attached to. */
  readonly digest: Digest;
  /** The reference named a tag, which may mean another image by now. */
  readonly isTagResolved: boolean;
  readonly statement: Statement;
  /** Members of the predicate that its type has no place for, by path: they are not in what was signed. */
  readonly dropped: readonly string[];
  /** Undefined in cosign's older storage. */
  readonly bundleJson: string | undefined;
  /** In cosign's older storage alone: the envelope and what stands beside it. */
  readonly layer: SignedLayer | undefined;
  readonly bundle: VerifiedBundle;
  /** The manifest that carries the attestation: a referrer, or what is under the `.att` tag; undefined when nothing was pushed. */
  readonly referrer: Descriptor | undefined;
}

/**
 * Attests something about an image as cosign 3 does: a signed statement in a bundle that refers to it; or, when that is asked
 * for, as cosign did before: in an envelope under the image's `.att` tag. Everything that can be
 * wrong with the statement is found before anybody logs in, and nothing is written to the registry before the finished
 * bundle has been verified.
 *
 * @throws NotFoundError TAG_NOT_FOUND or NOT_FOUND; UsageError; FormatError FORMAT_PREDICATE or FORMAT_STATEMENT; LimitError;
 *   VerificationError SUBJECT_MISMATCH or PREDICATE_TYPE_MISMATCH for a statement; AuthError (token or registry); RemoteError;
 *   VerificationError, FormatError for answers of services that are not what they should be
 */
export function attestImage(request: AttestImageRequest): Promise<AttestedImage> {
  return attestImageBy(request, sharedCredentials(request));
}

/** @param credentials shared by whatever else is attested in the same run. @throws as {@link attestImage} */
export async function attestImageBy(
  request: AttestImageRequest,
  credentials: SharedCredentials,
): Promise<AttestedImage> {
  const { registry, reference, content, now } = request;
  const subject = await registry.resolve(reference);
  const { algorithm, hex } = subject.digest;
  const attested = attestedStatement(content, { name: reference.context, digests: new Map([[algorithm, hex]]) }, now());
  const assembled = await assemble(servicesFor(request), attested, envelopeCredentials(await credentials.current()));
  const made = {
    reference,
    digest: subject.digest,
    isTagResolved: reference.digest === undefined,
    statement: attested.statement,
    dropped: attested.dropped,
    ...assembled,
    referrer: undefined,
  };
  request.keep?.(made);
  return { ...made, referrer: await push(request, subject, assembled, attested.statement.predicateType) };
}

type Assembled = Pick<AttestedImage, 'bundleJson' | 'layer' | 'bundle'>;

async function assemble(
  request: AttestImageRequest,
  { payload, artifact, statement }: AttestedStatement,
  credentials: SigningCredentials,
): Promise<Assembled> {
  if (request.olderStorage !== undefined) {
    const layer = await assembleAttestationLayer(request, credentials, payload, statement.predicateType, artifact);
    return { bundleJson: undefined, layer, bundle: layer.verified };
  }
  const fresh = await signStatement(credentials, payload, artifact);
  const { json, verified } = await assembleBundle(request, credentials, fresh);
  return { bundleJson: json, layer: undefined, bundle: verified };
}

async function push(
  { registry, reference, signatureRepository, upload, olderStorage = {}, now }: AttestImageRequest,
  subject: Descriptor,
  { bundleJson, layer }: Assembled,
  predicateType: string,
): Promise<Descriptor | undefined> {
  if (upload === false) return undefined;
  const target = signatureRepository ?? reference;
  if (bundleJson !== undefined) {
    return pushBundle(registry, target, subject, bundleJson, { predicateType, createdAt: now() });
  }
  const { replace, ...options } = olderStorage;
  const isReplaced = ({ annotations }: Descriptor): boolean =>
    annotations?.[LAYER_ANNOTATIONS.predicateType] === predicateType;
  const pushed = await pushLayers(registry, target, subject.digest, 'att', layer === undefined ? [] : [layer], {
    ...options,
    ...(replace === true ? { isReplaced } : {}),
  });
  return pushed.manifest;
}
