/** Signatures in cosign's older storage, made part by part, so that each part can be a wrong one. */
import { layerAnnotations } from '../../src/core/bundle/signature-layer.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { encodeEnvelope } from '../../src/core/attestation/dsse.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { legacyTag } from '../../src/core/image/attached-tag.ts';
import type { Descriptor } from '../../src/core/image/descriptor.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import {
  COSIGN_ARTIFACT_SIGNATURE,
  COSIGN_SIMPLE_SIGNING,
  OCI_CONFIG,
  OCI_MANIFEST,
} from '../../src/core/image/media-types.ts';
import type { Repository } from '../../src/core/image/reference.ts';
import type { RegistryClient } from '../../src/io/registry/registry-client.ts';
import type { Draft, DraftInput, FakeInstance } from './instance.ts';

export interface Layer {
  readonly content: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface SignedLayerInput extends DraftInput {
  readonly payload?: Uint8Array;
  readonly noted?: Readonly<Record<string, string>>;
}

/** A signature of an image as cosign 2 left it: Rekor v1's promise, the chain with its root, a timestamp unless `unstamped`. */
export function signedLayer(instance: FakeInstance, image: Digest, input: SignedLayerInput = {}): Layer {
  const content = input.payload ?? encodeSimpleSigning('registry.example/demo/app', image, input.noted);
  return layerOf(instance, content, instance.signMessage(content, { log: instance.logV1, ...input }));
}

/** An attestation as cosign 2 left it. */
export function attestationLayer(instance: FakeInstance, payload: Uint8Array, input: DraftInput = {}): Layer {
  const draft = instance.signStatement(new Uint8Array(0), { log: instance.logV1, ...input, payload });
  if (draft.content.kind !== 'dsse') throw new TypeError('not an envelope');
  return layerOf(instance, utf8(encodeEnvelope(draft.content.envelope)), draft);
}

export function layerOf(instance: FakeInstance, content: Uint8Array, draft: Draft): Layer {
  const [entry] = draft.tlogEntries;
  const [timestamp] = draft.timestamps;
  return {
    content,
    annotations: layerAnnotations({
      signature: draft.content.kind === 'message' ? draft.content.signature : undefined,
      ...(draft.certificate === undefined ? {} : { certificate: draft.certificate }),
      chain: [instance.intermediate.certificate, instance.root.certificate],
      ...(entry === undefined ? {} : { entry }),
      ...(timestamp === undefined ? {} : { timestamp }),
    }),
  };
}

/** Puts layers under the image's tag, in place of what is there. */
export async function pushLayers(
  client: RegistryClient,
  repository: Repository,
  image: Digest,
  layers: readonly Layer[],
  attachment: 'sig' | 'att' = 'sig',
  tagPrefix = '',
): Promise<Digest> {
  const config = utf8('{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":[]}}');
  await client.putBlob(repository, config);
  const manifest = encodeManifest({
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: Digest.of(config), size: config.length },
    layers: await putLayers(client, repository, layers),
  });
  const tag = `${tagPrefix}${legacyTag(image, attachment)}`;
  const { digest } = await client.putManifest(repository, tag, manifest, OCI_MANIFEST);
  return digest;
}

/** Pushes them as cosign's experiment with referrers did. */
export async function pushExperiment(
  client: RegistryClient,
  repository: Repository,
  subject: Descriptor,
  layers: readonly Layer[],
): Promise<Digest> {
  const config = utf8('{}');
  await client.putBlob(repository, config);
  const manifest = encodeManifest({
    kind: 'image',
    mediaType: OCI_MANIFEST,
    config: { mediaType: COSIGN_ARTIFACT_SIGNATURE, digest: Digest.of(config), size: config.length },
    layers: await putLayers(client, repository, layers),
    subject,
  });
  return (await client.pushReferrer(repository, manifest)).digest;
}

async function putLayers(
  client: RegistryClient,
  repository: Repository,
  layers: readonly Layer[],
): Promise<readonly Descriptor[]> {
  const descriptors: Descriptor[] = [];
  for (const content of new Set(layers.map((layer) => layer.content))) await client.putBlob(repository, content);
  for (const { content, annotations } of layers) {
    const digest = Digest.of(content);
    descriptors.push({ mediaType: COSIGN_SIMPLE_SIGNING, digest, size: content.length, annotations });
  }
  return descriptors;
}
