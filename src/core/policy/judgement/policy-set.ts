import type { ImageReference } from '../../image/reference.ts';
import { FormatError } from '../../../errors.ts';
import type { AdmissionPolicy } from './admission-policy.ts';
import { clusterImageAdmission } from './cluster-image-admission.ts';
import type { ClusterImagePolicy } from '../cluster-image/cluster-image-policy.ts';
import type { EvidenceDemand } from './evidence-demand.ts';
import { pinnedName, type PinnedImage } from './image-evidence.ts';
import { NO_REFERENCES, type ResolvedReferences } from './policy-material.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';

/** All policies in force at one moment. */
export class PolicySet {
  readonly policies: readonly AdmissionPolicy[];
  /** What they refer to, as far as it could be had. */
  readonly references: ResolvedReferences;

  /** @throws FormatError FORMAT_POLICY for two policies of one name: nobody could tell which one holds */
  constructor(policies: readonly AdmissionPolicy[], references: ResolvedReferences = NO_REFERENCES) {
    const names = new Set<string>();
    for (const { kind, name } of policies) {
      if (names.has(name)) {
        throw new FormatError('FORMAT_POLICY', 'two policies have one name', {
          found: `${kind} ${name} twice`,
          expected: 'each name once',
        });
      }
      names.add(name);
    }
    this.policies = policies;
    this.references = references;
  }

  /** @throws FormatError FORMAT_POLICY for two policies of one name */
  static ofClusterImages(policies: readonly ClusterImagePolicy[], references?: ResolvedReferences): PolicySet {
    return new PolicySet(policies.map(clusterImageAdmission), references);
  }

  /** Those that speak about an image of this object, which the object names by the text. */
  covering(object: ReviewedObject, image: PinnedImage, text = pinnedName(image)): readonly AdmissionPolicy[] {
    return this.#about(object).filter((policy) => policy.covers(image, text));
  }

  /**
   * Those that may, whatever its digest turns out to be. When there are none, nobody has to be asked what a tag means.
   */
  possiblyCovering(
    object: ReviewedObject,
    reference: ImageReference,
    text = reference.toString(),
  ): { readonly possible: readonly AdmissionPolicy[]; readonly isCertain: boolean } {
    const covering = this.#about(object).map((policy) => ({ policy, coverage: policy.coverage(reference, text) }));
    const possible = covering.filter(({ coverage }) => coverage !== 'never');
    return {
      possible: possible.map(({ policy }) => policy),
      isCertain: possible.every(({ coverage }) => coverage === 'always'),
    };
  }

  /** The set with these in the places of those of their names. */
  with(others: readonly AdmissionPolicy[]): PolicySet {
    const byName = new Map(others.map((policy) => [policy.name, policy]));
    return new PolicySet(
      this.policies.map((policy) => byName.get(policy.name) ?? policy),
      this.references,
    );
  }

  #about(object: ReviewedObject): readonly AdmissionPolicy[] {
    return this.policies.flatMap((policy) => policy.about(object) ?? []);
  }
}

/** Whether signatures can make a difference to what the policies say. */
export function needsEvidence(policies: readonly AdmissionPolicy[]): boolean {
  return policies.some(({ interest }) => interest === 'signatures');
}

/** What all the policies may ask about an image. */
export function evidenceDemands(policies: readonly AdmissionPolicy[]): readonly EvidenceDemand[] {
  return policies.flatMap(({ demands }) => demands);
}

/** Whether what is believed depends on the webhook's own trusted root. */
export function isTrustNeeded(policies: readonly AdmissionPolicy[]): boolean {
  return (
    policies.some(({ isOpen }) => isOpen === true) ||
    evidenceDemands(policies).some(({ standsByItself }) => standsByItself !== true)
  );
}
