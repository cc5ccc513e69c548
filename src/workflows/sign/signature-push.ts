import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { Repository } from '../../core/image/reference.ts';
import { SealwrightError } from '../../errors.ts';
import { pushBundle } from '../../io/registry/bundle-store.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import type { SignedLayer } from './layer-assembly.ts';
import { pushSignatureLayers, type OlderStorage } from './sign-image-layers.ts';
import type { SigningCredentials } from './signing-credentials.ts';

export interface SignaturePush {
  readonly registry: RegistryClient;
  /** The image's own, or the one that COSIGN_REPOSITORY names. */
  readonly target: Repository;
  readonly subject: Descriptor;
  /** A bundle, or, in cosign's older storage, layers. */
  readonly json: string | undefined;
  readonly layers: readonly SignedLayer[];
  readonly credentials: SigningCredentials;
  readonly olderStorage: OlderStorage | undefined;
  readonly now: () => Date;
}

/** Stores a finished signature. @returns the manifest that carries it */
export async function pushSignature(push: SignaturePush): Promise<Descriptor> {
  const { registry, target, subject, json, layers, credentials, olderStorage, now } = push;
  if (json === undefined) {
    const options = { ...olderStorage, signer: credentials };
    return (await pushSignatureLayers(registry, target, subject.digest, layers, options)).manifest;
  }
  return pushBundle(registry, target, subject, json, {
    predicateType: IMAGE_SIGNATURE_PREDICATE,
    createdAt: now(),
  });
}

/** One signature that was stored. */
export interface StoredSignature {
  readonly subject: Digest;
  /** The manifest that carries it. */
  readonly referrer: Digest;
}

/**
 * Takes bundles back that were pushed before another one of the same image failed.
 *
 * @returns those that stay, because the registry does not delete
 */
export async function withdrawBundles(
  registry: RegistryClient,
  target: Repository,
  stored: readonly StoredSignature[],
): Promise<readonly StoredSignature[]> {
  const staying: StoredSignature[] = [];
  for (const signature of stored) {
    try {
      await registry.deleteReferrers(target, signature.subject, [signature.referrer]);
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      staying.push(signature);
    }
  }
  return staying;
}
