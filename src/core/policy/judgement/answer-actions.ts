import { UsageError, type SealwrightError } from '../../../errors.ts';
import type { ImageDecision } from './image-decision.ts';

/** Answers that an operator may turn from a refusal into a warning, each by itself. */
export const ANSWERS = {
  'no-signature': ['NO_SIGNATURE'],
  'unread-format': ['UNREAD_FORMAT'],
  'another-identity': ['IDENTITY_MISMATCH', 'KEY_MISMATCH'],
  revoked: ['REVOKED'],
  'could-not-check': ['COULD_NOT_CHECK'],
} as const;

export type Answer = keyof typeof ANSWERS;
export type AnswerActions = Readonly<Partial<Record<Answer, 'deny' | 'warn'>>>;

/**
 * `ANSWER=warn` or `ANSWER=deny`, one for each entry.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function answerActions(entries: readonly string[]): AnswerActions {
  const actions: Partial<Record<Answer, 'deny' | 'warn'>> = {};
  for (const entry of entries) {
    const [name = '', action = ''] = entry.split('=');
    if (!Object.hasOwn(ANSWERS, name) || (action !== 'deny' && action !== 'warn')) {
      throw new UsageError('USAGE_BAD_FLAG', 'this is not what an answer does', {
        found: entry.slice(0, 100),
        expected: `${Object.keys(ANSWERS).join(', ')}, each with =deny or =warn`,
      });
    }
    actions[name as Answer] = action;
  }
  return actions;
}

/** The decision after the operator's say: an image is admitted with a warning when every refusal of it only warns. */
export function applyAnswerActions(decision: ImageDecision, actions: AnswerActions): ImageDecision {
  const warns = ({ code }: SealwrightError): boolean =>
    (Object.keys(ANSWERS) as Answer[]).some(
      (answer) => actions[answer] === 'warn' && (ANSWERS[answer] as readonly string[]).includes(code),
    );
  const denials = decision.denials.filter((error) => !warns(error));
  if (denials.length === decision.denials.length) return decision;
  return {
    ...decision,
    action: denials.length > 0 ? 'deny' : 'warn',
    denials,
    warnings: [...decision.warnings, ...decision.denials.filter(warns)],
    isUnchecked: denials.length > 0 && denials.every(({ code }) => code === 'COULD_NOT_CHECK'),
  };
}
