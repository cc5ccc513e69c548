import { parseBase64 } from '../core/encoding/base64.ts';
import type { JsonFields } from '../core/encoding/json-fields.ts';
import { parseUtf8 } from '../core/encoding/utf8.ts';
import { configurationGaps } from '../core/installation/configuration-gaps.ts';
import {
  CONFIGURATION_NAME,
  INSTALLATION_LABELS,
  INSTALLATION_NAME,
} from '../core/installation/installation-options.ts';
import { Certificate } from '../core/pki/certificate.ts';
import { SealwrightError } from '../errors.ts';
import type { ClusterAccess } from '../io/kubernetes/cluster-access.ts';
import { askCluster } from '../io/kubernetes/cluster-request.ts';
import { objectPath } from '../io/kubernetes/object-path.ts';

/** One thing that is not as it should be, and the command that mends it. */
export interface StatusProblem {
  readonly text: string;
  readonly fix: string;
}

/** One webhook that the API server asks. */
export interface AskedWebhook {
  /** `MutatingWebhookConfiguration sealwright`. */
  readonly configuration: string;
  readonly name: string;
  readonly isOurs: boolean;
  readonly failurePolicy: string;
  /** Where it asks: `cosign-system/sealwright-webhook`, or a URL. */
  readonly target: string;
  /** Of a Service: pods that answer. Undefined for a URL. */
  readonly readyEndpoints?: number;
}

export interface WebhookStatus {
  readonly readyReplicas: number;
  readonly wantedReplicas: number;
  readonly webhooks: readonly AskedWebhook[];
  /** Empty when all is well. */
  readonly problems: readonly StatusProblem[];
}

const KINDS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;
const NOT_FOUND = 404;
const MAX_ITEMS = 1000;
const MAX_PORTS = 1000;

/**
 * What the cluster has of the webhook, and what is wrong with it. Looks at every webhook that the API server asks, ours or not: one
 * whose Service has gone refuses requests or lets them through unseen, and nobody is left who would say so.
 *
 * @throws RemoteError
 */
export async function webhookStatus(cluster: ClusterAccess, namespace: string, now: Date): Promise<WebhookStatus> {
  const problems: StatusProblem[] = [];
  const webhooks: AskedWebhook[] = [];
  for (const kind of KINDS) {
    const { object } = await askCluster(cluster, { path: objectPath(kind) });
    for (const item of object.objects('items', MAX_ITEMS)) {
      webhooks.push(...(await readConfiguration({ cluster, kind, namespace, now, problems }, item)));
    }
  }
  const replicas = await readReplicas(cluster, namespace);
  const isTold = webhooks.some(({ isOurs }) => isOurs);
  const isThere = replicas !== undefined;
  if (isThere && !isTold) {
    problems.push({
      text: 'the webhook runs, and the API server does not ask it: every image is admitted',
      fix: 'sealwright webhook install',
    });
  }
  const { ready, wanted } = replicas ?? { ready: 0, wanted: 0 };
  if (isThere && ready < wanted) {
    problems.push({
      text: `${ready} of ${wanted} replicas are ready`,
      fix: `kubectl -n ${namespace} describe pods -l app.kubernetes.io/name=${INSTALLATION_LABELS['app.kubernetes.io/name']}`,
    });
  }
  return { readyReplicas: ready, wantedReplicas: wanted, webhooks, problems };
}

interface Reading {
  readonly cluster: ClusterAccess;
  readonly kind: string;
  readonly namespace: string;
  readonly now: Date;
  readonly problems: StatusProblem[];
}

