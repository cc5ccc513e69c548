import type { NotAudited } from '../../core/audit/not-audited.ts';
import type { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonValue } from '../../core/encoding/json.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import { listCluster } from '../planning/cluster-list.ts';

/** Namespaces as a cluster has them, and what of them nobody could look at. */
export interface FoundNamespaces {
  /** By name. */
  readonly metadata: ReadonlyMap<string, JsonValue>;
  /** UID of kube-system: the one thing by which a cluster is told from others, and which nobody gives it. */
  readonly clusterId?: string;
  readonly notLookedAt: readonly NotAudited[];
}

const NAMESPACES = { kind: 'Namespace', group: '', version: 'v1', resource: 'namespaces' } as const;
const SYSTEM = 'kube-system';

/**
 * Reads the namespaces of a cluster; one by one those that are named where they may not be listed.
 *
 * @param names whose workloads are looked at; all when empty
 */
export async function readClusterNamespaces(
  cluster: ClusterAccess,
  names: readonly string[],
): Promise<FoundNamespaces> {
  const metadata = new Map<string, JsonValue>();
  let clusterId: string | undefined;
  const take = (item: JsonFields): void => {
    const fields = item.object('metadata');
    const name = fields.string('name');
    if (name === SYSTEM) clusterId = fields.optionalString('uid');
    if (names.length === 0 || names.includes(name)) metadata.set(name, item.value('metadata') ?? {});
  };
  const { seen, error } = await listCluster(cluster, NAMESPACES, undefined, take);
  const notLookedAt: NotAudited[] = [];
  if (error !== undefined) {
    const unread = new Map<string, SealwrightError>();
    for (const name of new Set([SYSTEM, ...names])) {
      const failure = await readOne(cluster, name, take);
      if (failure !== undefined && names.includes(name)) unread.set(name, failure);
    }
    if (names.length === 0) {
      notLookedAt.push({
        what: seen === 0 ? 'namespaces' : `namespaces, behind the first ${seen}`,
        reason: wordsOf(error),
      });
    }
    notLookedAt.push(...[...unread].map(([name, why]) => ({ what: `the namespace ${name}`, reason: wordsOf(why) })));
  }
  return { metadata, ...(clusterId === undefined ? {} : { clusterId }), notLookedAt };
}

async function readOne(
  cluster: ClusterAccess,
  name: string,
  take: (item: JsonFields) => void,
): Promise<SealwrightError | undefined> {
  try {
    const object = await fetchClusterObject(cluster, `/api/v1/namespaces/${encodeURIComponent(name)}`);
    if (object !== undefined) take(object);
    return undefined;
  } catch (error) {
    if (error instanceof SealwrightError && error.family !== 'invariant') return error;
    throw error;
  }
}

function wordsOf({ code, message }: SealwrightError): string {
  return `${code} ${message}`;
}
