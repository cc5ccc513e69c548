import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import type { Logger } from '../shell/logger.ts';

/** Long enough for a burst of pods, and shorter than anybody waits for a label to count. */
const KNOWN_MS = 5000;
const MAX_KNOWN = 10_000;
const MAX_LABELS = 1000;

/** Labels of a namespace; undefined when they cannot be had, which lets nothing off. */
export type NamespaceLabels = (namespace: string) => Promise<ReadonlyMap<string, string> | undefined>;

/** For policies that ask about them: an admission review does not hold them. Asked for at most every five seconds. */
export function namespaceLabels(options: {
  readonly cluster: ClusterAccess;
  readonly now: () => Date;
  readonly logger?: Logger;
}): NamespaceLabels {
  const { cluster, now, logger } = options;
  const known = new Map<string, { readonly until: number; readonly labels: ReadonlyMap<string, string> }>();
  return async (name) => {
    if (name === '') return undefined;
    const remembered = known.get(name);
    if (remembered !== undefined && now().getTime() < remembered.until) return remembered.labels;
    try {
      const object = await fetchClusterObject(cluster, `/api/v1/namespaces/${encodeURIComponent(name)}`);
      if (object === undefined) return undefined;
      const fields = object.object('metadata').optionalObject('labels');
      const names = (fields?.names() ?? []).slice(0, MAX_LABELS);
      const labels = new Map(names.map((label) => [label, fields?.string(label) ?? '']));
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(name, { until: now().getTime() + KNOWN_MS, labels });
      return labels;
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      logger?.warn({ namespace: name, error }, 'labels of a namespace cannot be had; no selector lets it off');
      return undefined;
    }
  };
}
