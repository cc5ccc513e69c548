import type { FulcioExtensionName } from '../pki/fulcio-extensions.ts';
import { matchesText, type StringMatcher } from './identity-pattern.ts';
import type { PatternFinding } from './pattern-finding.ts';
import { samplePattern } from './pattern-sample.ts';
import { plausibleTexts } from './pattern-strangers.ts';
import { parseWorkflowIdentity } from './workflow-identity.ts';

/** Extensions that say whose run it was, rather than whose workflow. */
const CALLER: readonly FulcioExtensionName[] = [
  'sourceRepositoryIdentifier',
  'sourceRepositoryUri',
  'sourceRepositoryOwnerIdentifier',
  'sourceRepositoryOwnerUri',
  'githubWorkflowRepository',
];

/** Repositories and files whose names say that others call them. */
const SHARED = /(?:^|[/_-])(?:shared?|reusable|workflows?|actions|generators?|ci-templates|\.github)(?:$|[/_.-])/;

/**
 * The subject of a run names the workflow that was called, not who called it: whoever may call it signs with its name
 * (GitHub's `job_workflow_ref`). That a workflow is there to be called shows in its name only.
 */
export function reusableWorkflow(
  subject: StringMatcher,
  bound: readonly FulcioExtensionName[],
): readonly PatternFinding[] {
  if (CALLER.some((name) => bound.includes(name))) return [];
  const texts = subject.kind === 'exact' ? [subject.value] : samplePattern(subject.source).flatMap(plausibleTexts);
  for (const text of texts) {
    const identity = parseWorkflowIdentity(text);
    if (identity === undefined || identity.isGitlab || !matchesText(subject, text)) continue;
    const file = identity.workflow.slice('.github/workflows/'.length);
    if (!SHARED.test(identity.repository) && !SHARED.test(file)) continue;
    return [
      {
        name: 'reusable-workflow',
        part: 'subject',
        pattern: subject.kind === 'exact' ? subject.value : subject.source,
        problem: 'a workflow that others call gives them its name, whatever repository they call it from',
        example: text,
        instead:
          'the calling repository beside it: the claim sourceRepositoryIdentifier, which survives renames, or sourceRepositoryUri',
      },
    ];
  }
  return [];
}
