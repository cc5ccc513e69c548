import type { JsonFields } from '../../encoding/json-fields.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';
import { readWorkloadImages, type WorkloadImage } from './workload-images.ts';

/** Kinds that Kubernetes itself has, as the API calls their resources. */
const RESOURCES: Readonly<Record<string, string>> = {
  'v1/Pod': '/pods',
  'v1/PodTemplate': '/podtemplates',
  'v1/ReplicationController': '/replicationcontrollers',
  'apps/v1/ReplicaSet': 'apps/replicasets',
  'apps/v1/Deployment': 'apps/deployments',
  'apps/v1/StatefulSet': 'apps/statefulsets',
  'apps/v1/DaemonSet': 'apps/daemonsets',
  'batch/v1/Job': 'batch/jobs',
  'batch/v1/CronJob': 'batch/cronjobs',
};

/** Where other kinds keep a pod spec, if they do as Kubernetes' own (cosign looks in the same places). */
const SHAPES = ['/pods', 'apps/deployments', 'batch/cronjobs'] as const;

/**
 * Every image that a Kubernetes manifest runs: init, ordinary and ephemeral containers and image volumes, of every object in
 * the file, lists included. Objects of other kinds are read where they are shaped like pods or what makes pods.
 *
 * @param source where the text is from, for messages
 * @throws FormatError FORMAT_POLICY for what is no YAML or not of its kind's shape; LimitError
 */
export function parseManifestImages(text: string, source: string): readonly string[] {
  return parsePolicyDocuments(text, source).flatMap((object) => manifestImagesOf(object).map(({ text }) => text));
}

/** Those of one object, with where they stand. @throws FormatError with the code of `object`; LimitError LIMIT_COUNT */
export function manifestImagesOf(object: JsonFields): readonly WorkloadImage[] {
  const kind = `${object.optionalString('apiVersion') ?? ''}/${object.optionalString('kind') ?? ''}`;
  const known = RESOURCES[kind];
  return (known === undefined ? SHAPES.filter((shape) => hasShape(object, shape)) : [known]).flatMap((path) => {
    const [group = '', resource = ''] = path.split('/');
    return readWorkloadImages(group, resource, object);
  });
}

function hasShape(object: JsonFields, shape: (typeof SHAPES)[number]): boolean {
  const steps = {
    '/pods': [],
    'apps/deployments': ['template', 'spec'],
    'batch/cronjobs': ['jobTemplate', 'spec', 'template', 'spec'],
  };
  let spec: unknown = object.value('spec');
  for (const step of steps[shape]) spec = isObject(spec) ? spec[step] : undefined;
  return isObject(spec) && ['containers', 'initContainers'].some((list) => Array.isArray(spec[list]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
