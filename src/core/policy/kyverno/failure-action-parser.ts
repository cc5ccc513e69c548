import type { FailureAction } from './image-rule.ts';
import type { KyvernoProblems } from './kyverno-problems.ts';

/** `Enforce` or `Audit`, in the spelling of either version; undefined when it is not said. */
export function actionOf(text: string | undefined, path: string, problems: KyvernoProblems): FailureAction | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'Enforce' || text === 'enforce') return 'enforce';
  if (text !== 'Audit' && text !== 'audit') problems.invalid(path, `${text.slice(0, 50)} is neither Audit nor Enforce`);
  return 'warn';
}
