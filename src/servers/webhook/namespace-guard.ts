import { isGuarded, type NamespaceScope } from '../../core/installation/installation-options.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import type { Logger } from '../shell/logger.ts';

export interface NamespaceGuardOptions {
  readonly cluster: ClusterAccess;
  readonly scope: NamespaceScope;
  /** Namespaces that are never guarded. */
  readonly exempt: readonly string[];
  readonly now: () => Date;
  readonly logger?: Logger;
}

/** So long a namespace that has left is still guarded. */
const KNOWN_MS = 30_000;
const MAX_KNOWN = 10_000;
const MAX_LABELS = 1000;

/**
 * Whether objects of a namespace are looked at, decided by the namespace itself: a webhook configuration that was written wrongly
 * asks about more than it should, and then nothing more is refused.
 *
 * What was guarded a moment ago is guarded. What is not is asked about each time, since a label that has just been set counts at
 * once; and so does what cannot be asked about. An image is admitted unseen only when the API server says so at that moment.
 */
export function namespaceGuard(options: NamespaceGuardOptions): (namespace: string) => Promise<boolean> {
  const { cluster, scope, exempt, now, logger } = options;
  const guardedUntil = new Map<string, number>();
  return async (name) => {
    if (!isGuarded('all', { name, labels: new Map() }, exempt)) return false;
    if (name === '' || scope === 'all' || (guardedUntil.get(name) ?? 0) > now().getTime()) return true;
    try {
      const object = await fetchClusterObject(cluster, `/api/v1/namespaces/${encodeURIComponent(name)}`);
      if (object === undefined) return true;
      const labels = object.object('metadata').optionalObject('labels');
      const names = (labels?.names() ?? []).slice(0, MAX_LABELS);
      const known = new Map(names.map((label) => [label, labels?.string(label) ?? '']));
      if (!isGuarded(scope, { name, labels: known }, exempt)) return false;
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      logger?.warn({ namespace: name, error }, 'a namespace cannot be asked about, and is guarded');
      return true;
    }
    if (guardedUntil.size >= MAX_KNOWN) guardedUntil.clear();
    guardedUntil.set(name, now().getTime() + KNOWN_MS);
    return true;
  };
}
