import { enforcedPolicy } from '../../core/policy/judgement/enforced-policy.ts';
import { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import { PolicyError, RemoteError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { namespaceGuard } from '../../servers/webhook/namespace-guard.ts';
import type { RehearsedPolicies } from '../../workflows/admission/admission-rehearsal.ts';
import { readClusterWorkloads, type ClusterWorkload } from '../../workflows/planning/cluster-workloads.ts';
import { SignerObservation } from '../../workflows/planning/observe-signers.ts';
import { planPolicies } from '../../workflows/planning/plan-policies.ts';
import { chosenCluster, systemNamespace } from '../choices/cluster-choice.ts';
import { clusterExceptions, clusterPolicies } from '../choices/cluster-policies.ts';
import { chosenScope } from '../choices/guard-choice.ts';
import { chosenPolicies, type ChosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal } from '../choices/rehearsal-choice.ts';
import { rehearsedPolicies } from '../choices/rehearsed-policies.ts';
import { workloadAccess } from '../choices/workload-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { planDocument, type PlanDocument } from '../report/plan-document.ts';
import { planMarkdown } from '../report/plan-markdown.ts';
import { planText } from '../report/plan-text.ts';

/**
 * Judges everything that runs as if every policy was enforced and each pod had to be made again now.
 *
 * @throws PolicyError POLICY_DENIED when anything would be refused; RemoteError COULD_NOT_CHECK when nobody could tell about
 *   something, or it was not looked at; what its parts throw
 */
export async function plan(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const cluster = await chosenCluster(context);
  try {
    const chosen = await policiesFor(context, cluster);
    const rehearsed = rehearsedBy(context, chosen);
    const opened = await openRehearsal(context, [rehearsed.policies]);
    terminal.progress(`  trust from ${opened.trustSource}`);
    try {
      const { workloads, notLookedAt } = await readClusterWorkloads(cluster, flags.list('namespace'));
      const { guarded, unguarded } = await split(context, cluster, workloads);
      const accessOf = workloadAccess(context, cluster, opened);
      const planned = await planPolicies(guarded, {
        rehearsal: opened.rehearsal,
        rehearsed,
        observation: new SignerObservation(opened.rehearsal, new PolicyMaterial(opened.trustedRoot)),
        access: ({ namespace, identity }) => accessOf(namespace, identity),
      });
      const document = planDocument({
        planned,
        notLookedAt,
        unguarded,
        policies: chosen.policies.policies,
        noMatch: rehearsed.noMatch,
        source: flags.isGiven('policy') ? flags.list('policy').join(', ') : 'the cluster',
        trustSource: opened.trustSource,
        at: now(),
      });
      print(context, document);
      gate(document);
    } finally {
      await opened.close();
    }
  } finally {
    cluster.http.close();
  }
}

async function policiesFor(context: CommandContext, cluster: ClusterAccess): Promise<ChosenPolicies> {
  const { flags } = context;
  if (!flags.isGiven('policy')) return clusterPolicies(context, cluster);
  const drafts = await chosenPolicies(context, flags.list('policy'), flags.list('trustroot'));
  return { ...drafts, exceptions: [...drafts.exceptions, ...(await clusterExceptions(context, cluster))] };
}

function rehearsedBy(context: CommandContext, { policies, exceptions }: ChosenPolicies): RehearsedPolicies {
  const enforced = new PolicySet(policies.policies.map(enforcedPolicy), policies.references);
  return rehearsedPolicies(context, { policies: enforced, exceptions });
}

/** What the webhook is not asked about is counted, and not judged. */
async function split(
  context: CommandContext,
  cluster: ClusterAccess,
  workloads: readonly ClusterWorkload[],
): Promise<{ readonly guarded: readonly ClusterWorkload[]; readonly unguarded: ReadonlyMap<string, number> }> {
  const { flags, now } = context;
  const exempt = [systemNamespace(context), ...flags.list('exempt-namespace')];
  const isGuarded = namespaceGuard({ cluster, scope: chosenScope(context, 'all'), exempt, now });
  const guarded: ClusterWorkload[] = [];
  const unguarded = new Map<string, number>();
  for (const workload of workloads) {
    if (await isGuarded(workload.namespace)) guarded.push(workload);
    else unguarded.set(workload.namespace, (unguarded.get(workload.namespace) ?? 0) + 1);
  }
  return { guarded, unguarded };
}

function print({ flags, terminal }: CommandContext, document: PlanDocument): void {
  switch (flags.string('output')) {
    case 'json':
      terminal.result(JSON.stringify(document, null, 2));
      break;
    case 'markdown':
      terminal.result(planMarkdown(document));
      break;
    default:
      for (const line of planText(document)) terminal.result(line);
  }
}

function gate({ totals, notLookedAt, noMatch }: PlanDocument): void {
  const { workloads, refused, unknown } = totals;
  const found = `${refused} of ${workloads} workloads would be refused, ${unknown} could not be checked`;
  if (refused > 0) {
    throw new PolicyError('POLICY_DENIED', 'enforcing now would keep something from being made again', {
      found,
      expected: `none of them refused (images that no policy is about: ${noMatch})`,
      fix: 'make the changes that the report names, and plan again',
    });
  }
  if (unknown > 0 || notLookedAt.length > 0) {
    throw new RemoteError('COULD_NOT_CHECK', 'nobody can tell whether enforcing would refuse something', {
      found:
        notLookedAt.length === 0 ? found : `${found}; not looked at: ${notLookedAt.map(({ what }) => what).join(', ')}`,
      expected: 'an answer about everything that runs',
      fix: 'give the command what it lacks (credentials, leave to list), and plan again',
    });
  }
}
