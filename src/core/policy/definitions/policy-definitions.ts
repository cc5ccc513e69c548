import type { JsonObject } from '../../encoding/json.ts';
import { CLUSTER_IMAGE_POLICY_SCHEMA, TRUST_ROOT_SCHEMA } from './policy-schema.ts';

const GROUP = 'policy.sigstore.dev';

/**
 * The CustomResourceDefinitions of `ClusterImagePolicy` and `TrustRoot`, as policy-controller has them: the same names,
 * versions and schema, and v1alpha1 stored, so that objects stay where they are when one takes the other's place.
 *
 * Both versions of a policy have one schema, so the API server converts by itself: nothing is lost on the way, and policies can
 * be read and deleted while no webhook answers (docs/decisions/0023).
 */
export const POLICY_DEFINITIONS: readonly JsonObject[] = [
  definition({
    names: {
      kind: 'ClusterImagePolicy',
      plural: 'clusterimagepolicies',
      singular: 'clusterimagepolicy',
      categories: ['all', 'sigstore'],
      shortNames: ['cip'],
    },
    schema: CLUSTER_IMAGE_POLICY_SCHEMA,
    versions: ['v1alpha1', 'v1beta1'],
  }),
  definition({
    names: { kind: 'TrustRoot', plural: 'trustroots', singular: 'trustroot', categories: ['all', 'sigstore'] },
    schema: TRUST_ROOT_SCHEMA,
    versions: ['v1alpha1'],
  }),
];

interface Definition {
  readonly names: JsonObject & { readonly plural: string };
  readonly schema: JsonObject;
  /** The first is the one that is stored. */
  readonly versions: readonly string[];
}

function definition({ names, schema, versions }: Definition): JsonObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${GROUP}` },
    spec: {
      conversion: { strategy: 'None' },
      group: GROUP,
      names,
      scope: 'Cluster',
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', ...schema } },
      })),
    },
  };
}
