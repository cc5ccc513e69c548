import { drillStanding, undetermined, undeterminedBy, type DrillStanding } from '../../core/audit/drill-standing.ts';
import { timeToRevoke } from '../../core/audit/time-to-revoke.ts';
import {
  DRILL_LABELS,
  REVOCATION_AUTHORITY_FILE,
  TRUST_CONFIG_MAP,
  TRUSTED_ROOT_FILE,
} from '../../core/installation/installation-options.ts';
import { parseRevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import { verifySnapshot } from '../../core/revocation/revocation-snapshot.ts';
import { freshnessOf } from '../../core/revocation/snapshot-freshness.ts';
import { parseTrustedRoot } from '../../core/trust/trusted-root.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';
import { readKeptDrill } from './kept-drill.ts';

const UNSEEN = [403, 404];

/** A CronJob that drills: with keys and volumes that nobody else has. */
export interface ScheduledDrill {
  readonly namespace: string;
  readonly name: string;
}

/** @returns undefined where there is none, or none may be looked for @throws RemoteError */
export async function scheduledDrill(cluster: ClusterAccess): Promise<ScheduledDrill | undefined> {
  const labelSelector = Object.entries(DRILL_LABELS)
    .map((label) => label.join('='))
    .join(',');
  const query = new URLSearchParams({ labelSelector, limit: '1' });
  const path = `/apis/batch/v1/cronjobs?${query.toString()}`;
  const { status, object } = await askCluster(cluster, { path, expect: UNSEEN });
  const [first] = UNSEEN.includes(status) ? [] : object.objects('items', 1);
  const metadata = first?.object('metadata');
  return metadata === undefined
    ? undefined
    : { namespace: metadata.string('namespace'), name: metadata.string('name') };
}

/**
 * What the last drill of an installation says, by whom the installation itself believes. Which members nobody believes any more stands
 * in its revocations: where they cannot be had, nobody can tell.
 *
 * @param readRevocations the snapshot from where the replicas have it
 * @throws what is nobody's failure but the program's own
 */
export async function installedDrill(
  cluster: ClusterAccess,
  namespace: string,
  readRevocations: () => Promise<string>,
  now: Date,
): Promise<DrillStanding> {
  try {
    const record = await readKeptDrill(cluster, namespace);
    if (record === undefined) return timeToRevoke(undefined, now);
    const { object } = await askCluster(cluster, { path: objectPath('ConfigMap', TRUST_CONFIG_MAP, namespace) });
    const data = object.object('data');
    const authority = parseRevocationAuthority(data.string(REVOCATION_AUTHORITY_FILE));
    const trust = { authority, trustedRoot: parseTrustedRoot(data.string(TRUSTED_ROOT_FILE)) };
    const snapshot = verifySnapshot(await readRevocations(), trust);
    if (freshnessOf(snapshot, now).state === 'stale') return undetermined('there is no news of revocations');
    return drillStanding(record, { ...trust, history: snapshot.history }, now);
  } catch (error) {
    return undeterminedBy(error);
  }
}
