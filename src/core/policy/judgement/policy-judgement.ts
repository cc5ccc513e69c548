import type { JsonObject } from '../../encoding/json.ts';
import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import { PolicyError, SealwrightError } from '../../../errors.ts';
import { acceptedSigners, judgeAuthority, notCompliant } from './authority-judgement.ts';
import type { AuthorityMatch } from './authority-match.ts';
import type { ClusterImagePolicy, PolicyCondition, SigningAuthority } from '../cluster-image/cluster-image-policy.ts';
import type { ImageEvidence } from './image-evidence.ts';
import type { PolicyContext } from './policy-context.ts';
import type { PolicyMaterial } from './policy-material.ts';
import { couldNotCheck, explainRefusal, isUnknown, mergeEvidence, withName } from './refusal-reason.ts';
import { authorityDemand } from './verification-demand.ts';

/** What one policy says about one image. */
export type PolicyJudgement =
  | {
      readonly outcome: 'passed';
      readonly policy: string;
      readonly authority: string;
      readonly signer: string;
      /** The signatures or attestations that it passed by. */
      readonly bundles: readonly VerifiedBundle[];
      /**
       * For policies that do not rest on their own word: what was verified about the image while they were judged, and whether
       * any of them has to have found a signature or attestation.
       */
      readonly verification?: {
        readonly isRequired: boolean;
        readonly state: 'verified' | 'failed' | 'none';
      };
    }
  /** `could-not-check` is neither a pass nor a finding: it is refused, and says so. */
  | { readonly outcome: 'failed' | 'could-not-check'; readonly policy: string; readonly error: SealwrightError };

/**
 * One authority that is satisfied suffices, with the policy's own program, if there is one, compliant with what all
 * satisfied ones have proven; when none is, the error names every signer found and all that would do.
 *
 * @param name the image, for messages
 */
export async function judgePolicy(
  policy: ClusterImagePolicy,
  name: string,
  material: PolicyMaterial,
  context: PolicyContext,
): Promise<PolicyJudgement> {
  const { condition } = policy;
  const reasons: SealwrightError[] = [];
  const passed: { readonly authority: string; readonly signer: string; readonly match: AuthorityMatch }[] = [];
  for (const authority of policy.authorities) {
    const judgement = await judgeAuthority(authority, material, context);
    if (judgement.isSatisfied) passed.push({ authority: authority.name, ...judgement });
    else if (judgement.reason !== undefined) reasons.push(judgement.reason);
    // The program gets to see them all; without one the first is enough.
    if (judgement.isSatisfied && condition === undefined) break;
  }
  const [first] = passed;
  if (first === undefined) return failed(policy, refusal(policy, name, evidenceOf(policy, context), reasons));
  const matches = passed.map(({ match }) => match);
  const objection = condition === undefined ? undefined : await judgeCondition(condition, matches, context);
  if (objection === undefined) {
    const { authority, signer, match } = first;
    return { outcome: 'passed', policy: policy.name, authority, signer, bundles: match.bundles };
  }
  const error = isUnknown(objection) ? couldNotCheck(name, objection) : withName(name, objection);
  return failed(policy, error);
}

function failed({ name }: ClusterImagePolicy, error: SealwrightError): PolicyJudgement {
  return { outcome: error.code === 'COULD_NOT_CHECK' ? 'could-not-check' : 'failed', policy: name, error };
}

/** Why the policy's own program does not admit the image; undefined when it does. */
async function judgeCondition(
  condition: PolicyCondition,
  matches: readonly AuthorityMatch[],
  context: PolicyContext,
): Promise<SealwrightError | undefined> {
  try {
    const input = await conditionInput(condition, matches, context);
    const verdict = await context.evaluate(condition.program, JSON.stringify(input));
    return verdict.isCompliant ? undefined : notCompliant('ClusterImagePolicy', verdict.reason);
  } catch (error) {
    if (error instanceof SealwrightError && error.family !== 'invariant') return error;
    throw error;
  }
}

/** Of a pod the kind is left out: the original never says it, and policies are written to that. */
async function conditionInput(
  condition: PolicyCondition,
  matches: readonly AuthorityMatch[],
  { object, configFiles }: PolicyContext,
): Promise<JsonObject> {
  const { spec, metadata, kind, apiVersion } = object ?? {};
  const hasType = typeof kind === 'string' && typeof apiVersion === 'string' && kind !== 'Pod';
  return {
    authorityMatches: Object.fromEntries(matches.map(({ name, json }) => [name, json])),
    ...(condition.fetchConfigFile ? { config: await configFiles() } : {}),
    ...(condition.includeSpec && spec !== undefined ? { spec } : {}),
    ...(condition.includeObjectMeta && metadata !== undefined ? { metadata } : {}),
    ...(condition.includeTypeMeta && hasType ? { typemeta: { kind, apiVersion } } : {}),
  };
}

/** What is known about the image by any of the policy's authorities. */
function evidenceOf({ authorities }: ClusterImagePolicy, { evidence }: PolicyContext): ImageEvidence {
  const signing = authorities.filter((authority): authority is SigningAuthority => authority.kind !== 'static');
  return mergeEvidence(signing.map((authority) => evidence(authorityDemand(authority))));
}

function refusal(
  policy: ClusterImagePolicy,
  name: string,
  evidence: ImageEvidence,
  reasons: readonly SealwrightError[],
): SealwrightError {
  const signing = policy.authorities.filter(({ kind }) => kind !== 'static');
  if (signing.length === 0) {
    return reasons[0] ?? new PolicyError('POLICY_DENIED', `policy ${policy.name} lets nothing pass`);
  }
  if (evidence.kind === 'unavailable') return couldNotCheck(name, evidence.error);
  const unknown = reasons.find(isUnknown);
  if (unknown !== undefined) return couldNotCheck(name, unknown);
  const isKeyOnly = signing.every(({ kind }) => kind === 'key');
  const fix = `sealwright sign ${isKeyOnly ? '--key cosign.key ' : ''}${name}`;
  return explainRefusal(name, evidence, reasons, { expected: acceptedSigners(policy), fix });
}
