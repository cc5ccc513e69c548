import type { AnswerActions } from '../../core/policy/judgement/answer-actions.ts';
import type { ImageDecision, NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import type { ImageException } from '../../core/policy/objects/image-exception.ts';
import type { PolicyContext } from '../../core/policy/judgement/policy-context.ts';
import type { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import type { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import type { AdmissionEvidence } from './admission-evidence.ts';
import type { RegistryAccess } from './registry-access.ts';
import type { RevocationView } from './revocation-state.ts';

/** What an image of an object is judged with. */
export interface ImageAdmission {
  readonly evidence: AdmissionEvidence;
  readonly policies: PolicySet;
  /** What the policies refer to. */
  readonly material: PolicyMaterial;
  /** Asks programs in CUE and Rego. */
  readonly evaluate: PolicyContext['evaluate'];
  /** Asks expressions of Kyverno's policies. */
  readonly evaluateImagePolicy?: PolicyContext['evaluateImagePolicy'];
  /** Asks their conditions in JMESPath. */
  readonly evaluateConditions?: PolicyContext['evaluateConditions'];
  /** Puts variables into them. */
  readonly fillTemplate?: PolicyContext['fillTemplate'];
  /** With the workload's credentials. */
  readonly access: RegistryAccess;
  readonly noMatch: NoMatchAction;
  /** Answers that only warn. */
  readonly actions: AnswerActions;
  readonly object: ReviewedObject;
  /** Whether the answer may pin a tag; when it may not, a tag that needs a signature is refused. */
  readonly mayPin: boolean;
  /** What is revoked, and whether that is news; nobody is asked when absent. */
  readonly revocations?: RevocationView;
  /** Exceptions in force or ended, of every namespace, and the object's own. */
  readonly exceptions: readonly ImageException[];
  readonly namespace: string;
  readonly now: Date;
  /** Resolves when the time for an answer is up. */
  readonly timeIsUp: Promise<void>;
}

/** What the decision about an image rests on. */
export interface DecisionBasis {
  /** `last-known`: proven before, where the registry could not be asked now. */
  readonly evidence: 'none' | 'fetched' | 'remembered' | 'last-known';
  /** When the oldest of what is remembered was found. */
  readonly foundAt?: Date;
}

export interface AdmittedImage {
  readonly decision: ImageDecision;
  readonly basis: DecisionBasis;
  /** Name and digest, as far as the digest is known. */
  readonly image?: string;
  /** What to write instead, where the image was named by a tag. */
  readonly pinned?: string;
  /** What admitted the image although policies refuse it. */
  readonly exception?: ImageException;
}
