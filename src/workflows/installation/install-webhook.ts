import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import { ISSUED_SECRET } from '../../core/installation/issued-certificate-objects.ts';
import { CERTIFICATE_SECRET, INSTALLATION_NAME } from '../../core/installation/installation-options.ts';
import type { InstallationObjects } from '../../core/installation/installation-objects.ts';
import { NotFoundError, RemoteError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath, pathOf } from '../../io/kubernetes/object-path.ts';
import { leftOver } from './left-over.ts';
import { removeObject } from './remove-object.ts';

export interface InstallationOrder {
  readonly cluster: ClusterAccess;
  readonly objects: InstallationObjects;
  readonly namespace: string;
  readonly sleep: (ms: number) => Promise<void>;
  /** How long the first replica may take. */
  readonly waitMs: number;
  /** Told of each object that is in place: `Deployment cosign-system/sealwright-webhook`. */
  readonly report: (object: string) => void;
}

const FIELD_MANAGER = 'sealwright';
const POLL_MS = 500;
const MAX_CONDITIONS = 100;
const NOT_FOUND = 404;
const MANAGED_DEFINITION = 'certificates.cert-manager.io';

/**
 * Puts the webhook into a cluster, or brings what is there up to date. The API server is told last, when a replica is ready and
 * its authority is known: an installation that stops half-way keeps nothing from running. What an earlier one had and this one does
 * not want goes at the end, when nothing uses it.
 *
 * @throws NotFoundError without cert-manager where it is to renew the certificate; RemoteError REMOTE_STATUS for what the API server refuses, REMOTE_TIMEOUT when no replica becomes ready
 */
export async function installWebhook(order: InstallationOrder): Promise<void> {
  const { objects, waitMs } = order;
  if (isManaged(objects)) await requireCertManager(order);
  await apply(order, objects.namespace);
  for (const object of objects.definitions) await apply(order, object);
  for (const object of objects.definitions) {
    await until(order, waitMs, `${labelOf(object)} established`, async () => {
      const { object: found } = await askCluster(order.cluster, { path: pathOf(object) });
      return holds(found, 'Established');
    });
  }
  for (const object of objects.workload) await apply(order, object);
  const deployment = objectPath('Deployment', INSTALLATION_NAME, order.namespace);
  await until(order, waitMs, 'a replica of the webhook ready', async () => {
    const { object } = await askCluster(order.cluster, { path: deployment });
    return isRolledOut(object);
  });
  const bundle = await authorityBundle(order);
  for (const object of objects.configurations) await replace(order, withBundle(object, bundle));
  for (const object of await leftOver(order.cluster, objects, order.namespace)) {
    if (await removeObject(order.cluster, object)) order.report(`${labelOf(object)} removed`);
  }
}

/** Server-side apply: members that others write, such as a renewed `caBundle`, are theirs. */
async function apply({ cluster, report }: InstallationOrder, object: JsonObject): Promise<void> {
  await askCluster(cluster, {
    method: 'PATCH',
    path: `${pathOf(object)}?fieldManager=${FIELD_MANAGER}&force=true&fieldValidation=Strict`,
    contentType: 'application/apply-patch+yaml',
    document: object,
  });
  report(labelOf(object));
}

/**
 * Writes a configuration whole: a rule, selector or condition that somebody put beside ours would stay, and could keep the API
 * server from asking. Owners stay, so that it goes with its namespace.
 */
async function replace({ cluster, report }: InstallationOrder, configuration: JsonObject): Promise<void> {
  const path = pathOf(configuration);
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  if (status === NOT_FOUND) {
    await askCluster(cluster, { method: 'POST', path: path.slice(0, path.lastIndexOf('/')), document: configuration });
  } else {
    const known = object.object('metadata');
    const metadata: JsonObject = {
      ...(configuration['metadata'] as JsonObject),
      resourceVersion: known.string('resourceVersion'),
      ownerReferences: known.value('ownerReferences') ?? [],
    };
    await askCluster(cluster, { method: 'PUT', path, document: { ...configuration, metadata } });
  }
  report(labelOf(configuration));
}

