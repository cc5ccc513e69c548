import type { JsonFields } from '../../encoding/json-fields.ts';
import { LimitError } from '../../../errors.ts';

/** One place in a workload object that names an image. */
export interface WorkloadImage {
  /** As written. */
  readonly text: string;
  /** JSON Pointer (RFC 6901) from the object's root, for a patch. */
  readonly pointer: string;
  /** As people write it: `spec.containers[0].image`. */
  readonly path: string;
}

/** Where each kind keeps its pod spec. Objects of other kinds carry no images; their pods are seen when they are created. */
const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  '/pods': ['spec'],
  '/podtemplates': ['template', 'spec'],
  '/replicationcontrollers': ['spec', 'template', 'spec'],
  'apps/replicasets': ['spec', 'template', 'spec'],
  'apps/deployments': ['spec', 'template', 'spec'],
  'apps/statefulsets': ['spec', 'template', 'spec'],
  'apps/daemonsets': ['spec', 'template', 'spec'],
  'batch/jobs': ['spec', 'template', 'spec'],
  'batch/cronjobs': ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

export const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;
const MAX_CONTAINERS = 500;
const MAX_VOLUMES = 5000;
const MAX_PULL_SECRETS = 100;

/**
 * Kinds of somebody else's with a pod template in them: `group/resource`, and the members down to the template
 * (`argoproj.io/rollouts`, `spec`, `template`).
 */
export type PodTemplates = ReadonlyMap<string, readonly string[]>;

/** Nothing is declared. */
const NONE: PodTemplates = new Map();

/** Whether objects of this resource are looked into. */
export function carriesImages(group: string, resource: string, declared = NONE): boolean {
  return podSpecSteps(group, resource, declared) !== undefined;
}

/** The members down to the pod template, for kinds of Kubernetes' own that have one. */
export function podTemplateSteps(group: string, resource: string): readonly string[] | undefined {
  const name = `${group}/${resource}`;
  return Object.hasOwn(POD_SPECS, name) && name !== '/pods' ? POD_SPECS[name]?.slice(0, -1) : undefined;
}

function podSpecSteps(group: string, resource: string, declared: PodTemplates): readonly string[] | undefined {
  const name = `${group}/${resource}`;
  if (Object.hasOwn(POD_SPECS, name)) return POD_SPECS[name];
  const template = declared.get(name);
  return template === undefined ? undefined : [...template, 'spec'];
}

/**
 * Every image that a workload object names, in the order of its containers: init, ordinary, ephemeral, then image volumes.
 * A template may leave an image empty for somebody else to fill in; what then runs is seen when the pod is created.
 *
 * @throws FormatError with the code of `object` when it has not the shape of its kind; LimitError LIMIT_COUNT
 */
export function readWorkloadImages(
  group: string,
  resource: string,
  object: JsonFields,
  declared = NONE,
): readonly WorkloadImage[] {
  const steps = podSpecSteps(group, resource, declared);
  const spec = podSpecOf(resource, steps, object);
  if (steps === undefined || spec === undefined) return [];
  return [...CONTAINER_LISTS.flatMap((list) => containerImages(spec, list, steps)), ...volumeImages(spec, steps)];
}

/**
 * Images that an object brings in are limited; those that were there before are not, so that it can still be changed.
 *
 * @throws LimitError LIMIT_COUNT
 */
export function limitWorkloadImages(images: readonly WorkloadImage[]): readonly WorkloadImage[] {
  if (images.length <= MAX_CONTAINERS) return images;
  throw new LimitError('LIMIT_COUNT', 'the object names too many images', {
    found: String(images.length),
    expected: `at most ${MAX_CONTAINERS}`,
  });
}

/** With whose credentials the kubelet fetches the images of an object's pods. */
export interface PullIdentity {
  /** Secrets that the pods name, in their order. */
  readonly pullSecrets: readonly string[];
  readonly serviceAccount: string;
}

/** @throws FormatError with the code of `object` when it has not the shape of its kind */
export function readPullIdentity(group: string, resource: string, object: JsonFields, declared = NONE): PullIdentity {
  const spec = podSpecOf(resource, podSpecSteps(group, resource, declared), object);
  const named = spec?.objects('imagePullSecrets', MAX_PULL_SECRETS) ?? [];
  const account = spec?.optionalString('serviceAccountName') ?? spec?.optionalString('serviceAccount') ?? '';
  return {
    pullSecrets: named.map((secret) => secret.optionalString('name') ?? '').filter((name) => name !== ''),
    serviceAccount: account === '' ? 'default' : account,
  };
}

function podSpecOf(resource: string, steps: readonly string[] | undefined, object: JsonFields): JsonFields | undefined {
  let spec: JsonFields | undefined = object;
  for (const [index, step] of (steps ?? []).entries()) {
    // A ReplicationController may have no template at all; a pod without a spec is no pod.
    spec = resource === 'pods' || index === 0 ? spec.object(step) : spec.optionalObject(step);
    if (spec === undefined) return undefined;
  }
  return steps === undefined ? undefined : spec;
}

function containerImages(spec: JsonFields, list: string, steps: readonly string[]): readonly WorkloadImage[] {
  return spec
    .objects(list, 2 * MAX_CONTAINERS)
    .flatMap((container, index) => place(container.optionalString('image'), steps, [list, String(index), 'image']));
}

/** OCI images that are mounted as volumes. */
function volumeImages(spec: JsonFields, steps: readonly string[]): readonly WorkloadImage[] {
  return spec
    .objects('volumes', MAX_VOLUMES)
    .flatMap((volume, index) =>
      place(volume.optionalObject('image')?.optionalString('reference'), steps, [
        'volumes',
        String(index),
        'image',
        'reference',
      ]),
    );
}

function place(text: string | undefined, steps: readonly string[], rest: readonly string[]): readonly WorkloadImage[] {
  if (text === undefined || text === '') return [];
  const all = [...steps, ...rest];
  return [{ text, pointer: `/${all.join('/')}`, path: all.join('.').replace(/\.(\d+)\./g, '[$1].') }];
}
