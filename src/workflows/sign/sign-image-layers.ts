import { encodeSimpleSigning } from '../../core/bundle/simple-signing.ts';
import { LAYER_ANNOTATIONS } from '../../core/bundle/signature-layer.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { verifySignature, type SignatureScheme } from '../../core/crypto/signature.ts';
import { parseBase64 } from '../../core/encoding/base64.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import { Digest } from '../../core/image/digest.ts';
import type { Repository } from '../../core/image/reference.ts';
import { SealwrightError } from '../../errors.ts';
import { pushLayers, type NewLayer, type PushedLayers } from '../../io/registry/layer-writer.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { assembleSignatureLayer, type SignedLayer } from './layer-assembly.ts';
import type { SigningCredentials } from './signing-credentials.ts';
import type { SigningContext } from './signing-services.ts';

/** How a signature under a `.sig` tag is to be made, where cosign lets one choose. */
export interface OlderStorage {
  /** What the payloads call the image (`--sign-container-identity`), one signature for each; its repository when empty. */
  readonly dockerReferences?: readonly string[];
  /** Signed instead of a fresh payload (`--payload`); it has to name the image. */
  readonly payload?: Uint8Array;
  /** `--record-creation-timestamp`. */
  readonly createdAt?: Date;
  /** In front of the tag. */
  readonly tagPrefix?: string;
  /** `COSIGN_DOCKER_MEDIA_TYPES`. */
  readonly dockerMediaTypes?: boolean;
}

/** Signs an image's digest, once for each name. @throws as `assembleSignatureLayer` */
export async function signImageLayers(
  context: SigningContext,
  credentials: SigningCredentials,
  digest: Digest,
  input: OlderStorage & { readonly context: string; readonly annotations?: Readonly<Record<string, string>> },
): Promise<readonly SignedLayer[]> {
  const { dockerReferences = [], payload } = input;
  const names = dockerReferences.length === 0 ? [input.context] : dockerReferences;
  const payloads =
    payload === undefined ? names.map((name) => encodeSimpleSigning(name, digest, input.annotations)) : [payload];
  const artifact = { kind: 'digest', algorithm: digest.algorithm, digest: digest.bytes } as const;
  const layers: SignedLayer[] = [];
  for (const content of payloads) {
    layers.push(await assembleSignatureLayer(context, credentials, content, artifact));
  }
  return layers;
}

/** Stores them; one that the same key has signed before, with nothing new beside it, is not written again. */
export async function pushSignatureLayers(
  registry: RegistryClient,
  target: Repository,
  digest: Digest,
  layers: readonly NewLayer[],
  options: OlderStorage & { readonly signer: Pick<SigningCredentials, 'key' | 'scheme'> },
): Promise<PushedLayers> {
  const { key, scheme } = options.signer;
  return pushLayers(registry, target, digest, 'sig', layers, {
    ...(options.createdAt === undefined ? {} : { createdAt: options.createdAt }),
    ...(options.tagPrefix === undefined ? {} : { tagPrefix: options.tagPrefix }),
    dockerMediaTypes: options.dockerMediaTypes ?? false,
    isDuplicate: (present, added) => isSignedBefore(present, added, key.publicKey, scheme),
  });
}

/** cosign's rule: the same payload, all the new annotations but the signature, and a signature that this key made. */
function isSignedBefore(present: Descriptor, added: NewLayer, key: PublicKey, scheme: SignatureScheme): boolean {
  const { annotations = {} } = present;
  const others = Object.entries(added.annotations).filter(([name]) => name !== LAYER_ANNOTATIONS.signature);
  if (present.mediaType !== added.mediaType || !present.digest.equals(Digest.of(added.content))) return false;
  if (others.some(([name, value]) => annotations[name] !== value)) return false;
  try {
    const signature = parseBase64(annotations[LAYER_ANNOTATIONS.signature] ?? '');
    return verifySignature(key, scheme, added.content, signature);
  } catch (error) {
    if (error instanceof SealwrightError) return false;
    throw error;
  }
}
