import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import { readRunningContainers, type RunningContainer } from '../../core/policy/workload/running-containers.ts';
import { readPullIdentity, type PullIdentity } from '../../core/policy/workload/workload-images.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { listCluster, type ListedKind } from './cluster-list.ts';

/** A pod that runs, or that a template stands ready for. */
export interface ClusterWorkload {
  /** `template`: no pod of it runs now; the next one would be made of this. */
  readonly kind: 'pod' | 'template';
  /** The pod's, or its template's owner's. */
  readonly name: string;
  readonly namespace: string;
  /** Who would make the pod again: `Deployment web`; the pod itself where nobody would. */
  readonly owner: string;
  /** The pod as admission would look at it. */
  readonly object: ReviewedObject;
  readonly identity: PullIdentity;
  readonly containers: readonly RunningContainer[];
  /** Of what makes the pods, as the cluster has it; absent where nothing does, or it was not seen. */
  readonly makerMetadata?: JsonValue;
}

/** Something that was not looked at, and why. */
export interface NotLookedAt {
  readonly what: string;
  readonly error: SealwrightError;
}

export interface ClusterPicture {
  readonly workloads: readonly ClusterWorkload[];
  readonly notLookedAt: readonly NotLookedAt[];
}

/** Kinds that make pods, and where their templates are. */
const MAKERS = [
  { kind: 'Deployment', group: 'apps', version: 'v1', resource: 'deployments', template: ['spec', 'template'] },
  { kind: 'StatefulSet', group: 'apps', version: 'v1', resource: 'statefulsets', template: ['spec', 'template'] },
  { kind: 'DaemonSet', group: 'apps', version: 'v1', resource: 'daemonsets', template: ['spec', 'template'] },
  {
    kind: 'CronJob',
    group: 'batch',
    version: 'v1',
    resource: 'cronjobs',
    template: ['spec', 'jobTemplate', 'spec', 'template'],
  },
] as const;
/** Those in between: they are made by others, and stand for them. */
const BETWEEN = [
  { kind: 'ReplicaSet', group: 'apps', version: 'v1', resource: 'replicasets' },
  { kind: 'Job', group: 'batch', version: 'v1', resource: 'jobs' },
] as const;
const PODS = { kind: 'Pod', group: '', version: 'v1', resource: 'pods' } as const;
const MAX_LABELS = 1000;
const MAX_OWNERS = 100;

/**
 * Everything in a cluster that runs an image, or would. What may not be listed is named, and the rest is looked at all the same.
 *
 * @param namespaces only these; every one when empty
 */
export async function readClusterWorkloads(
  cluster: ClusterAccess,
  namespaces: readonly string[],
): Promise<ClusterPicture> {
  const notLookedAt: NotLookedAt[] = [];
  const list = async <Value>(
    what: ListedKind,
    read: (item: JsonFields) => readonly Value[],
  ): Promise<readonly Value[]> => {
    const scopes = namespaces.length === 0 ? [undefined] : namespaces;
    const lists = await Promise.all(
      scopes.map(async (namespace) => {
        const values: Value[] = [];
        const where = `${what.resource} in ${namespace === undefined ? 'all namespaces' : `the namespace ${namespace}`}`;
        const { seen, error } = await listCluster(cluster, what, namespace, (item) => values.push(...read(item)));
        // What was read before the cluster went away is known all the same.
        if (error !== undefined)
          notLookedAt.push({ what: seen === 0 ? where : `${where}, behind the first ${seen}`, error });
        return values;
      }),
    );
    return lists.flat();
  };
  const [between, ...makers] = await Promise.all([
    Promise.all(
      BETWEEN.map((what) =>
        list(what, (item) => [[`${what.kind} ${namespaceOf(item)}/${nameOf(item)}`, controllerOf(item)] as const]),
      ),
    ),
    ...MAKERS.map((what) => list(what, (item) => [item])),
  ]);
  const owners = new Map(between.flat());
  const metadata = new Map<string, JsonValue | undefined>(
    MAKERS.flatMap(({ kind }, index) =>
      (makers[index] ?? []).map(
        (item) => [`${namespaceOf(item)}/${kind} ${nameOf(item)}`, item.value('metadata')] as const,
      ),
    ),
  );
  const unreadable = (what: string, error: SealwrightError): void => {
    notLookedAt.push({ what, error });
  };
  // Last, when it is known who made them; page by page, as all of their statuses at once fill a memory.
  const running = await list(PODS, (item) => readPod(item, owners, unreadable));
  const seen = new Set(running.map(({ namespace, owner }) => `${namespace}/${owner}`));
  const waiting = MAKERS.flatMap((maker, index) =>
    (makers[index] ?? []).flatMap((item) => {
      const key = `${namespaceOf(item)}/${maker.kind} ${nameOf(item)}`;
      return seen.has(key) ? [] : readTemplate(item, maker, unreadable);
    }),
  );
  // Lists end in any order; a report says the same twice.
  notLookedAt.sort((a, b) => (a.what < b.what ? -1 : 1));
  const withMaker = (workload: ClusterWorkload): ClusterWorkload => {
    const makerMetadata = metadata.get(`${workload.namespace}/${workload.owner}`);
    return makerMetadata === undefined ? workload : { ...workload, makerMetadata };
  };
  return { workloads: [...running, ...waiting].map(withMaker), notLookedAt };
}

