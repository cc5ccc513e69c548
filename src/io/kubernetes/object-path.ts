import type { JsonObject } from '../../core/encoding/json.ts';

interface Place {
  /** `apis/apps/v1`, or `api/v1` for the core group. */
  readonly root: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
}

const NAMESPACED = { isNamespaced: true } as const;
const CLUSTER = { isNamespaced: false } as const;

/** Where the API server keeps the kinds that an installation is made of. */
const PLACES: Readonly<Record<string, Place>> = {
  Namespace: { root: 'api/v1', plural: 'namespaces', ...CLUSTER },
  ServiceAccount: { root: 'api/v1', plural: 'serviceaccounts', ...NAMESPACED },
  Secret: { root: 'api/v1', plural: 'secrets', ...NAMESPACED },
  ConfigMap: { root: 'api/v1', plural: 'configmaps', ...NAMESPACED },
  Service: { root: 'api/v1', plural: 'services', ...NAMESPACED },
  EndpointSlice: { root: 'apis/discovery.k8s.io/v1', plural: 'endpointslices', ...NAMESPACED },
  Deployment: { root: 'apis/apps/v1', plural: 'deployments', ...NAMESPACED },
  PodDisruptionBudget: { root: 'apis/policy/v1', plural: 'poddisruptionbudgets', ...NAMESPACED },
  NetworkPolicy: { root: 'apis/networking.k8s.io/v1', plural: 'networkpolicies', ...NAMESPACED },
  Certificate: { root: 'apis/cert-manager.io/v1', plural: 'certificates', ...NAMESPACED },
  Issuer: { root: 'apis/cert-manager.io/v1', plural: 'issuers', ...NAMESPACED },
  Role: { root: 'apis/rbac.authorization.k8s.io/v1', plural: 'roles', ...NAMESPACED },
  RoleBinding: { root: 'apis/rbac.authorization.k8s.io/v1', plural: 'rolebindings', ...NAMESPACED },
  ClusterRole: { root: 'apis/rbac.authorization.k8s.io/v1', plural: 'clusterroles', ...CLUSTER },
  ClusterRoleBinding: { root: 'apis/rbac.authorization.k8s.io/v1', plural: 'clusterrolebindings', ...CLUSTER },
  CustomResourceDefinition: {
    root: 'apis/apiextensions.k8s.io/v1',
    plural: 'customresourcedefinitions',
    ...CLUSTER,
  },
  MutatingWebhookConfiguration: {
    root: 'apis/admissionregistration.k8s.io/v1',
    plural: 'mutatingwebhookconfigurations',
    ...CLUSTER,
  },
  ValidatingWebhookConfiguration: {
    root: 'apis/admissionregistration.k8s.io/v1',
    plural: 'validatingwebhookconfigurations',
    ...CLUSTER,
  },
};

/**
 * The path of an object, or of all objects of a kind.
 *
 * @throws RangeError for a kind that no installation has
 */
export function objectPath(kind: string, name?: string, namespace?: string): string {
  const place = PLACES[kind];
  if (place === undefined) throw new RangeError(`no path is known for ${kind}`);
  const scope = place.isNamespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `/${place.root}${scope}/${place.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

/** The path of an object that is at hand. */
export function pathOf(object: JsonObject): string {
  const { name, namespace } = object['metadata'] as { readonly name: string; readonly namespace?: string };
  return objectPath(object['kind'] as string, name, namespace);
}
