import { CONFIGURATION_NAME, INSTALLATION_LABELS } from '../../core/installation/installation-options.ts';
import type { InstallationObjects } from '../../core/installation/installation-objects.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { IntegrityError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath, pathOf } from '../../io/kubernetes/object-path.ts';
import { configMapGrants } from './config-map-grants.ts';
import { labelOf } from './install-webhook.ts';
import { removeObject } from './remove-object.ts';

export interface RemovalOrder {
  readonly cluster: ClusterAccess;
  readonly objects: InstallationObjects;
  /** Whether the policies, their definitions and the namespace go as well. */
  readonly purge: boolean;
  /** Told of each object that was there and is removed. */
  readonly report: (object: string) => void;
}

const CONFIGURATION_KINDS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;
const NOT_FOUND = 404;
const MAX_CONFIGURATIONS = 1000;
const LABEL_SELECTOR = Object.entries(INSTALLATION_LABELS)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

/**
 * Takes the webhook out of a cluster. The API server stops asking first, and whether it has is looked at before anything that
 * answers is removed: so no webhook is left behind that nobody answers, wherever this is interrupted.
 *
 * Policies stay unless they are to go as well, and so does the namespace, which holds the keys they refer to.
 *
 * @throws IntegrityError STATE_CONFLICT when a configuration comes back; RemoteError
 */
export async function uninstallWebhook(order: RemovalOrder): Promise<void> {
  const { objects, purge } = order;
  for (const kind of CONFIGURATION_KINDS) {
    for (const name of await configurationNames(order.cluster, kind)) await removeConfiguration(order, kind, name);
  }
  for (const object of await configMapGrants(order.cluster)) await remove(order, object);
  for (const object of [...objects.workload].reverse()) await remove(order, object);
  if (!purge) return;
  for (const object of objects.definitions) await remove(order, object);
  await remove(order, objects.namespace);
}

/** The one by name, and any other that says it is ours. */
async function configurationNames(cluster: ClusterAccess, kind: string): Promise<readonly string[]> {
  const path = `${objectPath(kind)}?labelSelector=${encodeURIComponent(LABEL_SELECTOR)}`;
  const { object } = await askCluster(cluster, { path });
  const labelled = object.objects('items', MAX_CONFIGURATIONS).map((item) => item.object('metadata').string('name'));
  return [...new Set([CONFIGURATION_NAME, ...labelled])];
}

async function removeConfiguration(order: RemovalOrder, kind: string, name: string): Promise<void> {
  const configuration = { kind, metadata: { name } };
  await remove(order, configuration);
  const { status } = await askCluster(order.cluster, { path: pathOf(configuration), expect: [NOT_FOUND] });
  if (status === NOT_FOUND) return;
  throw new IntegrityError('STATE_CONFLICT', 'the API server still asks the webhook, so it was left running', {
    found: `${kind} ${name}, there again or with a finalizer`,
    expected: 'none',
    fix: `kubectl delete ${kind.toLowerCase()} ${name}`,
  });
}

async function remove({ cluster, report }: RemovalOrder, object: JsonObject): Promise<void> {
  if (await removeObject(cluster, object)) report(labelOf(object));
}
