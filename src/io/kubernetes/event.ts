import { utf8 } from '../../core/encoding/bytes.ts';
import type { ClusterAccess } from './cluster-access.ts';

/** A core/v1 Event, as much of it as is ours to say. */
export interface ClusterEvent {
  readonly type: 'Warning' | 'Normal';
  /** UpperCamelCase. */
  readonly reason: string;
  /** At most 1024 bytes. */
  readonly message: string;
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string;
  };
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** How often it has happened between the two. */
  readonly count: number;
}

const COMPONENT = 'sealwright';
/** An object's name and a suffix have to fit into a name (253 characters). */
const MAX_NAME = 200;
const MAX_ANSWER_BYTES = 1 << 20;

/**
 * Creates an Event in the namespace of what it is about.
 *
 * @param suffix makes its name unlike all others: lower-case hexadecimal
 * @param instance name of the pod that reports
 * @throws RemoteError REMOTE_STATUS when it may not be created, REMOTE_* when the API server cannot be asked
 */
export async function createClusterEvent(
  access: ClusterAccess,
  event: ClusterEvent,
  { suffix, instance }: { readonly suffix: string; readonly instance: string },
): Promise<void> {
  const { regarding, type, reason, message, firstAt, lastAt, count } = event;
  const { namespace, name } = regarding;
  const bearer = await access.authorization();
  const body = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, MAX_NAME)}.${suffix}`, namespace },
    involvedObject: regarding,
    type,
    reason,
    message,
    firstTimestamp: seconds(firstAt),
    lastTimestamp: seconds(lastAt),
    count,
    action: 'Admission',
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    reportingInstance: instance,
  };
  await access.http.request({
    method: 'POST',
    url: `${access.server}/api/v1/namespaces/${encodeURIComponent(namespace)}/events`,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(bearer === undefined ? {} : { authorization: bearer }),
    },
    body: utf8(JSON.stringify(body)),
    maxBytes: MAX_ANSWER_BYTES,
    redirects: 'refuse',
    peer: "the cluster's API server",
  });
}

/** metav1.Time has no fractions. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
