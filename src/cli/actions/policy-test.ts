import { parseManifestObjects, type ManifestObject } from '../../core/policy/manifest-objects.ts';
import { renderError, UsageError } from '../../errors.ts';
import { imageRecord } from '../../workflows/decision-record.ts';
import { chosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal } from '../choices/rehearsal-choice.ts';
import type { CommandContext } from '../command.ts';
import { ReportedFailure } from '../failure.ts';
import { NO_MATCH_ACTIONS } from '../flags/policy-flags.ts';
import { readTextFile } from '../input-file.ts';
import { printTrials, type Trial } from '../report/trial-report.ts';

/** An image, and in which object, if in any, it would be created. */
interface Case {
  readonly text: string;
  readonly paths: readonly string[];
  readonly object?: ManifestObject;
}

/** For an image that stands in no object: no `match` is about it, and no policy of a namespace. */
const NO_OBJECT = { group: '', version: '', resource: '', labels: new Map<string, string>() };

/**
 * Decides about images by the webhook's own code, and prints what came out.
 *
 * @throws the error of the image that is refused, or of them all; UsageError; FormatError FORMAT_POLICY
 */
export async function testPolicies(context: CommandContext): Promise<void> {
  const { flags } = context;
  const cases = casesOf(context);
  const { policies, exceptions } = await chosenPolicies(context, policyPlaces(context), flags.list('trustroot'));
  const noMatch = NO_MATCH_ACTIONS.find((action) => action === flags.string('no-match')) ?? 'deny';
  const opened = await openRehearsal(context, [policies]);
  const { rehearsal, access } = opened;
  context.terminal.progress(`  trust from ${opened.trustSource}`);
  try {
    const trials = await Promise.all(
      cases.map(async ({ text, paths, object }): Promise<Trial> => {
        const { reviewed = NO_OBJECT, namespace = '' } = object ?? {};
        const rehearsed = { policies, exceptions, noMatch };
        const admitted = await rehearsal.decide({ text, object: reviewed, namespace, access }, rehearsed);
        const { decision } = admitted;
        return {
          ...(object === undefined ? {} : { object: { kind: object.kind, namespace, name: object.name } }),
          outcome: decision.action === 'deny' && decision.isUnchecked ? 'could-not-check' : decision.action,
          record: imageRecord({ ...admitted, text, paths }, policies.policies),
          denials: decision.denials,
          warnings: decision.warnings,
        };
      }),
    );
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
function casesOf({ flags }: CommandContext): readonly Case[] {
  const images = [...flags.list('image'), ...flags.arguments];
  const objects = flags.list('resource').flatMap((path) => parseManifestObjects(readTextFile(path), path));
  if (flags.isGiven('resource')) {
    const cases = objects.flatMap((object): readonly Case[] =>
      images.length > 0
        ? images.map((text) => ({ text, paths: [], object }))
        : [...new Set(object.images.map(({ text }) => text))].map((text) => ({
            text,
            paths: object.images.filter((image) => image.text === text).map(({ path }) => path),
            object,
          })),
    );
    if (cases.length > 0) return cases;
    throw new UsageError('USAGE_FILE', 'the resources name no image', {
      found: flags.list('resource').join(', '),
      expected: 'a pod, or what makes pods',
    });
  }
  if (images.length > 0) return images.map((text) => ({ text, paths: [] }));
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
