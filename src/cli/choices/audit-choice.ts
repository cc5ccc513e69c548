import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { parseComposeServices } from '../../core/policy/workload/compose-images.ts';
import { parseManifestObjects } from '../../core/policy/workload/manifest-objects.ts';
import type { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import type { RunningContainer } from '../../core/policy/workload/running-containers.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { AuditedWorkload } from '../../workflows/audit/audit-workloads.ts';
import { readClusterWorkloads, type NotLookedAt } from '../../workflows/planning/cluster-workloads.ts';
import type { CommandContext } from '../grammar/command.ts';
import { STANDING_FLAGS } from '../flags/standing-flags.ts';
import { cannotRead, readTextFile, readWholeInput } from '../terminal/input-file.ts';
import { clusterExceptions, clusterPolicies } from './cluster-policies.ts';
import { chosenPolicies, type ChosenPolicies } from './policy-choice.ts';
import type { OpenedRehearsal } from './rehearsal-choice.ts';
import { workloadAccess } from './workload-choice.ts';

const MANIFEST_NAME = /\.(?:ya?ml|json)$/;
const HIDDEN_NAME = /(?:^|[/\\])\./;

export interface AuditedThings {
  readonly workloads: readonly AuditedWorkload[];
  readonly notLookedAt: readonly NotLookedAt[];
  /** In words, for the report. */
  readonly scope: string;
}

/** Whether flags or arguments name what is to be looked at, and no cluster is asked. @param named by the command's own means */
export function isClusterLess({ flags }: CommandContext, named: readonly string[]): boolean {
  return named.length > 0 || STANDING_FLAGS.some(({ name }) => flags.isGiven(name));
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
  const places = flags.list('resource');
  const read: Omit<AuditedThings, 'scope'>[] = [];
  for (const place of places) read.push(await placeThings(place, access));
  const listed = (await Promise.all(flags.list('images').map(imageList))).flat();
  const images = [...named, ...listed].map((image) =>
    standing('Image', podObject('default'), access, [[image, 'argument']]),
  );
  const counted = images.length === 0 ? [] : [`${images.length} images`];
  return {
    workloads: [...images, ...read.flatMap(({ workloads }) => workloads)],
    notLookedAt: read.flatMap(({ notLookedAt }) => notLookedAt),
    scope: [...places.map((place) => (place === '-' ? 'standard input' : place)), ...counted].join(', '),
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

/** Where they are from, how many, and a digest that another set of policies does not have. */
export function policyFacts({ flags }: CommandContext, { policies }: PolicySet): AuditSnapshot['policies'] {
  const hashes = policies.map(({ kind, name, mode, revision }) => [kind, name, mode, revision?.hash ?? '']);
  const text = JSON.stringify(hashes.sort((a, b) => (a.join() < b.join() ? -1 : 1)));
  return {
    source: flags.isGiven('policy') ? flags.list('policy').join(', ') : 'the cluster',
    digest: `sha256:${encodeHex(sha256(utf8(text)))}`,
    count: policies.length,
  };
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

/** A file that is named has to be one; of a folder's, those that are none are told, and the others looked at. */
async function placeThings(place: string, access: AuditedWorkload['access']): Promise<Omit<AuditedThings, 'scope'>> {
  if (place === '-')
    return fileThings(parseUtf8(await readWholeInput(place), 'FORMAT_POLICY', 'standard input'), '-', access);
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return fileThings(readTextFile(place), place, access);
  }
  const read = folderFiles(place).map((path) => {
    try {
      return fileThings(readTextFile(path), path, access);
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      return { workloads: [], notLookedAt: [{ what: path, error }] };
    }
  });
  return {
    workloads: read.flatMap(({ workloads }) => workloads),
    notLookedAt: read.flatMap(({ notLookedAt }) => notLookedAt),
  };
}

/** With those of the folders below: who renders manifests puts them there. */
function folderFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => MANIFEST_NAME.test(name) && !HIDDEN_NAME.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (cause) {
    throw cannotRead(folder, cause);
  }
}

/** One image a line; what begins with `#` is a remark. */
async function imageList(path: string): Promise<readonly string[]> {
  const text = parseUtf8(await readWholeInput(path), 'FORMAT_REFERENCE', path);
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** A Compose file has services at the top; everything else has to be objects of Kubernetes. */
function fileThings(text: string, path: string, access: AuditedWorkload['access']): Omit<AuditedThings, 'scope'> {
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
