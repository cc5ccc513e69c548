import type { JsonObject, JsonValue } from '../encoding/json.ts';
import {
  CONFIGURATION_NAME,
  INSTALLATION_LABELS,
  INSTALLATION_NAME,
  type InstallationOptions,
  type PodTemplateRule,
} from './installation-options.ts';

type Told = Pick<InstallationOptions, 'namespaceSelector' | 'failurePolicy' | 'timeoutSeconds' | 'podTemplates'> & {
  /** `clientConfig` for each path. */
  readonly clients: (path: string) => JsonObject;
  /** Of both objects: what tells others about them. */
  readonly annotations?: JsonObject;
};

const CHANGES = ['CREATE', 'UPDATE'];
const POLICY_RESOURCES = ['clusterimagepolicies', 'trustroots'];
/** Kyverno's kinds that are read here, with their versions. A cluster need not know any of them. */
const KYVERNO_RESOURCES: readonly (readonly [
  group: string,
  versions: readonly string[],
  resources: readonly string[],
])[] = [
  ['kyverno.io', ['v1', 'v2beta1'], ['clusterpolicies', 'policies']],
  ['kyverno.io', ['v2', 'v2beta1'], ['policyexceptions']],
  [
    'policies.kyverno.io',
    ['v1', 'v1beta1', 'v1alpha1'],
    ['imagevalidatingpolicies', 'namespacedimagevalidatingpolicies', 'policyexceptions'],
  ],
];

/**
 * What leaves the pods' spec as it is brings in no image (CEL, evaluated by the API server itself). So whatever becomes of the webhook,
 * controllers can scale, label, finish and finalize what is there; and nobody waits for an answer that is known.
 */
const BRINGS_IN_IMAGES = [
  'request.operation != "UPDATE"',
  '!(request.resource.group in ["", "apps", "batch"])',
  '!has(object.spec) || !has(oldObject.spec)',
  '(request.kind.kind == "Pod" ? object.spec != oldObject.spec' +
    ' : request.kind.kind == "CronJob"' +
    ' ? object.spec.jobTemplate.spec.template.spec != oldObject.spec.jobTemplate.spec.template.spec' +
    ' : !has(object.spec.template) || !has(oldObject.spec.template)' +
    ' || object.spec.template.spec != oldObject.spec.template.spec)',
].join(' || ');
/** The condition of all webhooks about images. */
export const IMAGE_CONDITION = { name: 'brings-in-images', expression: BRINGS_IN_IMAGES } as const;

const NAMES_A_TAG = '(!has(it.image) || !it.image.contains("@"))';
/**
 * `/mutate` writes digests for tags and nothing else. Most pods come from controllers, whose templates it has been through: where
 * every image has its digest already, `/validate` alone is asked, and a pod waits half as long. Of other kinds, of which there are few
 * and whose shapes differ, it is always asked; and where this were wrong, `/validate` would refuse the tag.
 */
const HAS_TAGS = [
  'request.kind.group != ""',
  'request.kind.kind != "Pod"',
  '!has(object.spec)',
  ...['containers', 'initContainers', 'ephemeralContainers'].map(
    (list) => `(has(object.spec.${list}) && object.spec.${list}.exists(it, ${NAMES_A_TAG}))`,
  ),
  '(has(object.spec.volumes) && object.spec.volumes.exists(it, has(it.image)' +
    ' && (!has(it.image.reference) || !it.image.reference.contains("@"))))',
].join(' || ');
/** One more for the webhook that pins. */
export const PIN_CONDITION = { name: 'names-tags', expression: HAS_TAGS } as const;

/** The same for policies. */
const CHANGES_SPEC =
  'request.operation != "UPDATE" || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec';

/** What carries images, by API group; all of it has the version v1. */
const GUARDED: readonly (readonly [group: string, resources: readonly string[]])[] = [
  ['', ['pods', 'pods/ephemeralcontainers', 'replicationcontrollers', 'podtemplates']],
  ['apps', ['deployments', 'replicasets', 'statefulsets', 'daemonsets']],
  ['batch', ['jobs', 'cronjobs']],
];

/** The same one by one. */
export const GUARDED_RESOURCES = GUARDED.flatMap(([group, resources]) =>
  resources.map((resource) => ({ group, resource })),
);

/** Every kind that carries images, and those declared. */
function imageRules(podTemplates: readonly PodTemplateRule[]): readonly JsonObject[] {
  return [
    ...GUARDED.map(([group, resources]) => ({
      apiGroups: [group],
      apiVersions: ['v1'],
      operations: CHANGES,
      resources,
    })),
    ...podTemplates.map(({ group, resource }) => ({
      apiGroups: [group],
      apiVersions: ['*'],
      operations: CHANGES,
      resources: [resource],
    })),
  ];
}

/**
 * The two objects by which an API server asks the webhook: `/mutate` first, which pins tags where there are any, then `/validate`; and about policies
 * themselves `/defaulting` and `/validating`, which nobody waits for where they are Kyverno's. A policy is judged wherever it comes from, workloads in the guarded namespaces only.
 */
export function webhookConfigurations(told: Told): readonly JsonObject[] {
  const common = { sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: told.timeoutSeconds };
  const images = (name: string, path: string, more: Readonly<Record<string, JsonValue>> = {}): JsonObject => ({
    name: `${name}.images.sealwright`,
    clientConfig: told.clients(path),
    rules: imageRules(told.podTemplates),
    namespaceSelector: told.namespaceSelector,
    matchConditions: [IMAGE_CONDITION],
    failurePolicy: told.failurePolicy,
    matchPolicy: 'Equivalent',
    ...common,
    ...more,
  });
  const policies = (name: string, path: string): JsonObject => ({
    name: `${name}.policies.sealwright`,
    clientConfig: told.clients(path),
    rules: [
      {
        apiGroups: ['policy.sigstore.dev'],
        apiVersions: ['v1alpha1', 'v1beta1'],
        operations: CHANGES,
        resources: POLICY_RESOURCES,
      },
    ],
    matchConditions: [{ name: 'changes-the-spec', expression: CHANGES_SPEC }],
    // A policy that nobody could judge is not put in force.
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    ...common,
  });
  const kyverno: JsonObject = {
    ...policies('kyverno', '/validating'),
    rules: KYVERNO_RESOURCES.map(([group, versions, resources]) => ({
      apiGroups: [group],
      apiVersions: versions,
      operations: CHANGES,
      resources,
    })),
    // They are another product's kinds: one that gets in unseen is read all the same, and what cannot be used refuses its images.
    failurePolicy: 'Ignore',
  };
  const annotations: JsonObject = told.annotations === undefined ? {} : { annotations: told.annotations };
  const configuration = (kind: string, webhooks: readonly JsonObject[]): JsonObject => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name: CONFIGURATION_NAME, labels: INSTALLATION_LABELS, ...annotations },
    webhooks,
  });
  return [
    configuration('MutatingWebhookConfiguration', [
      images('mutate', '/mutate', {
        reinvocationPolicy: 'IfNeeded',
        matchConditions: [IMAGE_CONDITION, PIN_CONDITION],
      }),
      policies('default', '/defaulting'),
    ]),
    configuration('ValidatingWebhookConfiguration', [
      images('validate', '/validate'),
      policies('validate', '/validating'),
      kyverno,
    ]),
  ];
}

/** Through the installation's Service. The `caBundle` is written by the replicas or by cert-manager, who know the authorities. */
export function serviceClients(namespace: string): (path: string) => JsonObject {
  return (path) => ({ service: { namespace, name: INSTALLATION_NAME, path, port: 443 } });
}
