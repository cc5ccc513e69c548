import { comparedPolicies } from '../../core/policy/conversion/compared-policies.ts';
import { comparePolicies, type ComparedPolicy } from '../../core/policy/conversion/policy-difference.ts';
import { PolicyError, RemoteError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { readClusterWorkloads, type NotLookedAt } from '../../workflows/planning/cluster-workloads.ts';
import { chosenCluster } from '../choices/cluster-choice.ts';
import { chosenPolicies, policyTexts, type ChosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal, type OpenedRehearsal } from '../choices/rehearsal-choice.ts';
import { noMatchAction } from '../choices/rehearsed-policies.ts';
import { trialCases, tryCase, type TrialCase } from '../choices/trial-choice.ts';
import { workloadAccess } from '../choices/workload-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { printDifference, type DecisionChange, type DifferenceReport } from '../report/difference-report.ts';

interface Side extends ChosenPolicies {
  readonly compared: readonly ComparedPolicy[];
}

/**
 * What two sets of policies say differently, and, about the images that are named, what they decide differently.
 *
 * @throws PolicyError POLICY_DENIED for a difference that `--fail-on` names; what its parts throw
 */
export async function diff(context: CommandContext): Promise<void> {
  const { flags } = context;
  const [before = '', after = ''] = flags.arguments;
  const [was, is] = [await sideOf(context, before), await sideOf(context, after)];
  const policies = comparePolicies(was.compared, is.compared);
  const report = { policies, ...(await decisions(context, was, is)) };
  printDifference(context, report);
  gate(context, report);
}

async function sideOf(context: CommandContext, place: string): Promise<Side> {
  const chosen = await chosenPolicies(context, [place], context.flags.list('trustroot'));
  const texts = await policyTexts(context, [place]);
  return { ...chosen, compared: comparedPolicies(texts, chosen.policies.policies) };
}

type Decisions = Omit<DifferenceReport, 'policies'>;

async function decisions(context: CommandContext, was: Side, is: Side): Promise<Decisions> {
  const { flags } = context;
  const images = flags.list('image');
  const resources = flags.list('resource');
  const isCluster = flags.boolean('cluster');
  if (images.length === 0 && resources.length === 0 && !isCluster)
    return { decided: 0, decisions: [], notLookedAt: [] };
  const opened = await openRehearsal(context, [was.policies, is.policies]);
  const cluster = isCluster ? await chosenCluster(context) : undefined;
  try {
    const running = cluster === undefined ? undefined : await runningCases(context, cluster, opened);
    const cases = [...trialCases(images, resources), ...(running?.cases ?? [])];
    const noMatch = noMatchAction(context);
    const decided = await Promise.all(
      cases.map(async (each): Promise<DecisionChange> => {
        const [old, now] = await Promise.all([
          tryCase(each, { ...was, noMatch }, opened),
          tryCase(each, { ...is, noMatch }, opened),
        ]);
        return { old, now };
      }),
    );
    const unknown = decided.filter(isUnknown);
    return {
      decided: decided.length - unknown.length,
      decisions: decided.filter(({ old, now }) => old.outcome !== now.outcome),
      notLookedAt: [...(running?.notLookedAt ?? []), ...unknown.flatMap(notDecided)],
    };
  } finally {
    cluster?.http.close();
    await opened.close();
  }
}

/** Where neither could tell, they agree in nothing. */
function isUnknown({ old, now }: DecisionChange): boolean {
  return old.outcome === 'could-not-check' && now.outcome === 'could-not-check';
}

function notDecided({ now: { record, denials } }: DecisionChange): readonly NotLookedAt[] {
  return denials.slice(0, 1).map((error) => ({ what: record.resolved ?? record.image, error }));
}

async function runningCases(
  context: CommandContext,
  cluster: ClusterAccess,
  opened: OpenedRehearsal,
): Promise<{ readonly cases: readonly TrialCase[]; readonly notLookedAt: readonly NotLookedAt[] }> {
  const { workloads, notLookedAt } = await readClusterWorkloads(cluster, context.flags.list('namespace'));
  const accessOf = workloadAccess(context, cluster, opened);
  const cases = workloads.flatMap(({ kind, name, namespace, owner, object, identity, containers }) =>
    containers.map(({ text, path, running }): TrialCase => {
      const [ownerKind = 'Pod'] = owner.split(' ');
      const shown = kind === 'pod' ? 'Pod' : ownerKind;
      return {
        text: running ?? text,
        paths: [path],
        object: { kind: shown, name, namespace, reviewed: object },
        access: accessOf(namespace, identity),
      };
    }),
  );
  return { cases, notLookedAt };
}

/** A decision that lets in what was refused is looser, whatever the policies' texts say. */
function gate({ flags }: CommandContext, { policies, decisions: changed, notLookedAt }: DifferenceReport): void {
  const failOn = flags.string('fail-on') ?? 'never';
  const looser = [
    ...policies.flatMap(({ policy, changes }) =>
      changes.filter(({ effect }) => effect === 'looser').map(({ text }) => `${policy} ${text}`),
    ),
    ...changed
      .filter(
        ({ old, now }) => ['deny', 'could-not-check'].includes(old.outcome) && ['allow', 'warn'].includes(now.outcome),
      )
      .map(({ now }) => `${now.record.image} is let in`),
  ];
  const any = [
    ...looser,
    ...policies.map(({ policy, kind }) => `${policy} ${kind}`),
    ...changed.map(({ now }) => now.record.image),
  ];
  const found = failOn === 'looser' ? looser : failOn === 'any' ? any : [];
  const [first] = found;
  const [unseen] = notLookedAt;
  if (first === undefined && failOn !== 'never' && unseen !== undefined) {
    throw new RemoteError('COULD_NOT_CHECK', 'nobody can tell whether the policies decide the same', {
      found: `${notLookedAt.length} that were not looked at, the first: ${unseen.what}: ${unseen.error.code} ${unseen.error.message}`,
      expected: 'a decision about each by both',
    });
  }
  if (first === undefined) return;
  throw new PolicyError('POLICY_DENIED', failOn === 'any' ? 'the policies differ' : 'the new policies let in more', {
    found: `${found.length} differences, the first: ${first}`,
    expected: failOn === 'any' ? 'no difference' : 'nothing that is looser',
  });
}
