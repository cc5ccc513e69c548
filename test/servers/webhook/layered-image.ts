/** Images with signatures and attestations in cosign's older storage, as a table describes them. */
import { imageSignatureStatement } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { attestationLayer, pushLayers, signedLayer, type SignedLayerInput } from '../../support/signature-layers.ts';
import type { World } from './world.ts';

/** The type of every attestation. */
export const VULN = 'https://cosign.sigstore.dev/attestation/vuln/v1';

/** Signature or attestation, by whom and how, and the attestation's predicate. */
export type Layers = readonly (readonly ['sig' | 'att', SignedLayerInput, JsonObject?])[];

export async function pushLayered(world: World, name: string, layers: Layers, tag = '1'): Promise<ImageReference> {
  const image = await world.push(name, tag);
  const digest = image.digest!;
  for (const kind of ['sig', 'att'] as const) {
    const own = layers.filter(([each]) => each === kind);
    if (own.length === 0) continue;
    const made = own.map(([, input, predicate = {}]) =>
      kind === 'sig'
        ? signedLayer(world.instance, digest, input)
        : attestationLayer(
            world.instance,
            encodeStatement({ ...imageSignatureStatement(digest), predicateType: VULN, predicate }),
            input,
          ),
    );
    await pushLayers(world.client, image, digest, made, kind);
  }
  return image;
}
