import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { parseReference } from '../../core/image/reference.ts';
import type { PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import type { ReviewedObject } from '../../core/policy/cluster-image/resource-match.ts';
import { readPullIdentity, readWorkloadImages, type PullIdentity } from '../../core/policy/workload/workload-images.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';

/** An image that an object in the cluster names by digest. */
export interface RunningObjectImage {
  readonly image: PinnedImage;
  readonly object: ReviewedObject;
  readonly namespace: string;
  readonly identity: PullIdentity;
}

/** What runs, and what a Deployment would be rolled back to. */
const LISTS = [
  { group: '', version: 'v1', resource: 'pods', path: '/api/v1/pods' },
  { group: 'apps', version: 'v1', resource: 'replicasets', path: '/apis/apps/v1/replicasets' },
] as const;
const PAGE = 250;
const MAX_PAGES = 1000;

/**
 * Images of the pods and ReplicaSets of a cluster, each once for a namespace and account. Those named by a tag are left out: the tag
 * is resolved again when it is used, and `/mutate` writes digests.
 *
 * @throws RemoteError REMOTE_STATUS without leave to list them, REMOTE_*
 */
export async function* listRunningImages(cluster: ClusterAccess): AsyncGenerator<RunningObjectImage> {
  const seen = new Set<string>();
  for (const list of LISTS) {
    let next = '';
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { continue: next }) });
      const { object } = await askCluster(cluster, { path: `${list.path}?${query.toString()}` });
      for (const item of object.array('items', PAGE * 2)) {
        for (const found of imagesOf(new JsonFields(item, 'item', 'FORMAT_JSON'), list)) {
          const key = JSON.stringify([
            found.image.digest.toString(),
            found.image.repository,
            found.namespace,
            found.identity,
          ]);
          if (seen.has(key)) continue;
          seen.add(key);
          yield found;
        }
      }
      next = object.optionalObject('metadata')?.optionalString('continue') ?? '';
      if (next === '') break;
    }
  }
}

/** An object that cannot be read is none: this is a help, not a decision. */
function imagesOf(
  item: JsonFields,
  { group, version, resource }: (typeof LISTS)[number],
): readonly RunningObjectImage[] {
  try {
    const metadata = item.object('metadata');
    const namespace = metadata.string('namespace');
    const labels = metadata.optionalObject('labels');
    const document: JsonObject = { metadata: item.value('metadata') ?? {}, spec: item.value('spec') ?? {} };
    const object: ReviewedObject = {
      group,
      version,
      resource,
      namespace,
      labels: new Map((labels?.names() ?? []).map((name) => [name, labels?.string(name) ?? ''])),
      document,
    };
    const identity = readPullIdentity(group, resource, item);
    return readWorkloadImages(group, resource, item).flatMap(({ text }) => {
      if (!text.includes('@')) return [];
      const { registry, repository, digest } = parseReference(text);
      return digest === undefined ? [] : [{ image: { registry, repository, digest }, object, namespace, identity }];
    });
  } catch (error) {
    if (error instanceof SealwrightError) return [];
    throw error;
  }
}
