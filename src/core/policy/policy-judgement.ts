import type { JsonObject } from '../encoding/json.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import { NotFoundError, PolicyError, RemoteError, SealwrightError, VerificationError } from '../../errors.ts';
import { acceptedSigners, foundSigners, judgeAuthority, nearness, notCompliant } from './authority-judgement.ts';
import type { AuthorityMatch } from './authority-match.ts';
import type { ClusterImagePolicy, PolicyCondition, SigningAuthority } from './cluster-image-policy.ts';
import type { CheckedEvidence, ImageEvidence } from './image-evidence.ts';
import type { PolicyContext } from './policy-context.ts';
import type { PolicyMaterial } from './policy-material.ts';
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
    }
  /** `could-not-check` is neither a pass nor a finding: it is refused, and says so. */
  | { readonly outcome: 'failed' | 'could-not-check'; readonly policy: string; readonly error: SealwrightError };

type Reason = SealwrightError;

/** What every refusal tells, whatever else it found. */
interface Remedy {
  readonly expected: string;
  readonly fix: string;
}

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
  const reasons: Reason[] = [];
  const passed: { readonly authority: string; readonly signer: string; readonly match: AuthorityMatch }[] = [];
  for (const authority of policy.authorities) {
    const judgement = await judgeAuthority(authority, material, context);
    if (judgement.isSatisfied) passed.push({ authority: authority.name, ...judgement });
    else if (judgement.reason !== undefined) reasons.push(judgement.reason);
    // The program gets to see them all; without one the first is enough.
    if (judgement.isSatisfied && condition === undefined) break;
  }
  const [first] = passed;
  if (first === undefined) return failed(policy, refusal(policy, name, mergedEvidence(policy, context), reasons));
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

/** Whether an error says nothing about the image, only that something could not be asked or evaluated in time. */
function isUnknown({ family }: SealwrightError): boolean {
  return family === 'remote' || family === 'limit' || family === 'auth';
}

function withName(name: string, error: SealwrightError): PolicyError {
  return new PolicyError(error instanceof PolicyError ? error.code : 'POLICY_EVALUATION', `${name}: ${error.message}`, {
    ...error.facts,
    cause: error,
  });
}

/** What is known about the image by any of the policy's authorities. */
function mergedEvidence({ authorities }: ClusterImagePolicy, { evidence }: PolicyContext): ImageEvidence {
  const signing = authorities.filter((authority): authority is SigningAuthority => authority.kind !== 'static');
  const all = signing.map((authority) => evidence(authorityDemand(authority)));
  const unavailable = all.find(({ kind }) => kind === 'unavailable');
  if (unavailable !== undefined) return unavailable;
  const checked = all.filter((one): one is CheckedEvidence => one.kind === 'checked');
  const distinct = <Value>(pick: (one: CheckedEvidence) => readonly Value[]): readonly Value[] => [
    ...new Set(checked.flatMap(pick)),
  ];
  return {
    kind: 'checked',
    signatures: distinct(({ signatures }) => signatures),
    attestations: distinct(({ attestations }) => attestations),
    refused: distinct(({ refused }) => refused),
    unusable: distinct(({ unusable }) => unusable),
    unreadFormats: distinct(({ unreadFormats }) => unreadFormats),
  };
}

/** @param name the image, as far as it is known */
export function couldNotCheck(name: string, cause: SealwrightError): RemoteError {
  const { found, expected, fix } = cause.facts;
  return new RemoteError('COULD_NOT_CHECK', `${name} could not be checked: ${cause.message}`, {
    found: `${cause.code}${found === undefined ? '' : `, ${found}`}`,
    ...(expected === undefined ? {} : { expected }),
    fix: fix ?? 'try again: nothing is known against the image',
    cause,
    retryable: true,
  });
}

function refusal(
  policy: ClusterImagePolicy,
  name: string,
  evidence: ImageEvidence,
  reasons: readonly Reason[],
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
  return explain(name, evidence, reasons, { expected: acceptedSigners(policy), fix });
}

