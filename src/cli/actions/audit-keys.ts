import { digestOf, workloadOf, type AuditEntry } from '../../core/audit/audit-entry.ts';
import { comparedPolicies } from '../../core/policy/conversion/compared-policies.ts';
import {
  acceptingBoth,
  keylessOnly,
  keyStage,
  type KeylessIdentity,
} from '../../core/policy/conversion/key-migration.ts';
import { comparePolicies } from '../../core/policy/conversion/policy-difference.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { PolicyError, RemoteError, UsageError } from '../../errors.ts';
import { auditWorkloads } from '../../workflows/audit/audit-workloads.ts';
import { SignerObservation } from '../../workflows/planning/observe-signers.ts';
import { auditedThings, isClusterLess, type AuditedThings } from '../choices/audit-choice.ts';
import { chosenCluster } from '../choices/cluster-choice.ts';
import { clusterExceptions } from '../choices/cluster-policies.ts';
import { policiesInTexts, policyTexts, type ChosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal, type OpenedRehearsal } from '../choices/rehearsal-choice.ts';
import { rehearsedPolicies } from '../choices/rehearsed-policies.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { differenceLines } from '../report/difference-report.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import { visibleText } from '../terminal/visible-text.ts';

const OVERLAP = '720h';
const READABLE = 0o644;
const MAX_NAMED = 20;

interface Judged {
  readonly path: string;
  readonly text: string;
  readonly identity: KeylessIdentity;
  readonly before: readonly AuditEntry[];
  /** What would be left if no key counted. */
  readonly after: readonly AuditEntry[];
  readonly judge: (text: string) => Promise<readonly AuditEntry[]>;
}

/**
 * What would not be verified without the keys of a policy file, and the next step to be without them. Which step that is follows from
 * what runs and from the file alone, so that whoever was interrupted begins where they were.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_BAD_CONFIG; PolicyError POLICY_DENIED where a step would keep something from being made again;
 *   RemoteError COULD_NOT_CHECK where nobody could tell; what its parts throw
 */
export async function showKeys(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const [path, ...others] = flags.list('policy');
  if (path === undefined || others.length > 0) {
    throw new UsageError('USAGE_BAD_FLAG', 'the policies that name the keys are one file', {
      found: `${flags.list('policy').length} given`,
      expected: '--policy FILE',
    });
  }
  if (flags.boolean('apply') && !flags.boolean('migrate')) {
    throw new UsageError('USAGE_BAD_FLAG', 'there is no step to apply', { expected: '--migrate with --apply' });
  }
  const identity = {
    subject: flags.required('certificate-identity'),
    issuer: flags.required('certificate-oidc-issuer'),
  };
  const overlapMs = parseAge(flags.string('overlap') ?? OVERLAP, 'overlap');
  const text = readTextFile(path);
  const { keys } = keyStage(text, path, identity);
  for (const key of keys) terminal.result(visibleText(`long-lived: ${key}`));
  if (keys.length === 0) {
    terminal.result(visibleText(`no policy of ${path} names a key`));
    return;
  }
  await withJudge(context, { path, text, identity }, async (judged) => {
    tellRest(context, judged);
    if (flags.boolean('migrate')) await nextStep(context, judged, overlapMs);
  });
}

async function withJudge(
  context: CommandContext,
  { path, text, identity }: Pick<Judged, 'path' | 'text' | 'identity'>,
  use: (judged: Judged) => Promise<void>,
): Promise<void> {
  const { flags } = context;
  const cluster = isClusterLess(context, flags.arguments) ? undefined : await chosenCluster(context);
  try {
    const exceptions = cluster === undefined ? [] : await clusterExceptions(context, cluster);
    const chosenIn = async (policies: string): Promise<ChosenPolicies> => {
      const besides = await policyTexts(context, flags.list('trustroot'));
      const chosen = await policiesInTexts(context, [{ path, text: policies }, ...besides], [path]);
      return { ...chosen, exceptions: [...chosen.exceptions, ...exceptions] };
    };
    const [now, then] = [await chosenIn(text), await chosenIn(keylessOnly(text, path, identity))];
    const opened = await openRehearsal(context, [now.policies, then.policies], { trust: true });
    context.terminal.progress(`  trust from ${opened.trustSource}`);
    try {
      const things = await auditedThings(context, cluster, opened, flags.arguments);
      const judge = (chosen: ChosenPolicies): Promise<readonly AuditEntry[]> => audit(context, things, chosen, opened);
      const [before, after] = [await judge(now), await judge(then)];
      checkAllKnown(things, [...before, ...after]);
      await use({ path, text, identity, before, after, judge: async (policies) => judge(await chosenIn(policies)) });
    } finally {
      await opened.close();
    }
  } finally {
    cluster?.http.close();
  }
}

