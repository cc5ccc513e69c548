import { GRANT_KINDS, GRANT_LABELS } from '../../core/installation/config-map-grant.ts';
import { INSTALLATION_NAME } from '../../core/installation/installation-options.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';

const MAX_ITEMS = 1000;
const SELECTOR = encodeURIComponent(
  Object.entries(GRANT_LABELS)
    .map(([name, value]) => `${name}=${value}`)
    .join(','),
);

/**
 * The rights on ConfigMaps that installations have given, in every namespace: bindings first. They are known by their labels and how
 * they are called, so that one that is not wanted any more is found by whoever takes it back.
 *
 * @throws RemoteError
 */
export async function configMapGrants(cluster: ClusterAccess): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  for (const kind of GRANT_KINDS) {
    const { object } = await askCluster(cluster, { path: `${objectPath(kind)}?labelSelector=${SELECTOR}` });
    for (const item of object.objects('items', MAX_ITEMS)) {
      const metadata = item.object('metadata');
      const [name, namespace] = [metadata.string('name'), metadata.string('namespace')];
      if (name.startsWith(`${INSTALLATION_NAME}-`)) found.push({ kind, metadata: { name, namespace } });
    }
  }
  return found;
}
