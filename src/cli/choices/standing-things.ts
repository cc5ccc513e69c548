import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REACHING_KINDS } from '../../core/audit/outside-reach.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import { parseComposeServices } from '../../core/policy/workload/compose-images.ts';
import { parseManifestObjects } from '../../core/policy/workload/manifest-objects.ts';
import type { RunningContainer } from '../../core/policy/workload/running-containers.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import type { AuditedWorkload } from '../../workflows/audit/audit-workloads.ts';
import type { NotLookedAt } from '../../workflows/planning/cluster-workloads.ts';
import { cannotRead, readTextFile, readWholeInput } from '../terminal/input-file.ts';

const MANIFEST_NAME = /\.(?:ya?ml|json)$/;
const HIDDEN_NAME = /(?:^|[/\\])\./;

/** What would run, of files. */
export interface StandingThings {
  readonly workloads: readonly AuditedWorkload[];
  readonly notLookedAt: readonly NotLookedAt[];
  /** Everything in the files that may lead to workloads from outside of a cluster. */
  readonly reaching: readonly JsonObject[];
}

/** A file that is named has to be one; of a folder's, those that are none are told, and the others looked at. */
export async function placeThings(place: string, access: AuditedWorkload['access']): Promise<StandingThings> {
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
      return { workloads: [], notLookedAt: [{ what: path, error }], reaching: [] };
    }
  });
  return {
    workloads: read.flatMap(({ workloads }) => workloads),
    notLookedAt: read.flatMap(({ notLookedAt }) => notLookedAt),
    reaching: read.flatMap(({ reaching }) => reaching),
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
export async function imageList(path: string): Promise<readonly string[]> {
  const text = parseUtf8(await readWholeInput(path), 'FORMAT_REFERENCE', path);
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** A Compose file has services at the top; everything else has to be objects of Kubernetes. */
function fileThings(text: string, path: string, access: AuditedWorkload['access']): StandingThings {
  const services = parseComposeServices(text, path);
  if (services !== undefined) {
    return {
      workloads: services.flatMap(({ service, image }) =>
        image === undefined
          ? []
          : [standing(`Service ${service}`, podObject('default'), access, [[image, `services.${service}.image`]])],
      ),
      notLookedAt: services.flatMap(({ service, image }) => (image === undefined ? [unnamed(path, service)] : [])),
      reaching: [],
    };
  }
  const objects = parseManifestObjects(text, path);
  const workloads = objects
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
  const reaching = objects
    .filter(({ kind, images }) => images.length === 0 && REACHING_KINDS.some((known) => known.kind === kind))
    .flatMap(({ reviewed: { document } }) => (document === undefined ? [] : [document]));
  return { workloads, notLookedAt: [], reaching };
}

/** What does not run, and would. */
export function standing(
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
export function podObject(namespace: string): ReviewedObject {
  return { group: '', version: 'v1', resource: 'pods', namespace, labels: new Map() };
}
