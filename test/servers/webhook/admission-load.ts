/** Pods that are asked about without a pause, while something happens to the webhook. */
import type { ClusterAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { askCluster } from '../../../src/io/kubernetes/cluster-request.ts';

export const CLIENTS = 4;
/** Answers of each client that a phase of the rotation has to see. */
export const ROUNDS = 25;
export const ALLOWED_IMAGE = `allowed.example/app@sha256:${'b'.repeat(64)}`;
export const OTHER_IMAGE = `other.example/app@sha256:${'b'.repeat(64)}`;

/** Creates pods that are not stored, one after the other, and keeps what went wrong. */
export class Load {
  readonly failures: string[] = [];
  answers = 0;
  readonly #access: ClusterAccess;
  #isOver = false;
  readonly #clients: Promise<void>[];

  constructor(access: ClusterAccess) {
    this.#access = access;
    this.#clients = Array.from({ length: CLIENTS }, (_, client) => this.#run(client));
  }

  /** Until that many more were answered. */
  async sees(answers: number): Promise<void> {
    const until = this.answers + answers;
    while (this.answers < until) await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(client: number): Promise<void> {
    for (let index = 0; !this.#isOver; index++) {
      const isAllowed = index % 2 === 0;
      const outcome = await dryRunPod(this.#access, `load-${client}`, isAllowed ? ALLOWED_IMAGE : OTHER_IMAGE);
      this.answers++;
      if (isAllowed ? outcome !== '' : !outcome.includes('POLICY_NO_MATCH')) this.failures.push(outcome || 'admitted');
    }
  }
}

/** @returns the refusal; empty for a pod that is admitted */
export async function dryRunPod(access: ClusterAccess, name: string, image: string): Promise<string> {
  const { object } = await askCluster(access, {
    method: 'POST',
    path: '/api/v1/namespaces/shop/pods?dryRun=All',
    document: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name: 'c', image }] },
    },
    expect: [400, 403, 500, 503],
  });
  return object.optionalString('kind') === 'Pod' ? '' : (object.optionalString('message') ?? 'no message');
}
