import type { ImageReference } from '../../image/reference.ts';
import type { PolicyExceptions } from '../kyverno/policy-exception.ts';
import type { AcceptedSigner } from './accepted-signer.ts';
import type { EvidenceDemand } from './evidence-demand.ts';
import type { IdentityWidth } from './identity-width.ts';
import type { PinnedImage } from './image-evidence.ts';
import type { PolicyContext } from './policy-context.ts';
import type { PolicyJudgement } from './policy-judgement.ts';
import type { PolicyMaterial, PolicyReferences } from './policy-material.ts';
import type { PolicyRevision } from '../document/policy-revision.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';

/** Whether a policy is about an image, as far as that can be said before its tag is resolved. */
export type Coverage = 'always' | 'never' | 'depends';

/** What a policy may ask before it says whose signatures it wants. */
export type PreparationContext = Pick<PolicyContext, 'evaluateConditions' | 'fillTemplate' | 'now'>;

/** What a policy is called in Kyverno's reports. */
export interface ReportedRule {
  readonly policy: string;
  /** One of its rules; the policy's own name where it has none. */
  readonly rule: string;
  /** Whether the policy has an opinion of the object as a whole, even where none of its images is meant. */
  readonly isWhole: boolean;
}

/**
 * A policy of any kind as admission sees it: what it is about, what it wants to know, and what it says then. How a kind says
 * these things (globs, wildcards, expressions) is the kind's own.
 */
export interface AdmissionPolicy {
  /** Its kind in the API, for messages. */
  readonly kind: string;
  /** Each once among all policies in force. */
  readonly name: string;
  /** It is about objects of this namespace, and tightens what the cluster's policies say. */
  readonly namespace?: string;
  /** `warn` admits what it would refuse, and says so. */
  readonly mode: 'enforce' | 'warn';
  /** What its author should know although the policy is valid, one line each. */
  readonly warnings: readonly string[];
  /** Absent where no document stands behind the policy. */
  readonly revision?: PolicyRevision;
  /** What it refers to outside itself. */
  readonly references: PolicyReferences;
  /**
   * What makes a difference to its answer: nothing but the image's name; the image itself, once its digest is known; or its
   * signatures.
   */
  readonly interest: 'name' | 'image' | 'signatures';
  /**
   * What it wants of an image that is named by a tag: that the digest is written in its place, that it is refused, or that it
   * is left as it is, to mean another image tomorrow.
   */
  readonly tags: 'pin' | 'refuse' | 'leave';
  /** Whether it selects by labels of namespaces, which an admission review does not hold. */
  readonly asksNamespaceLabels?: boolean;
  /** The member that asks for registries without TLS, which the webhook alone may allow. */
  readonly asksPlainHttp?: string;
  /** Whom it accepts, each for some of what it is about; absent where its kind does not say. */
  readonly signers?: readonly AcceptedSigner[];
  /** Of those that are patterns, how far each reaches. */
  readonly widths?: readonly IdentityWidth[];
  /** What it asks for is known only for an object, once it is prepared. */
  readonly isOpen?: true;
  /** The evidence that it may ask for when it judges. */
  readonly demands: readonly EvidenceDemand[];
  /** The policy as it is for an object, most often itself; undefined when it is not about the object. */
  about(object: ReviewedObject): AdmissionPolicy | undefined;
  /**
   * The policy as it is once what its text leaves open is known, for the object that it was asked about; absent where nothing is open. It
   * refuses by itself whatever it is about, and so does what comes of a failure.
   */
  readonly prepare?: (context: PreparationContext) => Promise<AdmissionPolicy>;
  /** What it is called in Kyverno's reports about an object that it is about; absent for other kinds. */
  reported?(object: ReviewedObject): ReportedRule;
  /** The policy with these exceptions from it in the place of any others; absent for kinds that know none. */
  excepted?(exceptions: PolicyExceptions): AdmissionPolicy;
  /**
   * Whether it is about an image, whatever its digest turns out to be.
   *
   * @param text the image as the object names it, for kinds that compare that
   */
  coverage(reference: ImageReference, text: string): Coverage;
  covers(image: PinnedImage, text: string): boolean;
  /**
   * @param name the image, for messages
   * @returns undefined when the policy turns out not to be about the image, which only evaluating it can tell
   */
  judge(name: string, material: PolicyMaterial, context: PolicyContext): Promise<PolicyJudgement | undefined>;
}
