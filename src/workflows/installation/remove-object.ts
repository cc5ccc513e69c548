import type { JsonObject } from '../../core/encoding/json.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { pathOf } from '../../io/kubernetes/object-path.ts';

const NOT_FOUND = 404;

/** @returns whether there was one. @throws RemoteError */
export async function removeObject(cluster: ClusterAccess, object: JsonObject): Promise<boolean> {
  const { status } = await askCluster(cluster, {
    method: 'DELETE',
    path: `${pathOf(object)}?propagationPolicy=Background`,
    expect: [NOT_FOUND],
  });
  return status !== NOT_FOUND;
}
