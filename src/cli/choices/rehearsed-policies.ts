import type { NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import type { RehearsedPolicies } from '../../workflows/admission/admission-rehearsal.ts';
import type { CommandContext } from '../grammar/command.ts';
import { NO_MATCH_ACTIONS } from '../flags/policy-flags.ts';
import type { ChosenPolicies } from './policy-choice.ts';

/** What becomes of images that no policy is about. */
export function noMatchAction({ flags }: Pick<CommandContext, 'flags'>): NoMatchAction {
  return NO_MATCH_ACTIONS.find((action) => action === flags.string('no-match')) ?? 'deny';
}

/** The policies as they are decided by, with what flags say beside them. */
export function rehearsedPolicies(
  context: Pick<CommandContext, 'flags'>,
  { policies, exceptions }: ChosenPolicies,
): RehearsedPolicies {
  return { policies, exceptions, noMatch: noMatchAction(context) };
}