async function readConfiguration(reading: Reading, item: JsonFields): Promise<readonly AskedWebhook[]> {
  const { kind, problems } = reading;
  const metadata = item.object('metadata');
  const configuration = metadata.string('name');
  const labels = metadata.optionalObject('labels');
  const isOurs =
    configuration === CONFIGURATION_NAME ||
    Object.entries(INSTALLATION_LABELS).every(([name, value]) => labels?.optionalString(name) === value);
  const removal = isOurs ? 'sealwright webhook uninstall' : `kubectl delete ${kind.toLowerCase()} ${configuration}`;
  const webhooks: AskedWebhook[] = [];
  for (const webhook of item.objects('webhooks', MAX_ITEMS)) {
    const client = webhook.object('clientConfig');
    const common = {
      configuration: `${kind} ${configuration}`,
      name: webhook.string('name'),
      isOurs,
      failurePolicy: webhook.optionalString('failurePolicy') ?? 'Fail',
    };
    const effect =
      common.failurePolicy === 'Fail' ? 'refuses what it is asked about' : 'lets everything through unseen';
    if (isOurs && common.name.includes('.images.')) {
      const gaps = configurationGaps(webhook, kind);
      problems.push(...gaps.map((gap) => ({ text: `${common.name} ${gap}`, fix: 'sealwright webhook install' })));
    }
    if (isOurs) problems.push(...bundleProblems(common.name, reading.namespace, client, reading.now));
    const service = client.optionalObject('service');
    if (service === undefined) {
      webhooks.push({ ...common, target: client.optionalString('url') ?? '' });
      continue;
    }
    const [namespace, name] = [service.string('namespace'), service.string('name')];
    const readyEndpoints = await countEndpoints(reading.cluster, namespace, name);
    webhooks.push({ ...common, target: `${namespace}/${name}`, readyEndpoints: readyEndpoints ?? 0 });
    if (readyEndpoints === undefined) {
      problems.push({
        text: `${common.configuration} (${common.name}) asks the Service ${namespace}/${name}, which does not exist, and ${effect}`,
        fix: removal,
      });
    } else if (readyEndpoints === 0) {
      problems.push({
        text: `${common.configuration} (${common.name}) asks ${namespace}/${name}, where no pod is ready, and ${effect}`,
        fix: isOurs ? `kubectl -n ${namespace} rollout restart deployment/${INSTALLATION_NAME}` : removal,
      });
    }
  }
  return webhooks;
}

/** @returns undefined when the Service does not exist */
async function countEndpoints(cluster: ClusterAccess, namespace: string, name: string): Promise<number | undefined> {
  const { status, object } = await askCluster(cluster, {
    path: objectPath('Service', name, namespace),
    expect: [NOT_FOUND],
  });
  if (status === NOT_FOUND) return undefined;
  // A name outside the cluster has no endpoints: whether it answers cannot be seen from here.
  if (object.object('spec').optionalString('type') === 'ExternalName') return 1;
  const selector = encodeURIComponent(`kubernetes.io/service-name=${name}`);
  const slices = await askCluster(cluster, {
    path: `${objectPath('EndpointSlice', undefined, namespace)}?labelSelector=${selector}`,
  });
  return slices.object
    .objects('items', MAX_ITEMS)
    .flatMap((slice) => slice.objects('endpoints', MAX_PORTS))
    .filter((endpoint) => endpoint.optionalObject('conditions')?.optionalBoolean('ready') !== false).length;
}

function bundleProblems(name: string, namespace: string, client: JsonFields, now: Date): readonly StatusProblem[] {
  const fix = `kubectl rollout restart deployment/${INSTALLATION_NAME} --namespace ${namespace}`;
  try {
    const bundle = client.optionalString('caBundle') ?? '';
    const authorities = Certificate.allFromPem(parseUtf8(parseBase64(bundle), 'FORMAT_PEM', 'caBundle'));
    if (authorities.some((authority) => authority.isValidAt(now))) return [];
    return [{ text: `${name} has only expired authorities in its caBundle: the API server believes no answer`, fix }];
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    return [{ text: `${name} has no authority in its caBundle: the API server believes no answer`, fix }];
  }
}

async function readReplicas(
  cluster: ClusterAccess,
  namespace: string,
): Promise<{ readonly ready: number; readonly wanted: number } | undefined> {
  const path = objectPath('Deployment', INSTALLATION_NAME, namespace);
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  if (status === NOT_FOUND) return undefined;
  return {
    ready: object.optionalObject('status')?.optionalInteger('readyReplicas') ?? 0,
    wanted: object.object('spec').optionalInteger('replicas') ?? 1,
  };
}
