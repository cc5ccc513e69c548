import type { CopyOutcome, Rung, RungOutcome, RunningCopy } from '../../core/audit/running-copy.ts';
import { rungsFor } from '../../core/audit/running-copy.ts';
import { RemoteError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { askCluster, type ClusterAnswer, type ClusterRequest } from '../../io/kubernetes/cluster-request.ts';
import { createClusterEvent } from '../../io/kubernetes/event.ts';

export interface LadderOptions {
  readonly cluster: ClusterAccess;
  readonly level: Rung;
  /** Asks the API server what it would do, and changes nothing. */
  readonly isDryRun: boolean;
  /** Namespaces that are never touched. */
  readonly needed: ReadonlySet<string>;
  /** How often a budget is asked again before the next sweep does it. */
  readonly retries: number;
  /** Between two pods that are ended, so that what runs is not emptied at once. */
  readonly pauseMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly now: () => Date;
  /** Lower-case hexadecimal, never the same twice. */
  readonly suffix: () => string;
}

export const REVOKED_LABEL = 'sealwright.dev/revoked';

const FORBIDDEN = 403;
const NOT_FOUND = 404;
const CONFLICT = 409;
const TOO_MANY = 429;
const FIRST_BACKOFF_MS = 1000;
const MAX_MESSAGE = 1000;

/**
 * Takes a copy up the ladder, a rung after the other. One that is refused is said, and the copy stays where it is: nothing further is
 * tried behind a refusal, but for deleting what a budget kept from being evicted, where that was asked for.
 */
export async function endRunningCopy(copy: RunningCopy, options: LadderOptions): Promise<CopyOutcome> {
  const { rungs, leftAlone } = rungsFor(copy, options.level, options.needed);
  const outcomes: RungOutcome[] = [];
  for (const rung of rungs) {
    const outcome = await climb(rung, copy, options);
    outcomes.push(outcome);
    const isOver = rung === 'evict' && outcome.result !== 'budget';
    if (isOver || !(['done', 'would-do', 'budget'] as const).some((result) => result === outcome.result)) break;
  }
  const isEnded = outcomes.some(({ rung, result }) => rung !== 'label' && result === 'done');
  if (isEnded) await options.sleep(options.pauseMs);
  return { ...copy, ...(leftAlone === undefined ? {} : { leftAlone }), rungs: outcomes };
}

async function climb(rung: Rung, copy: RunningCopy, options: LadderOptions): Promise<RungOutcome> {
  try {
    if (rung === 'label') return await label(copy, options);
    return rung === 'evict' ? await evict(copy, options) : await end(copy, options);
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    const result = error.status === FORBIDDEN ? 'forbidden' : 'failed';
    return { rung, result, detail: `${error.code} ${error.facts.found ?? error.message}` };
  }
}

/** For whoever looks at the pod: a label to select by, and an Event with the reason. */
async function label(copy: RunningCopy, { cluster, isDryRun, now, suffix }: LadderOptions): Promise<RungOutcome> {
  const { status } = await askCluster(cluster, {
    method: 'PATCH',
    path: `${pathOf(copy)}${isDryRun ? '?dryRun=All' : ''}`,
    document: { metadata: { uid: copy.uid, labels: { [REVOKED_LABEL]: 'true' } } },
    contentType: 'application/merge-patch+json',
    expect: [NOT_FOUND, CONFLICT],
  });
  if (status === NOT_FOUND || status === CONFLICT) return { rung: 'label', result: 'gone' };
  if (isDryRun) return { rung: 'label', result: 'would-do' };
  const { namespace, pod: name, uid, images } = copy;
  const message = images
    .map(({ image, reason }) => `${image}: ${reason}`)
    .join('; ')
    .slice(0, MAX_MESSAGE);
  await createClusterEvent(
    cluster,
    {
      type: 'Warning',
      reason: 'ImageRevoked',
      message: `REVOKED ${message}`.slice(0, MAX_MESSAGE),
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      firstAt: now(),
      lastAt: now(),
      count: 1,
    },
    { suffix: suffix(), instance: 'revoke-watch' },
  );
  return { rung: 'label', result: 'done' };
}

/** policy/v1: the API server asks the budgets, and answers 429 when one of them allows nothing now. */
async function evict(copy: RunningCopy, options: LadderOptions): Promise<RungOutcome> {
  const { isDryRun, retries, sleep } = options;
  const { namespace, pod: name, uid } = copy;
  const request: ClusterRequest = {
    method: 'POST',
    path: `${pathOf(copy)}/eviction`,
    document: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace },
      deleteOptions: { preconditions: { uid }, ...(isDryRun ? { dryRun: ['All'] } : {}) },
    },
    expect: [NOT_FOUND, CONFLICT, TOO_MANY],
  };
  for (let attempt = 0; ; attempt++) {
    const answer = await askCluster(options.cluster, request);
    if (answer.status !== TOO_MANY) return ended('evict', answer, isDryRun);
    if (isDryRun || attempt >= retries) {
      const detail = answer.object.optionalString('message') ?? '';
      return { rung: 'evict', result: 'budget', ...(detail === '' ? {} : { detail }) };
    }
    await sleep(FIRST_BACKOFF_MS * 2 ** attempt);
  }
}

async function end(copy: RunningCopy, { cluster, isDryRun }: LadderOptions): Promise<RungOutcome> {
  const answer = await askCluster(cluster, {
    method: 'DELETE',
    path: pathOf(copy),
    document: {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: copy.uid },
      ...(isDryRun ? { dryRun: ['All'] } : {}),
    },
    expect: [NOT_FOUND, CONFLICT],
  });
  return ended('delete', answer, isDryRun);
}

/** Another pod of the same name is another pod. */
function ended(rung: Rung, { status }: ClusterAnswer, isDryRun: boolean): RungOutcome {
  if (status === NOT_FOUND || status === CONFLICT) return { rung, result: 'gone' };
  return { rung, result: isDryRun ? 'would-do' : 'done' };
}

function pathOf({ namespace, pod }: RunningCopy): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
}
