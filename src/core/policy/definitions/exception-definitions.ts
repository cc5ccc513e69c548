import type { JsonObject } from '../../encoding/json.ts';

import { CLUSTER_IMAGE_POLICY_SCHEMA } from './policy-schema.ts';

const GROUP = 'sealwright.dev';
const TEXT = { type: 'string', minLength: 1, maxLength: 500 } as const;
const TIME = { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$` } as const;
const DIGESTS = { type: 'array', maxItems: 100, items: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } } as const;
const SHARED = { digests: DIGESTS, owner: TEXT, reason: TEXT, ticket: TEXT, from: TIME, expires: TIME } as const;
const REQUIRED = ['owner', 'reason', 'ticket', 'expires'] as const;

/**
 * The CustomResourceDefinitions of our own kinds. All live in a namespace, and are about objects of that namespace only: exceptions
 * for scope, not for delegation, as whoever may create them there sets the cluster's policies aside there; policies for anybody,
 * as they can only tighten.
 */
export const EXCEPTION_DEFINITIONS: readonly JsonObject[] = [
  definition(
    { kind: 'ImageException', plural: 'imageexceptions', singular: 'imageexception' },
    { ...SHARED, images: { type: 'array', maxItems: 100, items: { type: 'string', minLength: 1 } } },
    REQUIRED,
  ),
  definition(
    { kind: 'ImagePolicy', plural: 'imagepolicies', singular: 'imagepolicy' },
    (CLUSTER_IMAGE_POLICY_SCHEMA['properties'] as { spec: { properties: JsonObject } }).spec.properties,
    ['images', 'authorities'],
    [],
  ),
  definition({ kind: 'BreakGlass', plural: 'breakglasses', singular: 'breakglass' }, SHARED, [...REQUIRED, 'digests']),
];

function definition(
  names: JsonObject & { plural: string },
  properties: JsonObject,
  required: readonly string[],
  columns: readonly string[] = ['Owner', 'Ticket', 'Expires'],
): JsonObject {
  const column = (name: string): JsonObject => ({ name, type: 'string', jsonPath: `.spec.${name.toLowerCase()}` });
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { ...names, categories: ['sealwright'] },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          additionalPrinterColumns: columns.map(column),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['spec'],
              properties: { spec: { type: 'object', properties, required } },
            },
          },
        },
      ],
    },
  };
}
