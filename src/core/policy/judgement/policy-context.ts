import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import type { PolicyProgram } from '../cluster-image/cluster-image-policy.ts';
import type { EvidenceDemand } from './evidence-demand.ts';
import type { EvidenceFor, PinnedImage } from './image-evidence.ts';
import type { ConditionsEvaluation, ConditionsResult, TemplateFilling } from '../kyverno/conditions-evaluation.ts';
import type { ImagePolicyEvaluation, ImagePolicyResult } from '../kyverno/image-policy-evaluation.ts';

/** What a program in CUE or Rego says about its input. */
export type ProgramVerdict = { readonly isCompliant: true } | { readonly isCompliant: false; readonly reason: string };

/** Everything that the judgement of one image rests on. */
export interface PolicyContext {
  readonly evidence: EvidenceFor;
  /**
   * Asks a program about a JSON document.
   *
   * @throws SealwrightError when it cannot be evaluated, which refuses
   */
  readonly evaluate: (program: PolicyProgram, input: string) => Promise<ProgramVerdict>;
  /** The image's configuration for each platform, `os/architecture[/variant]`. @throws SealwrightError */
  readonly configFiles: () => Promise<JsonObject>;
  /**
   * Evaluates the expressions of one of Kyverno's policies; policies that have any refuse where nobody can.
   *
   * @throws SealwrightError when they cannot be evaluated, which refuses
   */
  readonly evaluateImagePolicy?: (evaluation: ImagePolicyEvaluation) => Promise<ImagePolicyResult>;
  /**
   * Evaluates conditions in JMESPath of one of Kyverno's policies; policies that have any refuse where nobody can.
   *
   * @throws SealwrightError when they cannot be evaluated, which refuses
   */
  readonly evaluateConditions?: (evaluation: ConditionsEvaluation) => Promise<ConditionsResult>;
  /** Puts variables into a part of one of Kyverno's policies. @throws SealwrightError when they stand for nothing, which refuses */
  readonly fillTemplate?: (filling: TemplateFilling) => Promise<JsonValue>;
  /** What is known about any image of the object, as the object names it. @throws SealwrightError */
  readonly evidenceOf?: (
    text: string,
    demands: readonly EvidenceDemand[],
  ) => Promise<{ readonly image: PinnedImage; readonly evidence: EvidenceFor }>;
  readonly now?: Date;
  /** The image as the object names it. */
  readonly written?: string;
  /** The image, once its digest is known. */
  readonly image?: PinnedImage;
  /** The outermost object under review. */
  readonly object?: JsonObject;
}
