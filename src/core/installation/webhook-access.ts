import type { JsonObject, JsonValue } from '../encoding/json.ts';
import { INSTALLED_WITH } from './installation-memory.ts';
import {
  CERTIFICATE_SECRET,
  CONFIGURATION_NAME,
  INSTALLATION_LABELS,
  INSTALLATION_NAME,
} from './installation-options.ts';

const RBAC = 'rbac.authorization.k8s.io';
const API_VERSION = `${RBAC}/v1`;

/**
 * What the webhook's account may do: read what it decides by; and unless somebody else renews its certificate, do that, and keep
 * its two configurations right.
 *
 * @param installedWith flags that the installation was made with, as they are remembered
 */
export function webhookAccess(
  namespace: string,
  renewsCertificate: boolean,
  installedWith?: string,
): readonly JsonObject[] {
  const metadata = { name: INSTALLATION_NAME, labels: INSTALLATION_LABELS };
  const remembering =
    installedWith === undefined ? metadata : { ...metadata, annotations: { [INSTALLED_WITH]: installedWith } };
  const own = { ...metadata, namespace };
  const subjects = [{ kind: 'ServiceAccount', name: INSTALLATION_NAME, namespace }];
  const binding = (kind: string, role: string, where: JsonObject): JsonObject => ({
    apiVersion: API_VERSION,
    kind,
    metadata: where,
    roleRef: { apiGroup: RBAC, kind: role, name: INSTALLATION_NAME },
    subjects,
  });
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: own },
    { apiVersion: API_VERSION, kind: 'ClusterRole', metadata: remembering, rules: clusterRules(renewsCertificate) },
    binding('ClusterRoleBinding', 'ClusterRole', metadata),
    { apiVersion: API_VERSION, kind: 'Role', metadata: own, rules: ownRules(renewsCertificate) },
    binding('RoleBinding', 'Role', own),
  ];
}

function rule(
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  names?: readonly string[],
): JsonObject {
  const named: Readonly<Record<string, JsonValue>> = names === undefined ? {} : { resourceNames: names };
  return { apiGroups: [group], resources, verbs, ...named };
}

const VALIDATING_KINDS = ['imagevalidatingpolicies', 'namespacedimagevalidatingpolicies', 'policyexceptions'];

function clusterRules(renewsCertificate: boolean): readonly JsonObject[] {
  const configurations = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
  return [
    rule('policy.sigstore.dev', ['clusterimagepolicies'], ['list', 'watch']),
    rule('policy.sigstore.dev', ['trustroots'], ['get']),
    // Where they are defined. What they say of images is decided here.
    rule('kyverno.io', ['clusterpolicies', 'policies', 'policyexceptions'], ['list', 'watch']),
    rule('policies.kyverno.io', VALIDATING_KINDS, ['list', 'watch']),
    rule('sealwright.dev', ['imageexceptions', 'imagepolicies', 'breakglasses'], ['list', 'watch']),
    // What runs, and would be rolled back to: read once, at the start.
    rule('', ['pods'], ['list']),
    rule('apps', ['replicasets'], ['list']),
    // To tell of refusals where people look.
    rule('', ['events'], ['create']),
    // Pull secrets of workloads, and which namespaces are guarded. Read when needed, never listed.
    rule('', ['secrets', 'serviceaccounts', 'namespaces'], ['get']),
    // The authorities that the API server believes, nothing else of them.
    ...(renewsCertificate
      ? [rule('admissionregistration.k8s.io', configurations, ['get', 'patch'], [CONFIGURATION_NAME])]
      : []),
  ];
}

function ownRules(renewsCertificate: boolean): readonly JsonObject[] {
  const reading = rule('', ['configmaps', 'secrets'], ['get']);
  return renewsCertificate ? [reading, rule('', ['secrets'], ['update'], [CERTIFICATE_SECRET])] : [reading];
}
