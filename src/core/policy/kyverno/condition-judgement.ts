import type { VerifiedBundle } from '../../verify/verified-bundle.ts';
import type { SealwrightError } from '../../../errors.ts';
import type { PolicyContext } from '../policy-context.ts';
import type { AttestationRule } from './image-rule.ts';

/** Why a statement does not meet the conditions; undefined when it does. */
export function objectionTo(
  _rule: AttestationRule,
  _bundle: VerifiedBundle,
  _context: PolicyContext,
): Promise<SealwrightError | undefined> {
  return Promise.resolve(undefined);
}
