import { PolicyError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { RehearsedPolicies } from '../../workflows/admission/admission-rehearsal.ts';
import type { CanaryPod } from '../../workflows/revocation/canary-pod.ts';
import type { DrillParts } from '../../workflows/revocation/drill-revocation.ts';
import type { CommandContext } from '../grammar/command.ts';
import { auditedPolicies } from './audit-choice.ts';
import { openRehearsal } from './rehearsal-choice.ts';
import { rehearsedPolicies } from './rehearsed-policies.ts';
import { nothingTold } from './revocation-choice.ts';
import { sweepCluster } from './sweep-choice.ts';

/** Where a drill's canary is started, and who looks for it there. */
export interface DrillGround {
  readonly cluster: ClusterAccess;
  readonly pod: CanaryPod;
}

export interface DrillObservers {
  readonly observers: DrillParts['observers'];
  /** Whether everybody who would refuse the canary lets it pass. */
  readonly isGood: () => Promise<boolean>;
}

/**
 * Who says whether a revocation is felt: the API server itself, asked for a pod; whoever looks for running copies; and the command line,
 * which begins anew each time, trust and revocations included.
 *
 * @param canary `registry/repository@sha256:…`
 * @param ground undefined without a cluster
 * @throws UsageError USAGE_BAD_FLAG where nothing says what should apply; what reading policies throws
 */
export async function drillObservers(
  context: CommandContext,
  canary: string,
  ground: DrillGround | undefined,
): Promise<DrillObservers> {
  const { flags } = context;
  const chosen = await auditedPolicies(context, ground?.cluster);
  const isRefused = (): Promise<boolean> =>
    isRefusedByCommand(context, canary, ground, rehearsedPolicies(context, chosen));
  if (ground === undefined) return { observers: { refused: isRefused }, isGood: async () => !(await isRefused()) };
  const { pod } = ground;
  return {
    observers: {
      denied: async () => (await pod.ask()) === 'revoked',
      found: flags.boolean('watched') ? () => pod.isFoundOut() : () => isFound(context, ground),
      refused: isRefused,
    },
    isGood: async () => (await pod.ask()) === 'admitted' && !(await isRefused()),
  };
}

async function isRefusedByCommand(
  context: CommandContext,
  text: string,
  ground: DrillGround | undefined,
  rehearsed: RehearsedPolicies,
): Promise<boolean> {
  const opened = await openRehearsal(context, [rehearsed.policies], { trust: true });
  try {
    if (opened.rehearsal.revocations === undefined) throw nothingTold();
    const namespace = ground?.pod.namespace ?? '';
    const object =
      ground === undefined
        ? { group: '', version: '', resource: '', labels: new Map<string, string>() }
        : { group: '', version: 'v1', resource: 'pods', namespace, labels: ground.pod.labels };
    const { decision } = await opened.rehearsal.decide({ text, object, namespace, access: opened.access }, rehearsed);
    if (decision.denials.some(({ code }) => code === 'REVOKED')) return true;
    const [denial] = decision.denials;
    if (denial !== undefined) throw denial;
    return false;
  } finally {
    await opened.close();
  }
}

/** By the same look as `revoke watch` has, at the canary's namespace alone. */
async function isFound(context: CommandContext, { cluster, pod }: DrillGround): Promise<boolean> {
  const { sweep } = await sweepCluster(context, cluster, {
    ...{ level: 'report', isDryRun: true, perMinute: 1, forced: [] },
    namespaces: [pod.namespace],
  });
  return sweep.copies.some(({ namespace, pod: name }) => namespace === pod.namespace && name === pod.name);
}

/**
 * A canary that is refused before the drill would prove nothing by being refused in it.
 *
 * @throws PolicyError POLICY_DENIED; what asking throws
 */
export async function checkGood({ isGood }: DrillObservers, canary: string): Promise<void> {
  if (await isGood()) return;
  throw new PolicyError('POLICY_DENIED', 'the canary is revoked already', {
    found: canary,
    expected: 'an image that is good until the drill revokes it',
  });
}
