import type { PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import type { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { evidenceDemands, needsEvidence, type PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import type { AdmissionEvidence } from './admission-evidence.ts';
import type { RegistryAccess } from './registry-access.ts';

/** An image of something that is in the cluster already. */
export interface RunningImage {
  readonly image: PinnedImage;
  readonly object: ReviewedObject;
  /** As the pods of its workload reach registries. */
  readonly access: RegistryAccess;
}

export interface Warming {
  readonly evidence: AdmissionEvidence;
  readonly policies: () => PolicySet;
  readonly material: (policies: PolicySet) => PolicyMaterial;
  /** Comes back when there is room for requests that nobody waits for; false when there is none. */
  readonly hasRoom?: ((registry: string) => Promise<boolean>) | undefined;
  readonly isStopped: () => boolean;
}

/** Few, so that reviews which somebody waits for have most of what a registry is asked at once, and half of its budget. */
const PARALLEL = 4;

/**
 * Fetches what policies will want to know about what runs, in the background: each image that a policy is about once, none that is
 * remembered, and nothing from a registry that has asked to be left alone, or has no requests left for this.
 *
 * @returns how many were fetched, or tried
 */
export async function warmEvidence(images: AsyncIterable<RunningImage>, warming: Warming): Promise<number> {
  const iterator = images[Symbol.asyncIterator]();
  let count = 0;
  const worker = async (): Promise<void> => {
    while (!warming.isStopped()) {
      const next = await iterator.next();
      if (next.done === true) return;
      if (await warmImage(next.value, warming)) count++;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return count;
}

async function warmImage({ image, object, access }: RunningImage, warming: Warming): Promise<boolean> {
  const policies = warming.policies();
  const covering = policies.covering(object, image);
  if (covering.length === 0 || !needsEvidence(covering)) return false;
  const material = warming.material(policies);
  const request = { image, demands: evidenceDemands(covering), material, access };
  if ((await warming.evidence.remembered(request)) !== undefined) return false;
  const hasRoom = (await warming.hasRoom?.(image.registry)) ?? true;
  if (!hasRoom || warming.isStopped()) return false;
  await warming.evidence.fresh(request);
  return true;
}
