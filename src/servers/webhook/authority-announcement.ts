import { encodeBase64 } from '../../core/encoding/base64.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';

const KINDS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;
const MAX_WEBHOOKS = 100;
const NOT_FOUND = 404;
/** Somebody else wrote at the same time: the next round sees what became of it. */
const CONFLICTS = [409, 422];
const JSON_PATCH = 'application/json-patch+json';

export interface Announcement {
  readonly cluster: ClusterAccess;
  /** Name of both configurations. */
  readonly configuration: string;
  /** The installation's namespace: with it the configurations go, so that none is left behind that nobody answers. */
  readonly namespace: string;
  /** PEM of the authorities that the API server is to believe. */
  readonly bundle: string;
}

/**
 * Writes the authorities into every webhook of the configurations, where they are not yet, and the namespace as the owner.
 *
 * @returns whether every configuration carried them already, so that API servers have had the time since the last call to hear of
 *   it; a configuration that does not exist asks nobody, and has nothing to learn
 * @throws RemoteError
 */
export async function announceAuthorities(announcement: Announcement): Promise<boolean> {
  const told = await Promise.all(KINDS.map((kind) => announceIn(kind, announcement)));
  return told.every(Boolean);
}

async function announceIn(kind: string, announcement: Announcement): Promise<boolean> {
  const { cluster, configuration } = announcement;
  const path = objectPath(kind, configuration);
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  if (status === NOT_FOUND) return true;
  const changes = await changesOf(object, announcement);
  if (changes.length === 0) return true;
  const version = object.object('metadata').string('resourceVersion');
  await askCluster(cluster, {
    method: 'PATCH',
    path,
    contentType: JSON_PATCH,
    document: [{ op: 'test', path: '/metadata/resourceVersion', value: version }, ...changes],
    expect: CONFLICTS,
  });
  return false;
}

async function changesOf(
  object: JsonFields,
  { cluster, namespace, bundle }: Announcement,
): Promise<readonly JsonObject[]> {
  const wanted = encodeBase64(utf8(bundle));
  const changes = object.objects('webhooks', MAX_WEBHOOKS).flatMap((webhook, index): JsonObject[] => {
    const client = webhook.optionalObject('clientConfig');
    if (client === undefined || client.optionalString('caBundle') === wanted) return [];
    return [{ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: wanted }];
  });
  if (object.object('metadata').has('ownerReferences')) return changes;
  const owner = await askCluster(cluster, { path: objectPath('Namespace', namespace), expect: [NOT_FOUND] });
  if (owner.status === NOT_FOUND) return changes;
  const reference: JsonValue = {
    apiVersion: 'v1',
    kind: 'Namespace',
    name: namespace,
    uid: owner.object.object('metadata').string('uid'),
  };
  return [...changes, { op: 'add', path: '/metadata/ownerReferences', value: [reference] }];
}
