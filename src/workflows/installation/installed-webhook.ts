import type { JsonFields } from '../../core/encoding/json-fields.ts';
import { INJECTION } from '../../core/installation/issued-certificate-objects.ts';
import {
  INSTALLATION_LABELS,
  INSTALLATION_NAME,
  REVOCATION_AUTHORITY_FILE,
  TRUST_CONFIG_MAP,
} from '../../core/installation/installation-options.ts';
import { parseRevocationAuthority } from '../../core/revocation/revocation-authority.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';
import type { InstallAgain, StatusProblem } from './status-problem.ts';

/** What runs, and what it was told. */
export interface InstalledWebhook {
  readonly readyReplicas: number;
  readonly wantedReplicas: number;
  /** Where the replicas ask for revocations; undefined when they were told of none. */
  readonly revocations?: string;
  readonly problems: readonly StatusProblem[];
}

const NOT_FOUND = 404;
const MAX_ITEMS = 1000;

/** @returns undefined when there is no Deployment. @throws RemoteError */
export async function installedWebhook(
  cluster: ClusterAccess,
  namespace: string,
  installAgain: InstallAgain,
): Promise<InstalledWebhook | undefined> {
  const path = objectPath('Deployment', INSTALLATION_NAME, namespace);
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  if (status === NOT_FOUND) return undefined;
  const readyReplicas = object.optionalObject('status')?.optionalInteger('readyReplicas') ?? 0;
  const wantedReplicas = object.object('spec').optionalInteger('replicas') ?? 1;
  const revocations = argument(object, '--revocations=');
  const problems: StatusProblem[] = [];
  if (readyReplicas < wantedReplicas) {
    problems.push({
      text: `${readyReplicas} of ${wantedReplicas} replicas are ready`,
      fix: `kubectl -n ${namespace} describe pods -l app.kubernetes.io/name=${INSTALLATION_LABELS['app.kubernetes.io/name']}`,
    });
  }
  if (revocations !== undefined) problems.push(...(await authorityProblems(cluster, namespace, installAgain)));
  return {
    readyReplicas,
    wantedReplicas,
    ...(revocations === undefined ? {} : { revocations }),
    problems,
  };
}

function argument(deployment: JsonFields, start: string): string | undefined {
  const containers = deployment.object('spec').object('template').object('spec').objects('containers', MAX_ITEMS);
  const all = containers.flatMap((one) => (one.has('args') ? one.strings('args', MAX_ITEMS) : []));
  return all.find((text) => text.startsWith(start))?.slice(start.length);
}

/** Without it no replica that starts from now on comes up. */
async function authorityProblems(
  cluster: ClusterAccess,
  namespace: string,
  installAgain: InstallAgain,
): Promise<readonly StatusProblem[]> {
  const path = objectPath('ConfigMap', TRUST_CONFIG_MAP, namespace);
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  const text =
    status === NOT_FOUND ? '' : (object.optionalObject('data')?.optionalString(REVOCATION_AUTHORITY_FILE) ?? '');
  try {
    parseRevocationAuthority(text);
    return [];
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    return [
      {
        text: `the ConfigMap ${namespace}/${TRUST_CONFIG_MAP} does not say who may revoke: replicas that start now do not come up`,
        // As `revoke init` writes it.
        fix: installAgain([`--revocation-authority=${REVOCATION_AUTHORITY_FILE}`]),
      },
    ];
  }
}

/**
 * What is wrong with the certificate that cert-manager renews for a webhook's configuration.
 *
 * @returns undefined when it is nobody's: the replicas renew theirs themselves
 * @throws RemoteError
 */
export async function managedCertificateProblems(
  cluster: ClusterAccess,
  metadata: JsonFields,
  installAgain: InstallAgain,
): Promise<readonly StatusProblem[] | undefined> {
  const source = metadata.optionalObject('annotations')?.optionalString(INJECTION);
  if (source === undefined) return undefined;
  const [namespace = '', name = ''] = source.split('/');
  const path = objectPath('Certificate', name, namespace);
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  const fix = `kubectl -n ${namespace} describe certificate ${name}`;
  if (status === NOT_FOUND) {
    return [
      {
        text: `there is no Certificate ${source}: cert-manager was removed, or renews nothing`,
        fix: installAgain(['--cert-manager=true']),
      },
    ];
  }
  const conditions = object.optionalObject('status')?.objects('conditions', MAX_ITEMS) ?? [];
  const ready = conditions.find((one) => one.optionalString('type') === 'Ready');
  if (ready?.optionalString('status') === 'True') return [];
  const why = ready?.optionalString('message') ?? 'cert-manager has not looked at it';
  return [{ text: `the Certificate ${source} is not ready: ${why.slice(0, 300)}`, fix }];
}
