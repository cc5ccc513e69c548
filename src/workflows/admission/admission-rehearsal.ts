import type { ImageReference } from '../../core/image/reference.ts';
import type { ImageException } from '../../core/policy/objects/image-exception.ts';
import type { NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import type { EvidenceFor, PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import type { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { AdmissionEvidence, type EvidenceRequest } from './admission-evidence.ts';
import { admitImage } from './admit-image.ts';
import type { AdmittedImage } from './image-admission.ts';
import { evaluatePolicyProgram, kyvernoEvaluation, type EnginesSource } from './policy-evaluation.ts';
import type { RegistryAccess } from './registry-access.ts';
import type { RevocationView } from './revocation-state.ts';

/** What is rehearsed: some policies, and what they rest on. */
export interface RehearsedPolicies {
  readonly policies: PolicySet;
  readonly exceptions: readonly ImageException[];
  readonly noMatch: NoMatchAction;
}

export interface RehearsalOptions {
  readonly trustedRoot: TrustedRoot;
  readonly engines: EnginesSource;
  readonly now: () => Date;
  /** What is no longer believed. */
  readonly revocations?: RevocationView;
}

/** An image in the object that would be created. */
export interface RehearsedImage {
  /** As it is written there. */
  readonly text: string;
  readonly object: ReviewedObject;
  readonly namespace: string;
  readonly access: RegistryAccess;
}

/**
 * Decides as the webhook would, by its own code, while nobody waits: each registry is asked once about each image, and nothing is
 * taken from what was known before. That something could not be checked is the answer then.
 */
export class AdmissionRehearsal {
  readonly #options: RehearsalOptions;
  readonly #evidence: AdmissionEvidence;
  readonly #materials = new WeakMap<PolicySet, PolicyMaterial>();
  /**
   * Nobody waits for the answer. Whatever is raced against a promise stays with it, evidence and all: one that all rehearsals of a
   * process shared would keep everything that any of them has ever seen.
   */
  readonly #never = new Promise<void>(() => undefined);

  constructor(options: RehearsalOptions, evidence = new AdmissionEvidence({ ...options, asksOnce: true })) {
    this.#options = options;
    this.#evidence = evidence;
  }

  /** What is no longer believed; undefined where nobody speaks of revocations. */
  get revocations(): RevocationView | undefined {
    return this.#options.revocations;
  }

  /** The same with other things revoked: by the same evidence, which is not fetched again. */
  under(revocations: RevocationView): AdmissionRehearsal {
    return new AdmissionRehearsal({ ...this.#options, revocations }, this.#evidence);
  }

  decide(image: RehearsedImage, { policies, exceptions, noMatch }: RehearsedPolicies): Promise<AdmittedImage> {
    const { engines, now, revocations } = this.#options;
    const material = this.material(policies);
    return admitImage(image.text, {
      evidence: this.#evidence,
      policies,
      material,
      evaluate: (program, input) => evaluatePolicyProgram(engines, material, program, input),
      ...kyvernoEvaluation(engines, policies.references.configMaps),
      access: image.access,
      noMatch,
      actions: {},
      object: image.object,
      mayPin: true,
      exceptions,
      ...(revocations === undefined ? {} : { revocations }),
      namespace: image.namespace,
      now: now(),
      timeIsUp: this.#never,
    });
  }

  /** What is known about an image as some policies look at it. */
  evidenceOf(request: EvidenceRequest): Promise<EvidenceFor> {
    const { revocations } = this.#options;
    return this.#evidence.fresh(revocations === undefined ? request : { ...request, revocations: revocations.index });
  }

  /** The digest that a tag stands for. @throws all that RegistryClient throws */
  resolve(reference: ImageReference, access: RegistryAccess): Promise<PinnedImage> {
    return this.#evidence.resolve(reference, access);
  }

  /** One for each set of policies, so that what was verified under its trusted roots is verified once. */
  material(policies: PolicySet): PolicyMaterial {
    const known = this.#materials.get(policies) ?? new PolicyMaterial(this.#options.trustedRoot, policies.references);
    this.#materials.set(policies, known);
    return known;
  }
}
