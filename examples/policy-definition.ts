/** `ClusterImagePolicy` for an API server, without a schema: what a policy may hold is for the webhook to say. */
export const POLICY_DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'clusterimagepolicies.policy.sigstore.dev' },
  spec: {
    group: 'policy.sigstore.dev',
    scope: 'Cluster',
    names: {
      kind: 'ClusterImagePolicy',
      plural: 'clusterimagepolicies',
      singular: 'clusterimagepolicy',
      shortNames: ['cip'],
    },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
