/** How an API server is told to ask the webhook: about every kind of workload, in namespaces that opt in. */

/** Label of namespaces that opt in, with the value `true`; policy-controller's own. */
export const INCLUDE_LABEL = 'policy.sigstore.dev/include';

const RULES = [
  {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['pods', 'pods/ephemeralcontainers', 'replicationcontrollers', 'podtemplates'],
  },
  {
    apiGroups: ['apps'],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'],
  },
  { apiGroups: ['batch'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['jobs', 'cronjobs'] },
];

/**
 * Both configurations: `/mutate` first, which pins tags, then `/validate`.
 *
 * @param clients `clientConfig` for each path
 */
export function webhookConfigurations(clients: (path: string) => object): readonly object[] {
  const hook = (name: string, path: string): object => ({
    name,
    clientConfig: clients(path),
    rules: RULES,
    namespaceSelector: { matchLabels: { [INCLUDE_LABEL]: 'true' } },
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 10,
  });
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'sealwright' },
      webhooks: [{ ...hook('mutate.sealwright.example', '/mutate'), reinvocationPolicy: 'IfNeeded' }],
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'sealwright' },
      webhooks: [hook('validate.sealwright.example', '/validate')],
    },
  ];
}
