import { parseBase64 } from '../../core/encoding/base64.ts';
import type { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { configurationGaps } from '../../core/installation/configuration-gaps.ts';
import { isOwnConfiguration } from '../../core/installation/image-webhook.ts';
import { INSTALL_AGAIN, INSTALLATION_NAME } from '../../core/installation/installation-options.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';
import { installedWebhook, managedCertificateProblems } from './installed-webhook.ts';
import type { InstallAgain, StatusProblem } from './status-problem.ts';
import { trustProblems } from './trust-problems.ts';

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
  /** Where the replicas ask for revocations; null when they were told of none. */
  readonly revocations: string | null;
  /** Who renews the serving certificate; null while the API server asks nobody. */
  readonly certificates: 'replicas' | 'cert-manager' | null;
  readonly webhooks: readonly AskedWebhook[];
  /** Empty when all is well. */
  readonly problems: readonly StatusProblem[];
}

const KINDS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;
const NOT_FOUND = 404;
const MAX_ITEMS = 1000;
const MAX_PORTS = 1000;
/** What writes the authority where cert-manager renews the certificate. */
const CAINJECTOR_COMMAND = 'kubectl logs --all-namespaces -l app.kubernetes.io/component=cainjector --prefix';

/**
 * What the cluster has of the webhook, and what is wrong with it. Looks at every webhook that the API server asks, ours or not: one
 * whose Service has gone refuses requests or lets them through unseen, and nobody is left who would say so.
 *
 * @param installAgain the command that brings the installation up to date
 * @throws RemoteError
 */
export async function webhookStatus(
  cluster: ClusterAccess,
  namespace: string,
  now: Date,
  installAgain: InstallAgain = () => INSTALL_AGAIN,
): Promise<WebhookStatus> {
  const problems: StatusProblem[] = [];
  const webhooks: AskedWebhook[] = [];
  let certificates: WebhookStatus['certificates'] = null;
  for (const kind of KINDS) {
    const { object } = await askCluster(cluster, { path: objectPath(kind) });
    for (const item of object.objects('items', MAX_ITEMS)) {
      const found = await readConfiguration({ cluster, kind, namespace, now, installAgain, problems }, item);
      webhooks.push(...found.webhooks);
      certificates ??= found.certificates;
    }
  }
  const replicas = await installedWebhook(cluster, namespace, installAgain);
  const isTold = webhooks.some(({ isOurs }) => isOurs);
  const isThere = replicas !== undefined;
  if (isThere && !isTold) {
    problems.push({
      text: 'the webhook runs, and the API server does not ask it: every image is admitted',
      fix: installAgain(),
    });
  }
  problems.push(...(replicas?.problems ?? []));
  if (isThere) problems.push(...(await trustProblems(cluster, namespace, now)));
  return {
    readyReplicas: replicas?.readyReplicas ?? 0,
    wantedReplicas: replicas?.wantedReplicas ?? 0,
    revocations: replicas?.revocations ?? null,
    certificates,
    webhooks,
    problems,
  };
}

interface Reading {
  readonly cluster: ClusterAccess;
  readonly kind: string;
  readonly namespace: string;
  readonly now: Date;
  readonly installAgain: InstallAgain;
  readonly problems: StatusProblem[];
}

interface ReadConfiguration {
  readonly webhooks: readonly AskedWebhook[];
  readonly certificates: WebhookStatus['certificates'];
}

async function readConfiguration(reading: Reading, item: JsonFields): Promise<ReadConfiguration> {
  const { kind, problems } = reading;
  const metadata = item.object('metadata');
  const configuration = metadata.string('name');
  const isOurs = isOwnConfiguration(metadata);
  const removal = isOurs ? 'sealwright webhook uninstall' : `kubectl delete ${kind.toLowerCase()} ${configuration}`;
  const webhooks: AskedWebhook[] = [];
  const managed = isOurs
    ? await managedCertificateProblems(reading.cluster, metadata, reading.installAgain)
    : undefined;
  for (const problem of managed ?? []) {
    // Both configurations hang from one certificate.
    if (!problems.some(({ text }) => text === problem.text)) problems.push(problem);
  }
  const restart = managed === undefined ? restartCommand(reading.namespace) : CAINJECTOR_COMMAND;
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
      problems.push(...gaps.map((gap) => ({ text: `${common.name} ${gap}`, fix: reading.installAgain() })));
    }
    if (isOurs) problems.push(...bundleProblems(common.name, restart, client, reading.now));
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
  return { webhooks, certificates: isOurs ? (managed === undefined ? 'replicas' : 'cert-manager') : null };
}

/** The replicas write their authorities when they start. */
function restartCommand(namespace: string): string {
  return `kubectl rollout restart deployment/${INSTALLATION_NAME} --namespace ${namespace}`;
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

function bundleProblems(name: string, fix: string, client: JsonFields, now: Date): readonly StatusProblem[] {
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