function audit(
  context: CommandContext,
  { workloads }: AuditedThings,
  chosen: ChosenPolicies,
  { rehearsal, trustedRoot }: OpenedRehearsal,
): Promise<readonly AuditEntry[]> {
  return auditWorkloads(workloads, {
    rehearsal,
    rehearsed: rehearsedPolicies(context, chosen),
    observation: new SignerObservation(rehearsal, new PolicyMaterial(trustedRoot)),
  });
}

/** A step that is taken in the dark stops what nobody saw. */
function checkAllKnown({ notLookedAt }: AuditedThings, entries: readonly AuditEntry[]): void {
  const unknown = [
    ...notLookedAt.map(({ what, error }) => `${what}: ${error.code}`),
    ...entries.filter(({ state }) => state === 'undetermined').map(({ image, code }) => `${image}: ${code ?? ''}`),
  ];
  if (unknown.length === 0 && entries.length > 0) return;
  throw new RemoteError('COULD_NOT_CHECK', 'nobody can tell what rests on the keys', {
    found: unknown.length === 0 ? 'nothing that runs' : `${unknown.length} unknown, the first: ${unknown[0] ?? ''}`,
    expected: 'an answer about every image that runs',
    fix: 'give the command what it lacks (credentials, leave to list), and run it again',
  });
}

/** Verified now, and not any more by other policies. */
function lost(before: readonly AuditEntry[], after: readonly AuditEntry[]): readonly AuditEntry[] {
  const placeOf = ({ namespace, owner, path, image }: AuditEntry): string =>
    JSON.stringify([namespace, owner, path, image]);
  const kept = new Set(after.filter(({ state }) => state === 'verified').map(placeOf));
  return before.filter((entry) => entry.state === 'verified' && !kept.has(placeOf(entry)));
}

function tellRest({ terminal }: CommandContext, { before, after }: Judged): void {
  const verified = before.filter(({ state }) => state === 'verified');
  const resting = lost(before, after);
  terminal.result(`${resting.length} of ${verified.length} verified places rest on a key alone`);
  for (const entry of resting.slice(0, MAX_NAMED)) {
    terminal.result(visibleText(`  ${entry.image}  ${workloadOf(entry)} ${entry.path}`));
  }
  if (resting.length > MAX_NAMED) terminal.result(`  and ${resting.length - MAX_NAMED} more`);
}

async function nextStep(context: CommandContext, judged: Judged, overlapMs: number): Promise<void> {
  const { terminal, now } = context;
  const { path, text, identity, before, after } = judged;
  const resting = lost(before, after);
  if (resting.length > 0) {
    const images = [...new Map(resting.map((entry) => [digestOf(entry) ?? entry.image, entry.image])).values()];
    terminal.result('step 1 of 3: sign by the identity what rests on a key alone; nothing else changes');
    terminal.result(visibleText(`  ${shellCommand(['sealwright', 'sign', '--keyless', ...images])}`));
    throw new PolicyError('POLICY_DENIED', 'something rests on a key alone', {
      found: `${images.length} images, the first: ${images[0] ?? ''}`,
      expected: `each of them signed by ${identity.subject}, authenticated by ${identity.issuer}`,
      fix: shellCommand(['sealwright', 'sign', '--keyless', ...images.slice(0, 3)]),
    });
  }
  const { until } = keyStage(text, path, identity);
  if (until === undefined) {
    terminal.result('step 2 of 3: accept both, until the keys end');
    await propose(context, judged, acceptingBoth(text, path, identity, new Date(now().getTime() + overlapMs)));
  } else if (now().getTime() < until.getTime()) {
    terminal.result(`both may sign until ${until.toISOString()}; then the keys can be taken away`);
  } else {
    terminal.result('step 3 of 3: take the keys away');
    await propose(context, judged, keylessOnly(text, path, identity));
  }
}

/** Judged before it is shown: a step that would keep something from being made again is none. */
async function propose(context: CommandContext, judged: Judged, next: string): Promise<void> {
  const { flags, terminal } = context;
  const { path, text, before } = judged;
  const [first, ...more] = lost(before, await judged.judge(next));
  if (first !== undefined) {
    throw new PolicyError('POLICY_DENIED', 'the step would keep something that runs from being made again', {
      found: `${more.length + 1} places, the first: ${first.image} in ${workloadOf(first)}`,
      expected: 'everything that is verified now verified afterwards',
      fix: 'look at what else the policy asks for (spec.policy), and edit it by hand',
    });
  }
  const compared = async (content: string): Promise<ReturnType<typeof comparedPolicies>> =>
    comparedPolicies(
      [{ path, text: content }],
      (await policiesInTexts(context, [{ path, text: content }], [path])).policies.policies,
    );
  const policies = comparePolicies(await compared(text), await compared(next));
  for (const line of differenceLines({ policies, decided: 0, decisions: [], notLookedAt: [] })) {
    terminal.result(visibleText(line));
  }
  if (!flags.boolean('apply')) {
    terminal.result(next.trimEnd());
    terminal.progress('  nothing was changed: --apply writes it');
    return;
  }
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
