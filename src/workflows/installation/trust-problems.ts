import {
  TRUST_CONFIG_MAP,
  TRUST_FAILED_REASON,
  TRUST_RENEWED_REASON,
} from '../../core/installation/installation-options.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';
import type { StatusProblem } from './status-problem.ts';

const FORBIDDEN = 403;
const MAX_EVENTS = 5000;
/** A failure that goes on is told again every ten minutes. */
const RECENT_MS = 1_200_000;
const MAX_TEXT = 600;

/** Replicas that go on by an older trusted root, as their Events say. @throws RemoteError */
export async function trustProblems(
  cluster: ClusterAccess,
  namespace: string,
  now: Date,
): Promise<readonly StatusProblem[]> {
  const newest = new Map<string, { readonly reason: string; readonly at: string; readonly message: string }>();
  // The renewal last: of two in one second it is the later one.
  for (const reason of [TRUST_FAILED_REASON, TRUST_RENEWED_REASON]) {
    const query = new URLSearchParams({ fieldSelector: `reason=${reason}` });
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events?${query.toString()}`;
    const { status, object } = await askCluster(cluster, { path, expect: [FORBIDDEN] });
    if (status === FORBIDDEN) return [mayNotLook(namespace)];
    for (const event of object.objects('items', MAX_EVENTS)) {
      const instance = event.optionalString('reportingInstance') ?? '';
      const at = event.optionalString('lastTimestamp') ?? '';
      const message = event.optionalString('message') ?? '';
      if (isRecent(at, now) && at >= (newest.get(instance)?.at ?? '')) newest.set(instance, { reason, at, message });
    }
  }
  return [...newest]
    .filter(([, { reason }]) => reason === TRUST_FAILED_REASON)
    .map(([instance, { message }]) => ({
      text: `${instance} could not renew its trusted root: ${message.slice(0, MAX_TEXT)}`,
      fix: replaceCommand(namespace),
    }));
}

/** Times of Events have no fractions, and one length. */
function isRecent(at: string, now: Date): boolean {
  return now.getTime() - Date.parse(at) <= RECENT_MS;
}

function mayNotLook(namespace: string): StatusProblem {
  return {
    text: `whether replicas can renew their trusted root is not known: Events of ${namespace} may not be listed`,
    fix: `kubectl auth can-i list events --namespace ${namespace}`,
  };
}

/** Keeps what else the ConfigMap holds. */
function replaceCommand(namespace: string): string {
  const where = `configmap ${TRUST_CONFIG_MAP} --namespace ${namespace}`;
  return `kubectl create ${where} --from-file=trusted_root.json --dry-run=client -o json | kubectl patch ${where} --type=merge --patch-file=/dev/stdin`;
}
