import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import { IN_TOTO_PAYLOAD_TYPE, parseStatement } from '../../core/attestation/statement.ts';
import { parseEnvelope } from '../../core/attestation/dsse.ts';
import { parseBundle, type UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { isBlobBundle, parseBlobBundle } from '../../core/bundle/detached-signature.ts';
import type { TransparencyLogEntry } from '../../core/bundle/log-entry.ts';
import { parseRekorBundle } from '../../core/bundle/rekor-bundle.ts';
import {
  LAYER_ANNOTATIONS,
  layerAnnotations,
  readAttestationLayer,
  readSignatureLayer,
} from '../../core/bundle/signature-layer.ts';
import { encodeSimpleSigning } from '../../core/bundle/simple-signing.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { COSIGN_SIMPLE_SIGNING, DSSE_ENVELOPE } from '../../core/image/media-types.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { ArtifactDigests } from '../../core/verify/artifact.ts';
import { checkArtifactClaim } from '../../core/verify/artifact-claim.ts';
import { parseLogV1Entry } from '../../core/wire/log-v1.ts';
import { claimedPredicateType } from '../verify/image-signatures.ts';
import { pushBundle } from '../../io/registry/bundle-store.ts';
import { pushLayers } from '../../io/registry/layer-writer.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';

export interface AttachRequest {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly reference: ImageReference;
  readonly signatureRepository?: Repository;
  /** In front of the older storage's tags. */
  readonly tagPrefix?: string;
  readonly now: () => Date;
  /** As cosign: whatever it is about, and whether or not anybody can read it. */
  readonly isUnchecked?: boolean;
}

export interface AttachSignatureRequest extends AttachRequest {
  /** Over the payload; its parts as they lie in files. */
  readonly signature: Uint8Array;
  /** What was signed; cosign's payload of the image without annotations when absent. */
  readonly payload?: Uint8Array;
  readonly certificate?: Certificate;
  readonly chain?: readonly Certificate[];
  /** DER TimeStampResp. */
  readonly timestamp?: Uint8Array;
  readonly entry?: TransparencyLogEntry;
  /** In its place, as it is to be stored: what no reader may understand. */
  readonly uncheckedPromise?: string;
  /** In the signature's place, as it is to be stored. */
  readonly uncheckedSignature?: string;
}

/** Where something was attached. */
export interface Attached {
  readonly subject: Descriptor;
  /** Digest of the manifest that carries it. */
  readonly manifest: Descriptor;
}

/**
 * Attaches a signature that was made elsewhere, in cosign's older storage. Who made it is for verifiers to find out; that it is
 * about this image, and can be read at all, is checked first.
 *
 * @throws VerificationError SUBJECT_MISMATCH; FormatError for parts that do not parse; as `pushLayers`
 */
export async function attachSignature(request: AttachSignatureRequest): Promise<Attached> {
  const { registry, reference, signature } = request;
  const subject = await registry.resolve(reference);
  const payload = request.payload ?? encodeSimpleSigning(reference.context, subject.digest);
  const { certificate, chain, timestamp, entry } = request;
  const annotations = layerAnnotations({
    signature,
    ...(certificate === undefined ? {} : { certificate }),
    ...(chain === undefined ? {} : { chain }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(entry === undefined ? {} : { entry }),
  });
  if (request.isUnchecked !== true) checkClaim(readSignatureLayer(payload, annotations), subject);
  const { uncheckedPromise, uncheckedSignature } = request;
  const unchecked = {
    ...(uncheckedPromise === undefined ? {} : { [LAYER_ANNOTATIONS.rekorBundle]: uncheckedPromise }),
    ...(uncheckedSignature === undefined ? {} : { [LAYER_ANNOTATIONS.signature]: uncheckedSignature }),
  };
  const layer = {
    content: payload,
    annotations: { ...annotations, ...unchecked },
    mediaType: COSIGN_SIMPLE_SIGNING,
  };
  const target = request.signatureRepository ?? reference;
  const pushed = await pushLayers(registry, target, subject.digest, 'sig', [layer], {
    tagPrefix: request.tagPrefix ?? '',
  });
  return { subject, manifest: pushed.manifest };
}

/**
 * Attaches a Sigstore bundle as a referrer.
 *
 * @throws VerificationError SUBJECT_MISMATCH or PAYLOAD_TYPE_MISMATCH; FormatError; as `pushBundle`
 */
export async function attachBundle(request: AttachRequest, json: Uint8Array): Promise<Attached> {
  const { registry, reference, signatureRepository, now } = request;
  const bundle = parseBundle(json);
  const subject = await registry.resolve(reference);
  const claimed = request.isUnchecked === true ? claimedPredicateType(bundle) : checkClaim(bundle, subject);
  const predicateType = claimed ?? IMAGE_SIGNATURE_PREDICATE;
  const manifest = await pushBundle(
    registry,
    signatureRepository ?? reference,
    subject,
    parseUtf8(json, 'FORMAT_BUNDLE', 'the bundle'),
    {
      predicateType,
      createdAt: now(),
      content: bundle.content.kind === 'dsse' ? 'dsse-envelope' : 'message-signature',
    },
  );
  return { subject, manifest };
}

/**
 * Attaches an attestation: a bundle as a referrer, a bare DSSE envelope in cosign's older storage.
 *
 * @throws as {@link attachBundle}; FormatError FORMAT_ENVELOPE
 */
export async function attachAttestation(request: AttachRequest, json: Uint8Array): Promise<Attached> {
  const { registry, reference, signatureRepository } = request;
  if (isBundle(json)) return attachBundle(request, json);
  const { payloadType, payload } = parseEnvelope(json);
  const predicateType = payloadType === IN_TOTO_PAYLOAD_TYPE ? parseStatement(payload).predicateType : undefined;
  const annotations = layerAnnotations({
    signature: undefined,
    ...(predicateType === undefined ? {} : { predicateType }),
  });
  const subject = await registry.resolve(reference);
  if (request.isUnchecked !== true) checkClaim(readAttestationLayer(json, annotations), subject);
  const layer = { content: json, annotations, mediaType: DSSE_ENVELOPE };
  const target = signatureRepository ?? reference;
  const pushed = await pushLayers(registry, target, subject.digest, 'att', [layer], {
    tagPrefix: request.tagPrefix ?? '',
  });
  return { subject, manifest: pushed.manifest };
}

/** Whether a file is a Sigstore bundle: by its members. */
export function isBundle(json: Uint8Array): boolean {
  const value = parseJson(json, 'the file', 'FORMAT_BUNDLE', { maxBytes: 64 << 20, maxDepth: 32 });
  return new JsonFields(value, 'file', 'FORMAT_BUNDLE').has('mediaType');
}

/** @returns the predicate type, of statements */
function checkClaim({ content }: UnverifiedBundle, { digest }: Descriptor): string | undefined {
  const artifact = new ArtifactDigests({ kind: 'digest', algorithm: digest.algorithm, digest: digest.bytes });
  return checkArtifactClaim(content, artifact)?.predicateType;
}

/**
 * What `--rekor-response` may hold: the log's promise as cosign keeps it, cosign's older bundle with one inside, or the answer
 * of Rekor v1's API.
 *
 * @throws FormatError FORMAT_LOG_ENTRY; LimitError
 */
export function entryOfResponse(json: Uint8Array): TransparencyLogEntry | undefined {
  if (isBlobBundle(json)) return parseBlobBundle(json).entry;
  const value = parseJson(json, "the log's response", 'FORMAT_LOG_ENTRY', { maxBytes: 16 << 20, maxDepth: 16 });
  const isPromise = new JsonFields(value, 'response', 'FORMAT_LOG_ENTRY').has('SignedEntryTimestamp');
  return isPromise ? parseRekorBundle(json) : parseLogV1Entry(json);
}