/** Pods that have ended, or are about to, will not be made again as they are. */
function readPod(
  item: JsonFields,
  owners: ReadonlyMap<string, string | undefined>,
  unreadable: (what: string, error: SealwrightError) => void,
): readonly ClusterWorkload[] {
  const phase = item.optionalObject('status')?.optionalString('phase');
  const isLeaving = item.optionalObject('metadata')?.optionalString('deletionTimestamp') !== undefined;
  if (isLeaving || phase === 'Succeeded' || phase === 'Failed') return [];
  const [namespace, name] = [namespaceOf(item), nameOf(item)];
  const maker = controllerOf(item);
  const [kind = ''] = (maker ?? '').split(' ');
  const above = maker === undefined ? undefined : owners.get(`${kind} ${namespace}/${maker.slice(kind.length + 1)}`);
  try {
    const containers = readRunningContainers(item);
    return [
      { kind: 'pod', name, namespace, owner: above ?? maker ?? `Pod ${name}`, ...podView(item, namespace), containers },
    ];
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    unreadable(`Pod ${namespace}/${name}`, error);
    return [];
  }
}

function readTemplate(
  item: JsonFields,
  { kind, template }: (typeof MAKERS)[number],
  unreadable: (what: string, error: SealwrightError) => void,
): readonly ClusterWorkload[] {
  const [namespace, name] = [namespaceOf(item), nameOf(item)];
  try {
    let pod = item;
    for (const step of template) pod = pod.object(step);
    const containers = readRunningContainers(pod);
    return [{ kind: 'template', name, namespace, owner: `${kind} ${name}`, ...podView(pod, namespace), containers }];
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    unreadable(`${kind} ${namespace}/${name}`, error);
    return [];
  }
}

/** Who wrote which member: often half of an object, and nothing that a policy goes by. */
function withoutManagedFields(metadata: JsonValue): JsonValue {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return metadata;
  const { managedFields: _, ...rest } = metadata as JsonObject;
  return rest;
}

function podView(pod: JsonFields, namespace: string): Pick<ClusterWorkload, 'object' | 'identity'> {
  const labels = pod.optionalObject('metadata')?.optionalObject('labels');
  const names = (labels?.names() ?? []).slice(0, MAX_LABELS);
  const metadata = withoutManagedFields(pod.value('metadata') ?? {});
  const document: JsonObject = { apiVersion: 'v1', kind: 'Pod', metadata, spec: pod.value('spec') ?? {} };
  return {
    object: {
      group: '',
      version: 'v1',
      resource: 'pods',
      namespace,
      labels: new Map(names.map((name) => [name, labels?.optionalString(name) ?? ''])),
      document,
    },
    identity: readPullIdentity('', 'pods', pod),
  };
}

function nameOf(item: JsonFields): string {
  return item.object('metadata').string('name');
}

function namespaceOf(item: JsonFields): string {
  return item.object('metadata').optionalString('namespace') ?? '';
}

/** `Kind name` of the controller. */
function controllerOf(item: JsonFields): string | undefined {
  const owner = item
    .object('metadata')
    .objects('ownerReferences', MAX_OWNERS)
    .find((reference) => reference.optionalBoolean('controller') === true);
  return owner === undefined ? undefined : `${owner.string('kind')} ${owner.string('name')}`;
}
