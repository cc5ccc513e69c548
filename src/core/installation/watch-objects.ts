import { LADDER, type Rung } from '../audit/running-copy.ts';
import type { JsonObject } from '../encoding/json.ts';
import {
  DATA_FOLDER,
  INSTALLATION_LABELS,
  TRUST_CONFIG_MAP,
  TRUST_FOLDER,
  type InstallationOptions,
} from './installation-options.ts';
import { RESTRICTED_CONTAINER, RESTRICTED_POD, USER } from './restricted-pod.ts';

export const WATCH_NAME = 'sealwright-watch';

const API_VERSION = 'rbac.authorization.k8s.io/v1';
const LABELS = { ...INSTALLATION_LABELS, 'app.kubernetes.io/component': 'watch' } as const;
const METRICS_PORT = 9090;

/**
 * What looks for running copies of revoked images, with an account of its own: it may read what it decides by, and do what its rung
 * needs. The webhook's account stays as it is.
 */
export function watchObjects(options: InstallationOptions, level: Rung): readonly JsonObject[] {
  const { namespace } = options;
  const metadata = { name: WATCH_NAME, labels: LABELS };
  const own = { ...metadata, namespace };
  const binding = (kind: string, role: string, where: JsonObject): JsonObject => ({
    apiVersion: API_VERSION,
    kind,
    metadata: where,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: role, name: WATCH_NAME },
    subjects: [{ kind: 'ServiceAccount', name: WATCH_NAME, namespace }],
  });
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: own },
    { apiVersion: API_VERSION, kind: 'ClusterRole', metadata, rules: [...READS, ...actsOf(level)] },
    binding('ClusterRoleBinding', 'ClusterRole', metadata),
    { apiVersion: API_VERSION, kind: 'Role', metadata: own, rules: [rule('', ['configmaps', 'secrets'], ['get'])] },
    binding('RoleBinding', 'Role', own),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: own,
      spec: {
        // Two would do no harm, and end pods at twice the rate.
        replicas: 1,
        selector: { matchLabels: LABELS },
        strategy: { type: 'Recreate' },
        template: { metadata: { labels: LABELS }, spec: podSpec(options, level) },
      },
    },
  ];
}

const READS: readonly JsonObject[] = [
  rule('policy.sigstore.dev', ['clusterimagepolicies'], ['list']),
  rule('policy.sigstore.dev', ['trustroots'], ['get']),
  rule('kyverno.io', ['clusterpolicies', 'policies', 'policyexceptions'], ['list']),
  rule(
    'policies.kyverno.io',
    ['imagevalidatingpolicies', 'namespacedimagevalidatingpolicies', 'policyexceptions'],
    ['list'],
  ),
  rule('sealwright.dev', ['imageexceptions', 'imagepolicies', 'breakglasses'], ['list']),
  // What runs, and who made it.
  rule('', ['pods'], ['list']),
  rule('apps', ['deployments', 'statefulsets', 'daemonsets', 'replicasets'], ['list']),
  rule('batch', ['cronjobs', 'jobs'], ['list']),
  // Pull secrets of workloads. Read when needed, never listed.
  rule('', ['secrets', 'serviceaccounts', 'namespaces'], ['get']),
];

/** What each rung of the ladder adds to those below it. */
const ACTS: Readonly<Record<Rung, readonly JsonObject[]>> = {
  report: [],
  label: [rule('', ['pods'], ['patch']), rule('', ['events'], ['create'])],
  evict: [rule('', ['pods/eviction'], ['create'])],
  delete: [rule('', ['pods'], ['delete'])],
};

function actsOf(level: Rung): readonly JsonObject[] {
  return LADDER.slice(0, LADDER.indexOf(level) + 1).flatMap((rung) => ACTS[rung]);
}

function rule(group: string, resources: readonly string[], verbs: readonly string[]): JsonObject {
  return { apiGroups: [group], resources, verbs };
}

function podSpec(
  { namespace, image, imagePullSecrets, registryArguments, revocationArguments }: InstallationOptions,
  level: Rung,
): JsonObject {
  return {
    serviceAccountName: WATCH_NAME,
    imagePullSecrets,
    securityContext: { ...RESTRICTED_POD, fsGroup: USER },
    containers: [
      {
        name: 'watch',
        image,
        args: [
          ...['revoke', 'watch', `--level=${level}`, '--dry-run=false', '--output=json'],
          `--system-namespace=${namespace}`,
          `--trusted-root=${TRUST_FOLDER}/trusted_root.json`,
          ...registryArguments,
          ...revocationArguments,
          ...['--metrics-host=0.0.0.0', `--metrics-port=${METRICS_PORT}`],
        ],
        env: [{ name: 'HOME', value: DATA_FOLDER }],
        ports: [{ name: 'metrics', containerPort: METRICS_PORT }],
        livenessProbe: { httpGet: { path: '/healthz', port: 'metrics' }, periodSeconds: 20, failureThreshold: 6 },
        // Node keeps its heap to 268 MB by itself where the limit of memory is this one.
        resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
        securityContext: RESTRICTED_CONTAINER,
        volumeMounts: [
          { name: 'data', mountPath: DATA_FOLDER },
          { name: 'trust', mountPath: TRUST_FOLDER, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'data', emptyDir: { sizeLimit: '256Mi' } },
      { name: 'trust', configMap: { name: TRUST_CONFIG_MAP } },
    ],
  };
}
