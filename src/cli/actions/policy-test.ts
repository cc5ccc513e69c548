import { renderError, UsageError } from '../../errors.ts';
import { chosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal } from '../choices/rehearsal-choice.ts';
import { rehearsedPolicies } from '../choices/rehearsed-policies.ts';
import { trialCases, tryCase, type TrialCase } from '../choices/trial-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { ReportedFailure } from '../terminal/failure.ts';
import { printTrials, type Trial } from '../report/trial-report.ts';

/**
 * Decides about images by the webhook's own code, and prints what came out.
 *
 * @throws the error of the image that is refused, or of them all; UsageError; FormatError FORMAT_POLICY
 */
export async function testPolicies(context: CommandContext): Promise<void> {
  const { flags } = context;
  const tests = flags.list('kyverno-test');
  if (tests.length > 0) {
    const { runKyvernoTests } = await import('./kyverno-test.ts');
    await runKyvernoTests(context, tests);
    return;
  }
  const cases = casesOf(context);
  const chosen = await chosenPolicies(context, policyPlaces(context), flags.list('trustroot'));
  const opened = await openRehearsal(context, [chosen.policies]);
  context.terminal.progress(`  trust from ${opened.trustSource}`);
  try {
    const rehearsed = rehearsedPolicies(context, chosen);
    const trials = await Promise.all(cases.map((each) => tryCase(each, rehearsed, opened)));
    printTrials(context, trials);
    failIfRefused(trials, flags.string('output') === 'policy-tester');
  } finally {
    await opened.close();
  }
}

/** @throws UsageError USAGE_BAD_FLAG */
function policyPlaces({ flags }: CommandContext): readonly string[] {
  flags.required('policy');
  return flags.list('policy');
}

/** @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError; LimitError */
function casesOf({ flags }: CommandContext): readonly TrialCase[] {
  const images = [...flags.list('image'), ...flags.arguments];
  const resources = flags.list('resource');
  if (images.length > 0 || resources.length > 0) return trialCases(images, resources);
  throw new UsageError('USAGE_BAD_FLAG', 'nothing says which images to decide about', {
    expected: 'IMAGE, --image IMAGE or --resource FILE',
    fix: 'sealwright policy test --policy policies/ --resource deployment.yaml',
  });
}

/** @throws SealwrightError or ReportedFailure */
function failIfRefused(trials: readonly Trial[], asTester: boolean): void {
  const errors = trials.flatMap(({ denials }) => denials);
  // policy-tester knows one exit code, and takes a warning for a failure that is told.
  const [first] = errors;
  if (first === undefined) return;
  if (asTester) throw new ReportedFailure(errors.map(renderError).join('\n'), 1);
  if (errors.length === 1) throw first;
  throw new ReportedFailure(errors.map(renderError).join('\n'), first.exitCode);
}
