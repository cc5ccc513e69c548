import type { JsonObject } from '../../core/encoding/json.ts';
import { parseTrustRoot } from '../../core/policy/cluster-image/trust-root-parser.ts';
import { RemoteError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { corePath, fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import { configMapLookup } from '../../workflows/admission/config-map-lookup.ts';
import type { OutsideSources, ReferenceSources } from '../../workflows/admission/policy-references.ts';

const TRUST_ROOTS = '/apis/policy.sigstore.dev/v1alpha1/trustroots';
const MAX_ENTRIES = 1000;
const FORBIDDEN = 403;

/**
 * What policies refer to, from the cluster that they come from: Secrets and ConfigMaps of the controller's own namespace, and
 * `TrustRoot`s.
 */
export function clusterReferences(
  cluster: ClusterAccess,
  systemNamespace: string,
  outside: OutsideSources,
): ReferenceSources {
  return {
    ...outside,
    configMaps: configMapLookup((namespace, name) => readConfigMap(cluster, namespace, name), outside.now),
    secret: async (name, namespace = systemNamespace) => {
      const object = await fetchClusterObject(cluster, corePath(namespace, 'secrets', name));
      const data = object?.optionalObject('data');
      if (object === undefined) return undefined;
      const names = (data?.names() ?? []).slice(0, MAX_ENTRIES);
      return new Map(names.map((key) => [key, data?.bytes(key) ?? new Uint8Array(0)]));
    },
    configMap: async (name) => {
      const object = await fetchClusterObject(cluster, corePath(systemNamespace, 'configmaps', name));
      const data = object?.optionalObject('data');
      if (object === undefined) return undefined;
      return new Map((data?.names() ?? []).slice(0, MAX_ENTRIES).map((key) => [key, data?.string(key) ?? '']));
    },
    trustRoot: async (name) => {
      const object = await fetchClusterObject(cluster, `${TRUST_ROOTS}/${encodeURIComponent(name)}`);
      return object === undefined ? undefined : parseTrustRoot(object.object('spec'), `TrustRoot ${name}`);
    },
  };
}

/** @throws RemoteError; one that may not be read is told with the command that allows it, and nothing more */
async function readConfigMap(cluster: ClusterAccess, namespace: string, name: string): Promise<JsonObject | undefined> {
  try {
    const object = await fetchClusterObject(cluster, corePath(namespace, 'configmaps', name));
    if (object === undefined) return undefined;
    return { data: object.value('data') ?? {}, metadata: object.value('metadata') ?? {} };
  } catch (error) {
    if (!(error instanceof RemoteError) || error.status !== FORBIDDEN) throw error;
    throw new RemoteError(error.code, `the ConfigMap ${namespace}/${name} may not be read`, {
      ...error.facts,
      expected: 'an account of the webhook that may get this one ConfigMap',
      fix: grantCommand(namespace, name),
      status: error.status,
      cause: error,
    });
  }
}

/** Where the webhook is, the installation remembers. */
function grantCommand(namespace: string, name: string): string {
  return `sealwright webhook install --config-map ${namespace}/${name}`;
}
