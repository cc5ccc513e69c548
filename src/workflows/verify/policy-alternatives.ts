import type { VerificationCheck, VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { InvariantError, SealwrightError, UsageError } from '../../errors.ts';
import { nearestReason, type SignaturePolicy } from './signature-policy.ts';

/** Told of every step that is passed, for reports. */
export type OnCheck = (check: () => VerificationCheck) => unknown;

interface Refusal {
  readonly error: SealwrightError;
  readonly passed: readonly (() => VerificationCheck)[];
}

type Attempt = Refusal | { readonly verified: VerifiedBundle; readonly passed: Refusal['passed'] };

/**
 * What verifies by the first of a policy's alternatives that lets it pass.
 *
 * @param onCheck told of the steps of the attempt that counts, and of no other
 * @throws UsageError at once; otherwise the refusal that comes nearest
 */
export async function verifyByAny(
  policies: readonly SignaturePolicy[],
  onCheck: OnCheck | undefined,
  verify: (policy: SignaturePolicy, onCheck: OnCheck) => VerifiedBundle | Promise<VerifiedBundle>,
): Promise<VerifiedBundle> {
  const refusals: Refusal[] = [];
  for (const policy of policies) {
    const attempt = await attemptBy(policy, verify);
    if ('verified' in attempt) return told(attempt, onCheck).verified;
    refusals.push(attempt);
  }
  const [first, ...more] = refusals;
  if (first === undefined) throw new InvariantError('a policy without any policy in it');
  throw told(nearestReason([first, ...more]), onCheck).error;
}

async function attemptBy(policy: SignaturePolicy, verify: Parameters<typeof verifyByAny>[2]): Promise<Attempt> {
  const passed: (() => VerificationCheck)[] = [];
  try {
    return { verified: await verify(policy, (check) => passed.push(check)), passed };
  } catch (error) {
    if (!(error instanceof SealwrightError) || error instanceof UsageError || error.family === 'invariant') throw error;
    return { error, passed };
  }
}

function told<One extends Attempt>(attempt: One, onCheck: OnCheck | undefined): One {
  if (onCheck !== undefined) for (const check of attempt.passed) onCheck(check);
  return attempt;
}
