import type { AuditedEnforcement } from '../../core/audit/enforcement-reach.ts';
import type { NotAudited } from '../../core/audit/not-audited.ts';
import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonValue } from '../../core/encoding/json.ts';
import { isObject } from '../../core/attestation/json-kind.ts';
import {
  imageWebhooks,
  namespaceGuardOf,
  type ImageWebhook,
  type WebhookOrders,
} from '../../core/installation/image-webhook.ts';
import { INSTALLATION_NAME, NAMESPACE_SCOPES } from '../../core/installation/installation-options.ts';
import { CONTROLLER_CONFIG_MAP, readControllerConfig } from '../../core/policy/judgement/controller-config.ts';
import type { NoMatchAction } from '../../core/policy/judgement/image-decision.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { corePath, fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';
import { listCluster } from '../planning/cluster-list.ts';
import type { FoundNamespaces } from './cluster-namespaces.ts';

/** How far enforcing reaches in a cluster. */
export interface FoundEnforcement {
  readonly enforcement: AuditedEnforcement;
  /** What its webhook does with images that no policy is about; undefined where nobody knows. */
  readonly noMatch?: NoMatchAction;
}

const CONFIGURATIONS = {
  kind: 'ValidatingWebhookConfiguration',
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
} as const;
const NO_MATCH = ['deny', 'warn', 'allow'] as const;
const MAX_ITEMS = 1000;

/**
 * Reads who is asked about images in which namespace, and what they were told. By what is configured alone: whether it answers is for
 * `webhook status`.
 *
 * @param systemNamespace where the webhook is
 */
export async function readClusterEnforcement(
  cluster: ClusterAccess,
  systemNamespace: string,
  { metadata, notLookedAt: unread }: FoundNamespaces,
): Promise<FoundEnforcement> {
  const notLookedAt: NotAudited[] = [...unread];
  const miss = (what: string, { code, message }: SealwrightError): void => {
    notLookedAt.push({ what, reason: `${code} ${message}` });
  };
  const webhooks: ImageWebhook[] = [];
  const listed = await listCluster(cluster, CONFIGURATIONS, undefined, (item) => webhooks.push(...imageWebhooks(item)));
  if (listed.error !== undefined) miss(CONFIGURATIONS.resource, listed.error);
  const read = async (what: string, path: string): Promise<{ readonly object?: JsonFields } | undefined> => {
    try {
      const object = await fetchClusterObject(cluster, path);
      return object === undefined ? {} : { object };
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      miss(what, error);
      return undefined;
    }
  };
  // Nobody is asked: then it makes no difference what nobody was told.
  const isInstalled = webhooks.some(({ isOurs }) => isOurs);
  const deployment = isInstalled
    ? await read(
        `the Deployment ${systemNamespace}/${INSTALLATION_NAME}`,
        objectPath('Deployment', INSTALLATION_NAME, systemNamespace),
      )
    : undefined;
  const words = deployment?.object === undefined ? undefined : argumentsOf(deployment.object);
  const orders = words === undefined ? undefined : ordersIn(words, systemNamespace);
  const noMatch = words === undefined ? undefined : await noMatchOf(words);

  async function noMatchOf(told: readonly string[]): Promise<NoMatchAction | undefined> {
    const own = valuesOf(told, '--no-match=')[0];
    if (own !== undefined) return NO_MATCH.find((action) => action === own);
    const config = await read(
      `the ConfigMap ${systemNamespace}/${CONTROLLER_CONFIG_MAP}`,
      corePath(systemNamespace, 'configmaps', CONTROLLER_CONFIG_MAP),
    );
    if (config === undefined) return undefined;
    const data = config.object?.optionalObject('data');
    return readControllerConfig(
      new Map((data?.names() ?? []).slice(0, MAX_ITEMS).map((name) => [name, data?.string(name) ?? ''])),
    ).noMatch;
  }

  const namespaces = [...metadata].map(([name, value]) => {
    const guard =
      listed.error === undefined
        ? namespaceGuardOf(webhooks, orders, { name, labels: labelsOf(value) })
        : ({ guard: 'unknown', reason: 'nobody looked at whom the API server asks' } as const);
    return { name, ...guard };
  });
  return { enforcement: { namespaces, notLookedAt }, ...(noMatch === undefined ? {} : { noMatch }) };
}

function labelsOf(metadata: JsonValue): ReadonlyMap<string, string> {
  const labels = isObject(metadata) ? metadata['labels'] : undefined;
  return new Map(
    Object.entries(isObject(labels) ? labels : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );
}

function argumentsOf(deployment: JsonFields): readonly string[] {
  const containers = deployment.object('spec').object('template').object('spec').objects('containers', MAX_ITEMS);
  return containers.flatMap((one) => (one.has('args') ? one.strings('args', MAX_ITEMS) : []));
}

function valuesOf(words: readonly string[], start: string): readonly string[] {
  return words.filter((word) => word.startsWith(start)).map((word) => word.slice(start.length));
}

/** As the webhook takes them; a scope that it does not know it refuses to start with. */
function ordersIn(words: readonly string[], systemNamespace: string): WebhookOrders | undefined {
  const named = valuesOf(words, '--namespaces=')[0] ?? 'all';
  const scope = NAMESPACE_SCOPES.find((one) => one === named);
  if (scope === undefined) return undefined;
  return { scope, exempt: [systemNamespace, ...valuesOf(words, '--exempt-namespace=')] };
}