/** The most telling of the reasons: a right signer's signature that lacks something, another signer, a signature that does
 * not hold, one that cannot be read, another format, none at all. */
function explain(name: string, evidence: CheckedEvidence, reasons: readonly Reason[], remedy: Remedy): SealwrightError {
  const lacking = reasons.find(
    (reason): reason is VerificationError => reason instanceof VerificationError && reason.code !== 'IDENTITY_MISMATCH',
  );
  const objection = reasons.find((reason) => !(reason instanceof VerificationError) && !isStatic(reason));
  if (objection !== undefined) return withName(name, objection);
  if (lacking !== undefined) {
    return new VerificationError(lacking.code, `${name}: ${lacking.message}`, { ...remedy, ...lacking.facts });
  }
  const revoked = evidence.refused.find(({ code }) => code === 'REVOKED');
  if (revoked !== undefined) return withName(name, revoked);
  if (evidence.signatures.length > 0) return anotherSigner(name, evidence.signatures, reasons, remedy);
  const [other] = reasons.filter((reason) => reason instanceof VerificationError);
  if (other !== undefined)
    return new VerificationError(other.code, `${name}: ${other.message}`, { ...remedy, ...other.facts });
  const [refused] = evidence.refused;
  if (refused !== undefined) return refusedSignature(name, refused, evidence.refused.length - 1, remedy);
  const [unusable] = evidence.unusable;
  if (unusable !== undefined) return couldNotCheck(name, unusable);
  if (evidence.unreadFormats.length > 0) {
    const found = evidence.unreadFormats.join(', ');
    return new VerificationError('UNREAD_FORMAT', `${name} is signed, but in no format that is read`, {
      ...remedy,
      found,
    });
  }
  return new NotFoundError('NO_SIGNATURE', `${name} has no signature`, { found: 'no signature', ...remedy });
}

function anotherSigner(
  name: string,
  signatures: readonly VerifiedBundle[],
  reasons: readonly Reason[],
  remedy: Remedy,
): VerificationError {
  const near = [...reasons].sort((a, b) => nearness(b) - nearness(a))[0]?.facts;
  return new VerificationError('IDENTITY_MISMATCH', `${name} is signed, but by nobody the policy accepts`, {
    found: foundSigners(signatures).join('; '),
    expected: remedy.expected,
    ...(near?.closest === undefined ? {} : { closest: near.closest }),
    fix: near?.fix === undefined ? remedy.fix : inPolicyWords(near.fix),
  });
}

function refusedSignature(name: string, refused: SealwrightError, others: number, remedy: Remedy): VerificationError {
  const more = others === 0 ? '' : ` (and ${others} more that do not count)`;
  const { found } = refused.facts;
  const facts = { ...(found === undefined ? {} : { found }), ...remedy, cause: refused };
  if (refused.code === 'KEY_MISMATCH') {
    return new VerificationError('KEY_MISMATCH', `${name} is signed, but by nobody the policy accepts${more}`, facts);
  }
  const code = refused instanceof VerificationError ? refused.code : 'SIGNATURE_INVALID';
  return new VerificationError(code, `the signature of ${name} does not hold: ${refused.message}${more}`, {
    ...facts,
    // What the step wanted says more than whom the policy wants.
    expected: refused.facts.expected ?? remedy.expected,
  });
}

/** A static authority's own refusal says less than what a signature lacks. */
function isStatic({ message }: SealwrightError): boolean {
  return message.startsWith('disallowed by static policy');
}

/** The client's flags are called otherwise in a policy. */
function inPolicyWords(fix: string): string {
  return fix
    .replace(/^--certificate-identity-regexp /, 'in the policy, subjectRegExp: ')
    .replace(/^--certificate-oidc-issuer-regexp /, 'in the policy, issuerRegExp: ');
}
