import type { JsonObject, JsonValue } from '../encoding/json.ts';
import { certManagerObjects, ISSUED_SECRET } from './issued-certificate-objects.ts';
import {
  CERTIFICATE_SECRET,
  DATA_FOLDER,
  EVIDENCE_FOLDER,
  INSTALLATION_LABELS,
  INSTALLATION_NAME,
  REVOCATION_AUTHORITY_FILE,
  TRUST_CONFIG_MAP,
  TRUST_FOLDER,
  TRUSTED_ROOT_FILE,
  type InstallationOptions,
} from './installation-options.ts';
import { RESTRICTED_CONTAINER, RESTRICTED_POD, USER } from './restricted-pod.ts';

const PORT = 8443;
const LEDGER_PORT = 8444;
/**
 * Node's own arguments. Reviews make much that is forgotten at once; with the room that Node gives to such things on a large machine, the
 * process grows by 40 MB and answers no faster.
 */
export const NODE_OPTIONS = '--max-semi-space-size=4';
/** Where the certificate that cert-manager renews is seen in a pod. */
const CERTIFICATE_FOLDER = '/etc/sealwright/certificate';
/** While endpoints forget a pod, it goes on answering. */
const DRAIN_SECONDS = 15;

/** Everything that runs: rootless, on a read-only root, two replicas of which one is always there. */
export function webhookWorkload(options: InstallationOptions): readonly JsonObject[] {
  const metadata = { name: INSTALLATION_NAME, namespace: options.namespace, labels: INSTALLATION_LABELS };
  const selector = { matchLabels: INSTALLATION_LABELS };
  return [
    ...(options.certManager === undefined
      ? // Without data: filled and renewed by the replicas, whose account may change it and make no other.
        [{ apiVersion: 'v1', kind: 'Secret', metadata: { ...metadata, name: CERTIFICATE_SECRET }, type: 'Opaque' }]
      : certManagerObjects(options.namespace, options.certManager)),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: TRUST_CONFIG_MAP },
      data: { [TRUSTED_ROOT_FILE]: options.trustedRoot, [REVOCATION_AUTHORITY_FILE]: options.revocationAuthority },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: INSTALLATION_LABELS, ports: [{ name: 'https', port: 443, targetPort: 'https' }] },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: { minAvailable: 1, selector, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: {
        podSelector: selector,
        policyTypes: ['Ingress'],
        ingress: [{ from: options.callers, ports: [{ protocol: 'TCP', port: 'https' }] }],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: options.replicas,
        selector,
        // A new pod is ready before an old one goes.
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: { metadata: { labels: INSTALLATION_LABELS }, spec: podSpec(options) },
      },
    },
  ];
}

function podSpec(options: InstallationOptions): JsonObject {
  return {
    serviceAccountName: INSTALLATION_NAME,
    imagePullSecrets: options.imagePullSecrets,
    terminationGracePeriodSeconds: 2 * DRAIN_SECONDS,
    securityContext: { ...RESTRICTED_POD, runAsGroup: USER, fsGroup: USER },
    topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: INSTALLATION_LABELS },
    })),
    containers: [container(options)],
    volumes: [
      { name: 'data', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'trust', configMap: { name: TRUST_CONFIG_MAP } },
      // Optional: a database may want no password, and no pod waits for a Secret that somebody has removed.
      { name: 'evidence', secret: { secretName: options.evidenceSecret, optional: true } },
      // Not optional: a pod that cannot be spoken to waits for cert-manager instead of failing.
      ...(options.certManager === undefined ? [] : [{ name: 'certificate', secret: { secretName: ISSUED_SECRET } }]),
    ],
  };
}

function container(options: InstallationOptions): JsonObject {
  const { namespace, image, scope, exempt, podTemplates, evidence, evidencePassword, revocationArguments } = options;
  const probe = (path: string): JsonObject => ({ httpGet: { path, port: 'https', scheme: 'HTTPS' } });
  return {
    name: 'webhook',
    image,
    args: [
      'webhook',
      '--in-cluster',
      `--system-namespace=${namespace}`,
      '--host=0.0.0.0',
      `--port=${PORT}`,
      ...certificateArguments(options),
      evidence,
      evidencePassword,
      `--ledger=${DATA_FOLDER}/decisions`,
      // On loopback alone: for whoever may forward a port.
      `--ledger-port=${LEDGER_PORT}`,
      `--trusted-root=${TRUST_FOLDER}/${TRUSTED_ROOT_FILE}`,
      ...revocationArguments,
      ...options.registryArguments,
      scope,
      ...exempt.map((name) => `--exempt-namespace=${name}`),
      ...podTemplates.map(({ group, resource, path }) => `--pod-template=${resource}.${group}=${path.join('.')}`),
    ],
    env: [
      { name: 'HOME', value: DATA_FOLDER },
      { name: 'NODE_OPTIONS', value: NODE_OPTIONS },
    ],
    ports: [{ name: 'https', containerPort: PORT }],
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 20, failureThreshold: 6 },
    lifecycle: { preStop: { sleep: { seconds: DRAIN_SECONDS } } },
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    securityContext: RESTRICTED_CONTAINER,
    volumeMounts: [
      { name: 'data', mountPath: DATA_FOLDER },
      { name: 'trust', mountPath: TRUST_FOLDER, readOnly: true },
      { name: 'evidence', mountPath: EVIDENCE_FOLDER, readOnly: true },
      ...(options.certManager === undefined
        ? []
        : [{ name: 'certificate', mountPath: CERTIFICATE_FOLDER, readOnly: true }]),
    ],
  };
}

function certificateArguments({ certManager, namespace }: InstallationOptions): readonly JsonValue[] {
  return certManager === undefined
    ? [`--certificate-secret=${CERTIFICATE_SECRET}`, `--self-signed-name=${INSTALLATION_NAME}.${namespace}.svc`]
    : [`--tls-cert=${CERTIFICATE_FOLDER}/tls.crt`, `--tls-key=${CERTIFICATE_FOLDER}/tls.key`];
}
