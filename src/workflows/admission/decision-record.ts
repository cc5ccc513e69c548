import type { ImageException } from '../../core/policy/objects/image-exception.ts';
import type { PolicyJudgement } from '../../core/policy/judgement/policy-judgement.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import type { AdmissionRequest } from '../../core/wire/admission-review.ts';
import { renderError, type SealwrightError } from '../../errors.ts';
import type { ReviewAdmission, ReviewDecision, ReviewedImage } from './admit-review.ts';

/** One decision as it is kept: who asked for what, what was answered, and everything that the answer rests on. */
export interface DecisionRecord {
  /** RFC 3339, UTC, with milliseconds: when the answer was given. */
  readonly at: string;
  /** The review's own, which the API server's audit log has as well. */
  readonly uid: string;
  readonly stage: ReviewAdmission['stage'];
  readonly operation: AdmissionRequest['operation'];
  readonly kind: string;
  readonly namespace: string;
  /** Empty where the API server makes the name after admission; it then begins with `generateName`. */
  readonly name: string;
  readonly generateName?: string;
  /** `Kind/name` of the controller that made the object. */
  readonly owner?: string;
  readonly user: string;
  readonly isDryRun: boolean;
  readonly decision: ReviewDecision | 'error';
  readonly latencyMs: number;
  readonly images: readonly ImageRecord[];
  /** The text of what went wrong when there is no decision. */
  readonly error?: string;
}

export interface ImageRecord {
  /** As it is written in the object. */
  readonly image: string;
  /** Name and digest, as far as the digest was known. */
  readonly resolved?: string;
  /** `spec.containers[0].image` and so on. */
  readonly paths: readonly string[];
  readonly action: 'allow' | 'warn' | 'deny';
  /** `last-known`: proven before, where the registry could not be asked. */
  readonly evidence: 'none' | 'fetched' | 'remembered' | 'last-known';
  /** RFC 3339: when the oldest of what was remembered was found. */
  readonly evidenceFoundAt?: string;
  /** What admitted it although policies refuse it. */
  readonly exception?: ExceptionRecord;
  /** Every policy that was about the image. */
  readonly policies: readonly PolicyRecord[];
  /** The error contract's texts: why it was refused, or would have been. */
  readonly denials: readonly string[];
  readonly warnings: readonly string[];
}

export interface ExceptionRecord {
  readonly kind: ImageException['kind'];
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  readonly ticket: string;
  /** RFC 3339. */
  readonly expires: string;
}

export interface PolicyRecord {
  readonly policy: string;
  readonly mode?: 'enforce' | 'warn';
  readonly hash?: string;
  readonly resourceVersion?: string;
  readonly outcome: PolicyJudgement['outcome'];
  /** What it passed by. */
  readonly authority?: string;
  readonly signer?: string;
  readonly signatures?: readonly SignatureFacts[];
  /** Why it did not pass. */
  readonly code?: string;
}

/** Where a signature can be found again. */
export interface SignatureFacts {
  readonly logOrigin?: string;
  /** Decimal. */
  readonly logIndex?: string;
  /** RFC 3339: the earliest time that somebody trusted says it existed by. */
  readonly time?: string;
}

/** What a review came to: a decision with its images, or the error that stood in its way. */
export type ReviewResult =
  | { readonly decision: ReviewDecision; readonly images: readonly ReviewedImage[] }
  | { readonly error: SealwrightError };

const MAX_OWNER_REFERENCES = 100;
const MAX_SIGNATURES = 10;

/** @param policies in force when it was decided */
export function decisionRecord(
  request: AdmissionRequest,
  result: ReviewResult,
  {
    stage,
    at,
    latencyMs,
    policies,
  }: {
    readonly stage: ReviewAdmission['stage'];
    readonly at: Date;
    readonly latencyMs: number;
    readonly policies: readonly AdmissionPolicy[];
  },
): DecisionRecord {
  const { uid, operation, kind, namespace, user, isDryRun } = request;
  return {
    at: at.toISOString(),
    uid,
    stage,
    operation,
    kind,
    namespace,
    ...objectName(request),
    user,
    isDryRun,
    latencyMs: Math.round(latencyMs * 1000) / 1000,
    ...('error' in result
      ? { decision: 'error' as const, images: [], error: renderError(result.error) }
      : { decision: result.decision, images: result.images.map((image) => imageRecord(image, policies)) }),
  };
}

/** An object that has not its shape is refused for that; nothing of it is then taken over. */
function objectName({ name, object }: AdmissionRequest): Pick<DecisionRecord, 'name' | 'generateName' | 'owner'> {
  const metadata = object?.has('metadata') === true ? object.value('metadata') : undefined;
  if (metadata === null || typeof metadata !== 'object' || !('name' in metadata || 'generateName' in metadata)) {
    return { name };
  }
  const { name: own, generateName, ownerReferences } = metadata as Readonly<Record<string, unknown>>;
  const owner = Array.isArray(ownerReferences) ? ownerText(ownerReferences.slice(0, MAX_OWNER_REFERENCES)) : undefined;
  return {
    name: name === '' && typeof own === 'string' ? own : name,
    ...(typeof generateName === 'string' && generateName !== '' ? { generateName } : {}),
    ...(owner === undefined ? {} : { owner }),
  };
}

function ownerText(references: readonly unknown[]): string | undefined {
  for (const reference of references) {
    if (reference === null || typeof reference !== 'object') continue;
    const { controller, kind, name } = reference as Readonly<Record<string, unknown>>;
    if (controller === true && typeof kind === 'string' && typeof name === 'string') return `${kind}/${name}`;
  }
  return undefined;
}

/** @param policies in force when it was decided */
export function imageRecord(
  { text, paths, image, decision, basis, exception }: ReviewedImage,
  policies: readonly AdmissionPolicy[],
): ImageRecord {
  return {
    image: text,
    ...(image === undefined ? {} : { resolved: image }),
    paths,
    action: decision.action,
    evidence: basis.evidence,
    ...(basis.foundAt === undefined ? {} : { evidenceFoundAt: basis.foundAt.toISOString() }),
    ...(exception === undefined ? {} : { exception: exceptionRecord(exception) }),
    policies: decision.judgements.map((judgement) => policyRecord(judgement, policies)),
    denials: decision.denials.map(renderError),
    warnings: decision.warnings.map(renderError),
  };
}

function exceptionRecord({ kind, name, owner, reason, ticket, expires }: ImageException): ExceptionRecord {
  return { kind, name, owner, reason, ticket, expires: expires.toISOString() };
}

function policyRecord(judgement: PolicyJudgement, policies: readonly AdmissionPolicy[]): PolicyRecord {
  const policy = policies.find(({ name }) => name === judgement.policy);
  const common = {
    policy: judgement.policy,
    ...(policy === undefined ? {} : { mode: policy.mode, ...policy.revision }),
    outcome: judgement.outcome,
  };
  if (judgement.outcome !== 'passed') return { ...common, code: judgement.error.code };
  const { authority, signer, bundles } = judgement;
  return { ...common, authority, signer, signatures: bundles.slice(0, MAX_SIGNATURES).map(signatureFacts) };
}

function signatureFacts({ logEntries, times }: VerifiedBundle): SignatureFacts {
  const [entry] = logEntries;
  const [earliest] = times.map((verified) => verified.time).sort((a, b) => a.getTime() - b.getTime());
  return {
    ...(entry === undefined ? {} : { logOrigin: entry.origin, logIndex: entry.logIndex.toString() }),
    ...(earliest === undefined ? {} : { time: earliest.toISOString() }),
  };
}
