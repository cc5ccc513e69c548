import { JsonFields } from '../../core/encoding/json-fields.ts';
import { LimitError, RemoteError, SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';

export interface ListedKind {
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export interface ListOutcome {
  /** How many were read. */
  readonly seen: number;
  /** Why not all of them. */
  readonly error?: SealwrightError;
  /** That the cluster serves no such kind in this version. */
  readonly isAbsent?: true;
}

const PAGE = 250;
const MAX_PAGES = 1000;
const NOT_FOUND = 404;

/**
 * Lists one kind of a cluster page by page: all at once may fill a memory. What was read before the cluster went away is known all the same.
 *
 * @param namespace all of them when undefined
 */
export async function listCluster(
  cluster: ClusterAccess,
  { group, version, resource }: ListedKind,
  namespace: string | undefined,
  take: (item: JsonFields) => void,
): Promise<ListOutcome> {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  let seen = 0;
  let next = '';
  try {
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { continue: next }) });
      const { object } = await askCluster(cluster, { path: `${root}${scope}/${resource}?${query.toString()}` });
      for (const item of object.array('items', PAGE * 2)) {
        take(new JsonFields(item, resource, 'FORMAT_JSON'));
        seen += 1;
      }
      next = object.optionalObject('metadata')?.optionalString('continue') ?? '';
      if (next === '') return { seen };
    }
    throw new LimitError('LIMIT_COUNT', 'the list does not end', { expected: `at most ${MAX_PAGES * PAGE}` });
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    const isAbsent = error instanceof RemoteError && error.status === NOT_FOUND;
    return { seen, error, ...(isAbsent ? { isAbsent } : {}) };
  }
}
