/** Creates pods at an API server, one after the other or many at once, and tells how long each took and what was answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterAccess } from '../src/io/kubernetes/cluster-access.ts';
import { podSpec } from '../test/servers/webhook/review.ts';

export interface PodCase {
  readonly name: string;
  readonly namespace: string;
  readonly images: readonly string[];
}

export interface Created {
  readonly status: number;
  /** Of a refusal. */
  readonly message: string;
  readonly ms: number;
}

let made = 0;

/** policy-controller's own client lets 20 pods a second through (two questions about accounts each, at 40 a second). */
const PACE_MS = 65;

export async function createPod(
  { http, server, authorization }: ClusterAccess,
  { namespace, images }: Pick<PodCase, 'namespace' | 'images'>,
): Promise<Created> {
  const bearer = await authorization();
  const body = Buffer.from(
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `p${made++}` }, spec: podSpec(...images) }),
  );
  const start = performance.now();
  const answer = await http.request({
    method: 'POST',
    url: `${server}/api/v1/namespaces/${namespace}/pods`,
    headers: { 'content-type': 'application/json', ...(bearer === undefined ? {} : { authorization: bearer }) },
    body,
    expect: [201, 400, 403, 500, 503],
  });
  const ms = performance.now() - start;
  if (answer.status === 201) return { status: 201, message: '', ms };
  const { message = '' } = JSON.parse(Buffer.from(answer.body).toString()) as { message?: string };
  return { status: answer.status, message, ms };
}

/** @throws Error when the answer is another one */
export async function mustAnswer(access: ClusterAccess, one: PodCase, status: number): Promise<number> {
  const created = await createPod(access, one);
  if (created.status === status) return created.ms;
  throw new Error(`${one.name}: ${created.status} ${created.message}`);
}

export interface Paced extends PodCase {
  readonly status: number;
  /** Pods in each round. */
  readonly pods: number;
}

/**
 * Milliseconds of every pod: one client, at a pace that every webhook keeps up with, the cases in turns, so that a noisy minute falls on
 * all of them.
 */
export async function inTurns(
  access: ClusterAccess,
  cases: readonly Paced[],
  rounds: number,
): Promise<readonly (readonly number[])[]> {
  const times = cases.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of cases.entries()) {
      for (let count = 0; count < one.pods; count++) {
        const ms = await mustAnswer(access, one, one.status);
        times[index]?.push(ms);
        await sleep(Math.max(0, PACE_MS - ms));
      }
    }
  }
  return times;
}

/** @returns pods a second */
export async function atOnce(access: ClusterAccess, one: PodCase, clients: number, pods: number): Promise<number> {
  const start = performance.now();
  let left = pods;
  const client = async (): Promise<void> => {
    while (left-- > 0) await mustAnswer(access, one, 201);
  };
  await Promise.all(Array.from({ length: clients }, client));
  return (pods * 1000) / (performance.now() - start);
}
