import { workloadOf } from '../../core/audit/audit-entry.ts';
import { knownKeys } from '../../core/audit/audit-ages.ts';
import { comparedPolicies } from '../../core/policy/conversion/compared-policies.ts';
import { acceptingBoth, keylessOnly, keyStage } from '../../core/policy/conversion/key-migration.ts';
import { comparePolicies } from '../../core/policy/conversion/policy-difference.ts';
import { parseReference } from '../../core/image/reference.ts';
import { PolicyError, RemoteError, UsageError, type SealwrightError } from '../../errors.ts';
import { imagesOf, lostPlaces, withJudgedKeys, type JudgedKeys, type KeyedFile } from '../choices/keys-judgement.ts';
import { signResting } from '../choices/keys-signing.ts';
import { policiesInTexts } from '../choices/policy-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { printKeys, type KeyStep, type KeysReport, type MigratedImage } from '../report/keys-report.ts';
import { failUnlessDone } from '../report/signed-batch-report.ts';
import { parseAge } from '../terminal/duration.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { shellCommand } from '../terminal/shell-word.ts';

const OVERLAP = '720h';
const READABLE = 0o644;
const MAX_FIX = 3;

/** A step, and what stands against it. */
interface Planned {
  readonly step?: KeyStep;
  readonly error?: SealwrightError;
}

/**
 * What would not be verified without the keys of a policy file, and the next step to be without them. Which step that is follows from
 * what runs and from the file alone, so that whoever was interrupted begins where they were.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_BAD_CONFIG; PolicyError POLICY_DENIED where a step would keep something from being made again;
 *   RemoteError COULD_NOT_CHECK where nobody could tell; ReportedFailure with each image that could not be signed; what its parts throw
 */
export async function showKeys(context: CommandContext): Promise<void> {
  const { flags, now } = context;
  checkFlags(context);
  const path = policyFile(context);
  const identity = {
    subject: flags.required('certificate-identity'),
    issuer: flags.required('certificate-oidc-issuer'),
  };
  const overlapMs = parseAge(flags.string('overlap') ?? OVERLAP, 'overlap');
  const file: KeyedFile = { path, text: readTextFile(path), identity };
  if (keyStage(file.text, path, identity).keys.length === 0) {
    printKeys(context, { at: now(), path, identity, keys: [], verified: 0, resting: [], unknown: [] });
    return;
  }
  // What nobody could tell about keeps nothing that is known from being signed: it keeps the file as it is, below.
  const signing = flags.boolean('sign')
    ? await withJudgedKeys(context, file, (judged) => signResting(context, judged))
    : undefined;
  await withJudgedKeys(context, file, async (judged) => {
    const { step, error } = await nextStep(context, judged, overlapMs);
    printKeys(context, reportOf(now(), judged, signing, step));
    failUnlessDone((signing ?? []).map((one) => ({ reference: parseReference(one.image), ...failureOf(one) })));
    if (error !== undefined) throw error;
  });
}

function checkFlags({ flags }: CommandContext): void {
  const name = ['apply', 'sign'].find((one) => flags.boolean(one) && !flags.boolean('migrate'));
  if (name === undefined) return;
  throw new UsageError('USAGE_BAD_FLAG', `there is no step to ${name}`, { expected: `--migrate with --${name}` });
}

function policyFile({ flags }: CommandContext): string {
  const [path, ...others] = flags.list('policy');
  if (path !== undefined && others.length === 0) return path;
  throw new UsageError('USAGE_BAD_FLAG', 'the policies that name the keys are one file', {
    found: `${flags.list('policy').length} given`,
    expected: '--policy FILE',
  });
}

function reportOf(
  at: Date,
  { path, identity, before, after, keys, unknown }: JudgedKeys,
  signing: readonly MigratedImage[] | undefined,
  step: KeyStep | undefined,
): KeysReport {
  const named = new Set(keys.map(({ name }) => name));
  const policies = { source: path, digest: '', count: 0, keys };
  return {
    ...{ at, path, identity, unknown },
    // Others sign as well, whom no policy of the file asks for.
    keys: knownKeys({ policies, entries: before }).filter(({ name }) => named.has(name)),
    verified: before.filter(({ state }) => state === 'verified').length,
    resting: lostPlaces(before, after),
    ...(signing === undefined ? {} : { signing }),
    ...(step === undefined ? {} : { step }),
  };
}

