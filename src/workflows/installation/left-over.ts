import type { JsonObject } from '../../core/encoding/json.ts';
import type { InstallationObjects } from '../../core/installation/installation-objects.ts';
import { certManagerSecrets } from '../../core/installation/issued-certificate-objects.ts';
import { removableObjects } from '../../core/installation/removable-objects.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { pathOf } from '../../io/kubernetes/object-path.ts';
import { configMapGrants } from './config-map-grants.ts';

/**
 * What an earlier installation has put into a cluster, and this one does not want: what looked for running copies, rights on ConfigMaps,
 * certificates of whoever renews them no more. Some of it may not be there.
 *
 * @returns in the order in which it goes
 * @throws RemoteError
 */
export async function leftOver(
  cluster: ClusterAccess,
  { workload }: InstallationObjects,
  namespace: string,
): Promise<readonly JsonObject[]> {
  const isManaged = workload.some(({ kind }) => kind === 'Certificate');
  // Not ours to make, and so not among the objects.
  const wanted = new Set([...workload, ...(isManaged ? certManagerSecrets(namespace) : [])].map(pathOf));
  const possible = [...(await configMapGrants(cluster)), ...[...removableObjects(namespace).workload].reverse()];
  return possible.filter((object) => !wanted.has(pathOf(object)));
}
