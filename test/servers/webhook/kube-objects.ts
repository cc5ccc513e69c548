/** Objects for a real API server: workloads of every kind, in a namespace that opts in. */
import { INCLUDE_LABEL } from '../../../src/core/installation/installation-options.ts';
import { podSpec } from './review.ts';

export interface Workload {
  readonly kind: string;
  /** For kubectl. */
  readonly resource: string;
  readonly object: (name: string, image: string) => object;
  /** JSON Pointer steps to the pod spec. */
  readonly podSpec: readonly string[];
}

const TEMPLATE = ['spec', 'template', 'spec'] as const;

function metadata(name: string): object {
  return { name, namespace: 'shop', labels: { app: name } };
}

function template(name: string, image: string, rest: object = {}): object {
  return { metadata: { labels: { app: name } }, spec: { ...podSpec(image), ...rest } };
}

function selected(name: string, image: string): object {
  return { selector: { matchLabels: { app: name } }, template: template(name, image) };
}

export function podObject(name: string, image: string): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: metadata(name), spec: podSpec(image) };
}

export const WORKLOADS: readonly Workload[] = [
  { kind: 'Pod', resource: 'pod', object: podObject, podSpec: ['spec'] },
  ...(['Deployment', 'ReplicaSet', 'DaemonSet'] as const).map((kind) => ({
    kind,
    resource: kind.toLowerCase(),
    object: (name: string, image: string) => ({
      apiVersion: 'apps/v1',
      kind,
      metadata: metadata(name),
      spec: selected(name, image),
    }),
    podSpec: TEMPLATE,
  })),
  {
    kind: 'StatefulSet',
    resource: 'statefulset',
    object: (name, image) => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: metadata(name),
      spec: { serviceName: name, ...selected(name, image) },
    }),
    podSpec: TEMPLATE,
  },
  {
    kind: 'ReplicationController',
    resource: 'replicationcontroller',
    object: (name, image) => ({
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: metadata(name),
      spec: { selector: { app: name }, template: template(name, image) },
    }),
    podSpec: TEMPLATE,
  },
  {
    kind: 'Job',
    resource: 'job',
    object: (name, image) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadata(name),
      spec: { template: template(name, image, { restartPolicy: 'Never' }) },
    }),
    podSpec: TEMPLATE,
  },
  {
    kind: 'CronJob',
    resource: 'cronjob',
    object: (name, image) => ({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: metadata(name),
      spec: {
        schedule: '0 0 * * *',
        jobTemplate: { spec: { template: template(name, image, { restartPolicy: 'Never' }) } },
      },
    }),
    podSpec: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  },
];

export const NAMESPACE = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { [INCLUDE_LABEL]: 'true' } },
};