function failureOf({ error }: MigratedImage): { readonly error?: SealwrightError } {
  return error === undefined ? {} : { error };
}

/** A step that is taken in the dark stops what nobody saw. */
function darkness({ unknown, before }: JudgedKeys): RemoteError | undefined {
  if (unknown.length === 0 && before.length > 0) return undefined;
  return new RemoteError('COULD_NOT_CHECK', 'nobody can tell what rests on the keys', {
    found: unknown.length === 0 ? 'nothing that runs' : `${unknown.length} unknown, the first: ${unknown[0] ?? ''}`,
    expected: 'an answer about every image that runs',
    fix: 'give the command what it lacks (credentials, leave to list), and run it again',
  });
}

async function nextStep(context: CommandContext, judged: JudgedKeys, overlapMs: number): Promise<Planned> {
  const { flags, now } = context;
  const { path, text, identity, before, after } = judged;
  const dark = darkness(judged);
  if (dark !== undefined) return { error: dark };
  if (!flags.boolean('migrate')) return {};
  const resting = lostPlaces(before, after);
  if (resting.length > 0) {
    const images = imagesOf(resting);
    const error = new PolicyError('POLICY_DENIED', 'something rests on a key alone', {
      found: `${images.length} images, the first: ${images[0] ?? ''}`,
      expected: `each of them signed by ${identity.subject}, authenticated by ${identity.issuer}`,
      fix: `${shellCommand(['sealwright', 'sign', '--keyless', ...images.slice(0, MAX_FIX)])}; or --sign here, which signs all of them with one login`,
    });
    return { step: { name: 'sign', images }, error };
  }
  const { until } = keyStage(text, path, identity);
  if (until === undefined) {
    const end = new Date(now().getTime() + overlapMs);
    return propose(context, judged, 'both', acceptingBoth(text, path, identity, end));
  }
  if (now().getTime() < until.getTime()) return { step: { name: 'wait', until } };
  return propose(context, judged, 'remove', keylessOnly(text, path, identity));
}

/** Judged before it is shown: a step that would keep something from being made again is none. */
async function propose(
  context: CommandContext,
  judged: JudgedKeys,
  name: 'both' | 'remove',
  next: string,
): Promise<Planned> {
  const { path, text, before } = judged;
  const [first, ...more] = lostPlaces(before, await judged.judge(next));
  if (first !== undefined) {
    const error = new PolicyError('POLICY_DENIED', 'the step would keep something that runs from being made again', {
      found: `${more.length + 1} places, the first: ${first.image} in ${workloadOf(first)}`,
      expected: 'everything that is verified now verified afterwards',
      fix: 'look at what else the policy asks for (spec.policy), and edit it by hand',
    });
    return { error };
  }
  const compared = async (content: string): Promise<ReturnType<typeof comparedPolicies>> =>
    comparedPolicies(
      [{ path, text: content }],
      (await policiesInTexts(context, [{ path, text: content }], [path])).policies.policies,
    );
  const differences = comparePolicies(await compared(text), await compared(next));
  const isApplied = context.flags.boolean('apply');
  if (isApplied) apply(context, judged, next);
  else context.terminal.progress('  nothing was changed: --apply writes it');
  return { step: { name, differences, policy: next, isApplied } };
}

function apply({ terminal }: CommandContext, { path, text }: JudgedKeys, next: string): void {
  // Whoever changed the file meanwhile meant something by it.
  if (readTextFile(path) !== text) {
    throw new UsageError('USAGE_FILE', `${path} was changed meanwhile`, {
      expected: 'the file that was judged',
      fix: 'run the command again',
    });
  }
  writeOutputFile(path, next, READABLE);
  terminal.progress(terminal.done(path));
}
