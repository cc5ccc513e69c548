import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import { NotFoundError, PolicyError, RemoteError, VerificationError, type SealwrightError } from '../../errors.ts';
import { acceptedSigners, foundSigners, judgeAuthority, nearness } from './authority-judgement.ts';
import type { ClusterImagePolicy } from './cluster-image-policy.ts';
import type { ImageEvidence } from './image-evidence.ts';

/** What one policy says about one image. */
export type PolicyJudgement =
  | { readonly outcome: 'passed'; readonly policy: string; readonly authority: string; readonly signer: string }
  /** `could-not-check` is neither a pass nor a finding: it is refused, and says so. */
  | { readonly outcome: 'failed' | 'could-not-check'; readonly policy: string; readonly error: SealwrightError };

type Checked = ImageEvidence & { readonly kind: 'checked' };
type Reason = VerificationError | PolicyError;

/** What every refusal tells, whatever else it found. */
interface Remedy {
  readonly expected: string;
  readonly fix: string;
}

/**
 * One authority that is satisfied suffices; when none is, the error names every signer found and all that would do.
 *
 * @param name the image, for messages
 */
export function judgePolicy(policy: ClusterImagePolicy, name: string, evidence: ImageEvidence): PolicyJudgement {
  const signatures = evidence.kind === 'checked' ? evidence.signatures : [];
  const reasons: Reason[] = [];
  for (const authority of policy.authorities) {
    const judgement = judgeAuthority(authority, signatures);
    if (judgement.isSatisfied) {
      return { outcome: 'passed', policy: policy.name, authority: authority.name, signer: judgement.signer };
    }
    if (judgement.reason !== undefined) reasons.push(judgement.reason);
  }
  const error = refusal(policy, name, evidence, reasons);
  const outcome = error.code === 'COULD_NOT_CHECK' ? 'could-not-check' : 'failed';
  return { outcome, policy: policy.name, error };
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
  const isKeyOnly = signing.every(({ kind }) => kind === 'key');
  const fix = `sealwright sign ${isKeyOnly ? '--key cosign.key ' : ''}${name}`;
  return explain(name, evidence, reasons, { expected: acceptedSigners(policy), fix });
}

/** The most telling of the reasons: a right signer's signature that lacks something, another signer, a signature that does
 * not hold, one that cannot be read, another format, none at all. */
function explain(name: string, evidence: Checked, reasons: readonly Reason[], remedy: Remedy): SealwrightError {
  const lacking = reasons.find(
    (reason): reason is VerificationError => reason instanceof VerificationError && reason.code !== 'IDENTITY_MISMATCH',
  );
  if (lacking !== undefined) {
    return new VerificationError(lacking.code, `${name}: ${lacking.message}`, { ...remedy, ...lacking.facts });
  }
  if (evidence.signatures.length > 0) return anotherSigner(name, evidence.signatures, reasons, remedy);
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

/** The client's flags are called otherwise in a policy. */
function inPolicyWords(fix: string): string {
  return fix
    .replace(/^--certificate-identity-regexp /, 'in the policy, subjectRegExp: ')
    .replace(/^--certificate-oidc-issuer-regexp /, 'in the policy, issuerRegExp: ');
}