/** A replica of what was applied just now: one of an older generation says nothing about it. */
function isRolledOut(deployment: JsonFields): boolean {
  const status = deployment.optionalObject('status');
  const generation = deployment.object('metadata').optionalInteger('generation') ?? 0;
  const isSeen = (status?.optionalInteger('observedGeneration') ?? 0) >= generation;
  const available = status?.optionalInteger('availableReplicas') ?? 0;
  return isSeen && available > 0 && (status?.optionalInteger('updatedReplicas') ?? 0) > 0;
}

function isManaged({ workload }: InstallationObjects): boolean {
  return workload.some(({ kind }) => kind === 'Certificate');
}

/** Asked before anything is changed. */
async function requireCertManager({ cluster }: InstallationOrder): Promise<void> {
  const path = objectPath('CustomResourceDefinition', MANAGED_DEFINITION);
  const { status } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  if (status !== NOT_FOUND) return;
  throw new NotFoundError('NOT_FOUND', 'the cluster has no cert-manager', {
    found: `no definition ${MANAGED_DEFINITION}`,
    expected: 'cert-manager, which is to renew the certificate',
    fix: 'install cert-manager first, or leave out --cert-manager: the replicas then renew their certificate themselves',
  });
}

/** Base64 of the authorities that the replicas, or cert-manager, have put into the Secret. */
async function authorityBundle({ cluster, namespace, objects }: InstallationOrder): Promise<string> {
  const name = isManaged(objects) ? ISSUED_SECRET : CERTIFICATE_SECRET;
  const path = objectPath('Secret', name, namespace);
  const { object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  const bundle = object.optionalObject('data')?.optionalString('ca.crt') ?? '';
  if (bundle !== '') return bundle;
  throw new RemoteError('REMOTE_BODY', 'the replicas have no serving certificate', {
    found: `no ca.crt in the Secret ${namespace}/${name}`,
    expected: 'the authority that the API server is to believe',
    fix: isManaged(objects)
      ? `kubectl -n ${namespace} describe certificate ${INSTALLATION_NAME}`
      : `kubectl -n ${namespace} logs deployment/${INSTALLATION_NAME}`,
  });
}

function withBundle(configuration: JsonObject, bundle: string): JsonObject {
  const webhooks = configuration['webhooks'] as readonly JsonObject[];
  const told = webhooks.map((webhook): JsonValue => {
    const client = webhook['clientConfig'] as JsonObject;
    return { ...webhook, clientConfig: { ...client, caBundle: bundle } };
  });
  return { ...configuration, webhooks: told };
}

function holds(object: JsonFields, type: string): boolean {
  const conditions = object.optionalObject('status')?.objects('conditions', MAX_CONDITIONS) ?? [];
  return conditions.some((one) => one.optionalString('type') === type && one.optionalString('status') === 'True');
}

async function until(
  { sleep, namespace }: InstallationOrder,
  waitMs: number,
  what: string,
  isSo: () => Promise<boolean>,
): Promise<void> {
  for (let waited = 0; ; waited += POLL_MS) {
    if (await isSo()) return;
    if (waited >= waitMs) break;
    await sleep(POLL_MS);
  }
  throw new RemoteError('REMOTE_TIMEOUT', 'the webhook did not come up, and the API server was not told of it', {
    found: `not within ${Math.round(waitMs / 1000)} s`,
    expected: what,
    fix: `kubectl -n ${namespace} describe pods -l app.kubernetes.io/name=sealwright`,
    retryable: true,
  });
}

/** As people call an object. */
export function labelOf(object: JsonObject): string {
  const { name, namespace } = object['metadata'] as { readonly name: string; readonly namespace?: string };
  return `${object['kind'] as string} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
