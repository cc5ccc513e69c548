import { INSTALLED_WITH, parseInstalledWith } from '../../core/installation/installation-memory.ts';
import {
  CONFIGURATION_NAME,
  INSTALLATION_NAME,
  REVOCATION_AUTHORITY_FILE,
  TRUST_CONFIG_MAP,
  TRUSTED_ROOT_FILE,
} from '../../core/installation/installation-options.ts';
import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import { objectPath } from '../../io/kubernetes/object-path.ts';

/** Whom an installation believes, as texts that nobody has looked into. */
export interface KeptTrust {
  readonly trustedRoot?: string;
  readonly revocationAuthority?: string;
}

const NOT_FOUND = 404;

/**
 * The flags that the webhook of a cluster was installed with.
 *
 * @returns undefined where nothing remembers them
 * @throws FormatError FORMAT_INSTALLATION for what cannot be read; RemoteError
 */
export async function rememberedInstallation(cluster: ClusterAccess): Promise<readonly string[] | undefined> {
  const role = await read(cluster, objectPath('ClusterRole', INSTALLATION_NAME));
  const text = role?.object('metadata').optionalObject('annotations')?.optionalString(INSTALLED_WITH);
  return text === undefined ? undefined : parseInstalledWith(text);
}

/** Whether anything of an installation is in the cluster, whoever put it there. @throws RemoteError */
export async function isInstalled(cluster: ClusterAccess, namespace: string): Promise<boolean> {
  for (const path of [
    objectPath('ClusterRole', INSTALLATION_NAME),
    objectPath('Deployment', INSTALLATION_NAME, namespace),
    objectPath('MutatingWebhookConfiguration', CONFIGURATION_NAME),
    objectPath('ValidatingWebhookConfiguration', CONFIGURATION_NAME),
  ]) {
    if ((await read(cluster, path)) !== undefined) return true;
  }
  return false;
}

/** What the replicas are given to believe: files that whoever installs again need not have. @throws RemoteError */
export async function keptTrust(cluster: ClusterAccess, namespace: string): Promise<KeptTrust> {
  const object = await read(cluster, objectPath('ConfigMap', TRUST_CONFIG_MAP, namespace));
  const data = object?.optionalObject('data');
  const [trustedRoot, revocationAuthority] = [TRUSTED_ROOT_FILE, REVOCATION_AUTHORITY_FILE].map(
    (file) => data?.optionalString(file) ?? '',
  );
  return {
    ...(trustedRoot === undefined || trustedRoot === '' ? {} : { trustedRoot }),
    ...(revocationAuthority === undefined || revocationAuthority === '' ? {} : { revocationAuthority }),
  };
}

async function read(cluster: ClusterAccess, path: string): Promise<JsonFields | undefined> {
  const { status, object } = await askCluster(cluster, { path, expect: [NOT_FOUND] });
  return status === NOT_FOUND ? undefined : object;
}
