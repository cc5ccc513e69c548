import type { Rung } from '../../core/audit/running-copy.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { randomBytes } from '../../core/crypto/random.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { SYSTEM_CLOCK } from '../../io/net/http-client.ts';
import { readClusterWorkloads, type ClusterWorkload } from '../../workflows/planning/cluster-workloads.ts';
import { sweepRunningCopies, type Sweep, type SweptPod } from '../../workflows/revocation/sweep-running-copies.ts';
import type { CommandContext } from '../grammar/command.ts';
import { auditedPolicies } from './audit-choice.ts';
import { systemNamespace } from './cluster-choice.ts';
import { openRehearsal } from './rehearsal-choice.ts';
import { rehearsedPolicies } from './rehearsed-policies.ts';
import { workloadAccess } from './workload-choice.ts';

/** How far to go with what is found, and where it is looked for. */
export interface SweepTerms {
  readonly level: Rung;
  readonly isDryRun: boolean;
  readonly perMinute: number;
  /** Namespaces that are touched although the cluster needs them. */
  readonly forced: readonly string[];
  /** All of them when empty. */
  readonly namespaces: readonly string[];
}

export interface SweptCluster {
  readonly sweep: Sweep;
  /** Of the revocations that were asked about; undefined where nobody tells any. */
  readonly version: number | undefined;
  /** Whether anything is revoked at all: otherwise no pod is looked at. */
  readonly isAnythingRevoked: boolean;
}

const MINUTE_MS = 60_000;
const RETRIES = 3;
const SUFFIX_BYTES = 8;
const CLUSTER_OWN = ['kube-system', 'kube-public', 'kube-node-lease'];
const NOTHING: Sweep = { pods: 0, copies: [], notLookedAt: [] };

/**
 * Looks once for pods that run what is revoked, with the policies and the revocations of now, and takes them up the ladder. The API
 * server is asked for nothing where nothing is revoked.
 *
 * @throws as `auditedPolicies` and `openRehearsal`; RemoteError when the cluster cannot be asked
 */
export async function sweepCluster(
  context: CommandContext,
  cluster: ClusterAccess,
  { level, isDryRun, perMinute, forced, namespaces }: SweepTerms,
): Promise<SweptCluster> {
  const { now } = context;
  const opened = await openRehearsal(context, [], { trust: true });
  try {
    const { revocations } = opened.rehearsal;
    const version = revocations?.version;
    if ((revocations?.index.size ?? 0) === 0) return { sweep: NOTHING, version, isAnythingRevoked: false };
    const chosen = await auditedPolicies(context, cluster);
    const { workloads, notLookedAt } = await readClusterWorkloads(cluster, namespaces);
    const accessOf = workloadAccess(context, cluster, opened);
    const pods = workloads
      .filter(({ kind }) => kind === 'pod')
      .map((pod) => sweptPod(pod, accessOf(pod.namespace, pod.identity)));
    const sweep = await sweepRunningCopies(
      pods,
      {
        cluster,
        rehearsal: opened.rehearsal,
        rehearsed: rehearsedPolicies(context, chosen),
        trustedRoot: opened.trustedRoot,
        level,
        isDryRun,
        needed: new Set([...CLUSTER_OWN, systemNamespace(context)].filter((name) => !forced.includes(name))),
        retries: RETRIES,
        pauseMs: MINUTE_MS / perMinute,
        sleep: (ms) => SYSTEM_CLOCK.sleep(ms),
        now,
        suffix: () => encodeHex(randomBytes(SUFFIX_BYTES)),
      },
      notLookedAt.map(({ what, error }) => ({ what, reason: `${error.code} ${error.message}` })),
    );
    return { sweep, version, isAnythingRevoked: true };
  } finally {
    await opened.close();
  }
}

function sweptPod(
  { name, namespace, owner, object, containers }: ClusterWorkload,
  access: SweptPod['access'],
): SweptPod {
  const metadata = object.document?.['metadata'] as { readonly uid?: string } | undefined;
  return { name, uid: metadata?.uid ?? '', namespace, owner, isRunning: true, object, access, containers };
}
