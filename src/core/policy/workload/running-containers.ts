import type { JsonFields } from '../../encoding/json-fields.ts';
import { FormatError } from '../../../errors.ts';
import { Digest } from '../../image/digest.ts';
import { parseReference } from '../../image/reference.ts';
import { pinnedName } from '../judgement/image-evidence.ts';
import { readWorkloadImages, type WorkloadImage } from './workload-images.ts';

/** One place in a pod that names an image, and what is known of the digest that runs there. */
export interface RunningContainer extends WorkloadImage {
  /** `registry/repository@sha256:…`, by the name that the pod gives it; undefined where nothing says which digest runs. */
  readonly running?: string;
  /**
   * What says so: the kubelet, in the pod's status; the pod itself, which names the digest; or nothing, so that a tag has to be
   * resolved now, and may stand for something else than what runs.
   */
  readonly source: 'status' | 'spec' | 'tag';
}

const STATUSES: Readonly<Record<string, string>> = {
  initContainers: 'initContainerStatuses',
  containers: 'containerStatuses',
  ephemeralContainers: 'ephemeralContainerStatuses',
};
const MAX_CONTAINERS = 1000;

/**
 * Every image of a pod: init, sidecar, ordinary and ephemeral containers, and image volumes, which no status tells of.
 *
 * @throws FormatError with the code of `pod` when it has not its shape; LimitError LIMIT_COUNT
 */
export function readRunningContainers(pod: JsonFields): readonly RunningContainer[] {
  const spec = pod.object('spec');
  const status = pod.optionalObject('status');
  return readWorkloadImages('', 'pods', pod).map((image) => {
    const pinned = digestIn(image.text);
    if (pinned !== undefined) {
      // The digest in the spec is what the kubelet was told to run; an index has another digest than what it led to.
      const running = nameAt(image.text, pinned);
      const confirmed = imageIdOf(image, spec, status)?.toString() === pinned.toString();
      return { ...image, ...(running === undefined ? {} : { running }), source: confirmed ? 'status' : 'spec' };
    }
    const digest = imageIdOf(image, spec, status);
    const running = digest === undefined ? undefined : nameAt(image.text, digest);
    return running === undefined ? { ...image, source: 'tag' } : { ...image, running, source: 'status' };
  });
}

/**
 * What the kubelet says it runs. An image that never had a name in a registry has an id that is the digest of its configuration,
 * which says nothing about a manifest.
 */
function imageIdOf({ pointer }: WorkloadImage, spec: JsonFields, status: JsonFields | undefined): Digest | undefined {
  const [, , list = '', index = ''] = pointer.split('/');
  const statuses = STATUSES[list];
  if (statuses === undefined || status === undefined) return undefined;
  const name = spec.objects(list, MAX_CONTAINERS)[Number(index)]?.optionalString('name');
  const own = status.objects(statuses, MAX_CONTAINERS).find((entry) => entry.optionalString('name') === name);
  return digestIn(own?.optionalString('imageID') ?? '');
}

function digestIn(text: string): Digest | undefined {
  const at = text.lastIndexOf('@');
  if (at < 0) return undefined;
  try {
    return Digest.parse(text.slice(at + 1));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** By the name in the spec: admission compares that one, wherever a mirror had the image from. */
function nameAt(text: string, digest: Digest): string | undefined {
  try {
    const { registry, repository } = parseReference(text);
    return pinnedName({ registry, repository, digest });
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
