import { DRILL_CONFIG_MAP, DRILL_RECORD_FILE } from '../../core/installation/installation-options.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';

const FIELD_MANAGER = 'sealwright-drill';
const NOT_FOUND = 404;

/** The record of the last drill in a webhook's namespace. Nothing in it is verified. @returns undefined for none @throws RemoteError */
export async function readKeptDrill(cluster: ClusterAccess, namespace: string): Promise<string | undefined> {
  const path = objectPath('ConfigMap', DRILL_CONFIG_MAP, namespace);
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  return status === NOT_FOUND ? undefined : object.optionalObject('data')?.optionalString(DRILL_RECORD_FILE);
}

/**
 * Puts the record of a drill where everybody looks, in the place of the one before.
 *
 * @param record undefined asks only whether it could be done
 * @throws RemoteError
 */
export async function keepDrill(cluster: ClusterAccess, namespace: string, record: string | undefined): Promise<void> {
  const query = new URLSearchParams({ fieldManager: FIELD_MANAGER, force: 'true' });
  if (record === undefined) query.set('dryRun', 'All');
  await askCluster(cluster, {
    method: 'PATCH',
    path: `${objectPath('ConfigMap', DRILL_CONFIG_MAP, namespace)}?${query.toString()}`,
    contentType: 'application/apply-patch+yaml',
    document: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: DRILL_CONFIG_MAP, namespace },
      data: { [DRILL_RECORD_FILE]: record ?? '' },
    },
  });
}
