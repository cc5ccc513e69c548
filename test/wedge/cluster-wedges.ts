/** Ways to wedge a cluster that need a real API server: what it does while the webhook is not there, and how to get out. */

export interface ClusterWedge {
  readonly danger: string;
  readonly outcome: string;
}

/** Held to by `test/wedge/cluster.test.ts`. */
export const CLUSTER_WEDGES = {
  dead: {
    danger: 'every replica of the webhook is dead, with `failurePolicy: Fail`',
    outcome:
      'new pods in guarded namespaces are refused; DELETE, the `scale` and `status` subresources and namespaces that are not guarded ' +
      '(kube-system, the webhook’s own) go on, as the API server does not ask about them',
  },
  exit: {
    danger: 'the way out: a webhook that does not come back',
    outcome: 'its configurations are never sent to a webhook: deleting them lets everything go on at once',
  },
  open: {
    danger: 'somebody has set `failurePolicy: Ignore`, and nobody notices that the webhook fails open',
    outcome: 'the API server’s own count of requests let through is read, and shown by `sealwright webhook status`',
  },
  restart: {
    danger: 'the API server restarts, and with it every watch of policies is lost',
    outcome:
      'decisions go on by the policies that were known; they are listed again by itself, and a change takes effect without a restart of the webhook',
  },
  glass: {
    danger: 'an image that has to run now is refused, and the only way out is to switch admission off',
    outcome:
      '`BreakGlass` admits its digest in its namespace for at most 72 hours, with a warning to whoever asks, an Event and a record; nothing else. ' +
      'One without owner, reason, ticket or end is refused by the API server',
  },
  events: {
    danger: 'a refusal that only a controller sees: the Deployment stands still, and nobody is told',
    outcome: 'an Event at the controller that wanted the pod, in the words of the answer',
  },
} as const satisfies Readonly<Record<string, ClusterWedge>>;
