import type { AuditReach } from '../../core/audit/audit-snapshot.ts';
import type { NotAudited } from '../../core/audit/not-audited.ts';
import { OutsideReach, REACHING_KINDS } from '../../core/audit/outside-reach.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { listCluster, type ListOutcome } from '../planning/cluster-list.ts';

/** What leads to workloads from outside, and what of that nobody could look at. */
export interface FoundReach {
  readonly outside: OutsideReach;
  readonly reach: AuditReach;
}

/**
 * Reads what leads to workloads from outside of the cluster. A kind that the cluster does not know leads nowhere; one that may not be listed is
 * named, because what it leads to is not known then.
 *
 * @param namespaces whose workloads are looked at; all when empty. What sends requests on is looked for everywhere, for it may stand elsewhere
 */
export async function readClusterReach(cluster: ClusterAccess, namespaces: readonly string[]): Promise<FoundReach> {
  const found = await Promise.all(REACHING_KINDS.map((what) => readKind(cluster, what, namespaces)));
  return {
    outside: new OutsideReach(found.flatMap(({ objects }) => objects)),
    reach: {
      kinds: REACHING_KINDS.map(({ kind }) => kind),
      notLookedAt: found.flatMap(({ notLookedAt }) => notLookedAt),
    },
  };
}

interface ReadKind {
  readonly objects: readonly JsonObject[];
  readonly notLookedAt: readonly NotAudited[];
}

async function readKind(
  cluster: ClusterAccess,
  { kind, group, versions, resource }: (typeof REACHING_KINDS)[number],
  namespaces: readonly string[],
): Promise<ReadKind> {
  const objects: JsonObject[] = [];
  const list = async (namespace?: string): Promise<ListOutcome> => {
    let outcome: ListOutcome = { seen: 0 };
    for (const version of versions) {
      outcome = await listCluster(cluster, { kind, group, version, resource }, namespace, (item) => {
        const metadata = item.object('metadata');
        const [name, space] = [metadata.string('name'), metadata.optionalString('namespace') ?? ''];
        objects.push({ kind, metadata: { name, namespace: space }, spec: item.value('spec') ?? {} });
      });
      if (outcome.isAbsent !== true) break;
    }
    return outcome;
  };
  const everywhere = await list();
  const { error, seen, isAbsent } = everywhere;
  if (error === undefined || isAbsent === true) return { objects, notLookedAt: [] };
  const reason = `${error.code} ${error.message}`;
  if (seen > 0) return { objects, notLookedAt: [{ what: `${resource}, behind the first ${seen}`, reason }] };
  // Whoever may look at one namespace alone learns what stands in that one.
  const own = await Promise.all(namespaces.map((namespace) => list(namespace)));
  const isOwnKnown = own.length > 0 && own.every((outcome) => outcome.error === undefined);
  // Services lead to pods of their own namespace alone.
  if (isOwnKnown && kind === 'Service') return { objects, notLookedAt: [] };
  return { objects, notLookedAt: [{ what: isOwnKnown ? `${resource} of other namespaces` : resource, reason }] };
}
