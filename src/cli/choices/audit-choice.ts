import { parseComposeServices } from '../../core/policy/compose-images.ts';
import { parseManifestObjects } from '../../core/policy/manifest-objects.ts';
import type { ReviewedObject } from '../../core/policy/resource-match.ts';
import type { RunningContainer } from '../../core/policy/running-containers.ts';
import { UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { AuditedWorkload } from '../../workflows/audit-workloads.ts';
import { readClusterWorkloads, type NotLookedAt } from '../../workflows/cluster-workloads.ts';
import type { CommandContext } from '../command.ts';
import { readTextFile } from '../input-file.ts';
import { clusterExceptions, clusterPolicies } from './cluster-policies.ts';
import { chosenPolicies, type ChosenPolicies } from './policy-choice.ts';
import type { OpenedRehearsal } from './rehearsal-choice.ts';
import { workloadAccess } from './workload-choice.ts';

export interface AuditedThings {
  readonly workloads: readonly AuditedWorkload[];
  readonly notLookedAt: readonly NotLookedAt[];
  /** In words, for the report. */
  readonly scope: string;
}

/**
 * What is to be looked at: a cluster, or what would run of files and images that are named.
 *
 * @param named images that nothing else names
 * @throws UsageError USAGE_FILE; FormatError FORMAT_POLICY for files that are neither manifests nor Compose files
 */
export async function auditedThings(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
  opened: OpenedRehearsal,
  named: readonly string[],
): Promise<AuditedThings> {
  const { flags } = context;
  if (cluster !== undefined) return clusterThings(context, cluster, opened);
  const { access } = opened;
  const files = flags.list('resource');
  const read = files.map((path) => fileThings(path, access));
  const images = named.map((image) => standing('Image', podObject('default'), access, [[image, 'argument']]));
  const counted = images.length === 0 ? [] : [`${images.length} images`];
  return {
    workloads: [...images, ...read.flatMap(({ workloads }) => workloads)],
    notLookedAt: read.flatMap(({ notLookedAt }) => notLookedAt),
    scope: [...files, ...counted].join(', '),
  };
}

/**
 * What should apply: the cluster's own policies, or those that are named, with the cluster's exceptions in either case.
 *
 * @throws UsageError USAGE_BAD_FLAG where neither is there; what reading them throws
 */
export async function auditedPolicies(
  context: CommandContext,
  cluster: ClusterAccess | undefined,
): Promise<ChosenPolicies> {
  const { flags } = context;
  if (flags.isGiven('policy')) {
    const drafts = await chosenPolicies(context, flags.list('policy'), flags.list('trustroot'));
    if (cluster === undefined) return drafts;
    return { ...drafts, exceptions: [...drafts.exceptions, ...(await clusterExceptions(context, cluster))] };
  }
  if (cluster !== undefined) return clusterPolicies(context, cluster);
  throw new UsageError('USAGE_BAD_FLAG', 'nothing says what should apply', {
    expected: '--policy FILE|FOLDER|URL where no cluster is looked at',
  });
}

async function clusterThings(
  context: CommandContext,
  cluster: ClusterAccess,
  opened: OpenedRehearsal,
): Promise<AuditedThings> {
  const namespaces = context.flags.list('namespace');
  const picture = await readClusterWorkloads(cluster, namespaces);
  const accessOf = workloadAccess(context, cluster, opened);
  return {
    workloads: picture.workloads.map(({ kind, namespace, owner, object, identity, containers }) => ({
      namespace,
      owner,
      isRunning: kind === 'pod',
      object,
      access: accessOf(namespace, identity),
      containers,
    })),
    notLookedAt: picture.notLookedAt,
    scope: namespaces.length === 0 ? 'a cluster, all namespaces' : `a cluster, namespaces ${namespaces.join(', ')}`,
  };
}

/** A Compose file has services at the top; everything else has to be objects of Kubernetes. */
function fileThings(path: string, access: AuditedWorkload['access']): Omit<AuditedThings, 'scope'> {
  const text = readTextFile(path);
  const services = parseComposeServices(text, path);
  if (services !== undefined) {
    return {
      workloads: services.flatMap(({ service, image }) =>
        image === undefined
          ? []
          : [standing(`Service ${service}`, podObject('default'), access, [[image, `services.${service}.image`]])],
      ),
      notLookedAt: services.flatMap(({ service, image }) => (image === undefined ? [unnamed(path, service)] : [])),
    };
  }
  const workloads = parseManifestObjects(text, path)
    .filter(({ images }) => images.length > 0)
    .map(({ kind, name, namespace, reviewed, images }) => ({
      ...standing(
        `${kind} ${name}`,
        reviewed,
        access,
        images.map(({ text: image, path: place }) => [image, place]),
      ),
      namespace,
    }));
  return { workloads, notLookedAt: [] };
}

/** What does not run, and would. */
function standing(
  owner: string,
  object: ReviewedObject,
  access: AuditedWorkload['access'],
  images: readonly (readonly [image: string, path: string])[],
): AuditedWorkload {
  const containers = images.map(([image, path]) => containerOf(image, path));
  return { namespace: '', owner, isRunning: false, object, access, containers };
}

function unnamed(path: string, service: string): NotLookedAt {
  const error = new UsageError('USAGE_FILE', 'the service names no image', {
    found: `${path}, services.${service}`,
    expected: 'what docker compose config prints, with an image for each service',
  });
  return { what: `${path}, services.${service}`, error };
}

function containerOf(text: string, path: string): Pick<RunningContainer, 'path' | 'text' | 'running' | 'source'> {
  return text.includes('@') ? { path, text, running: text, source: 'spec' } : { path, text, source: 'tag' };
}

/** What no object is told of is looked at as a pod without labels would be. */
function podObject(namespace: string): ReviewedObject {
  return { group: '', version: 'v1', resource: 'pods', namespace, labels: new Map() };
}
