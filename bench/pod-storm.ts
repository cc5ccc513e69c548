/** Thousands of pods over hundreds of images that nobody has seen, while the registry refuses half of what it is asked. */
import type { ClusterAccess } from '../src/io/kubernetes/cluster-access.ts';
import type { World } from '../test/servers/webhook/world.ts';
import { seededRandom } from '../test/support/volatile-disk.ts';
import { createPod } from './pod-load.ts';

export interface StormOptions {
  readonly access: ClusterAccess;
  readonly world: World;
  readonly namespace: string;
  readonly pods: number;
  readonly signed: readonly string[];
  readonly unsigned: readonly string[];
  readonly clients: number;
}

export interface StormReport {
  readonly seconds: number;
  /** A signed pod refused for another reason than that it could not be checked, or an unsigned one admitted or refused for another reason. */
  readonly wrong: readonly string[];
  /** The API server lost patience with the webhook. */
  readonly timeouts: number;
  /** Answers "could not check", after which the pod was tried again, as its controller would. */
  readonly unchecked: number;
  readonly admitted: number;
  readonly refused: number;
  readonly requests: number;
  readonly throttled: number;
}

/** How often a pod is tried until it counts as wrong: its controller would go on for ever. */
const MOST_TRIES = 50;

export async function podStorm(options: StormOptions): Promise<StormReport> {
  const { access, world, namespace, pods, signed, unsigned, clients } = options;
  const images = [...signed, ...unsigned];
  const random = seededRandom(1);
  const report = {
    wrong: [] as string[],
    timeouts: 0,
    unchecked: 0,
    admitted: 0,
    refused: 0,
    requests: 0,
    throttled: 0,
  };
  world.fault.answer = () => {
    report.requests++;
    if (random() < 0.5) return undefined;
    report.throttled++;
    return new Response('', { status: 429 });
  };
  const once = async (image: string): Promise<boolean> => {
    const { status, message } = await createPod(access, { namespace, images: [image] });
    const isSigned = signed.includes(image);
    if (status === 201 && isSigned) report.admitted++;
    else if (status === 403 && !isSigned && message.includes('NO_SIGNATURE')) report.refused++;
    else if (message.includes('COULD_NOT_CHECK')) {
      report.unchecked++;
      return false;
    } else if (/deadline exceeded|failed calling webhook/.test(message)) report.timeouts++;
    else report.wrong.push(`${image}: ${status} ${message.slice(0, 300)}`);
    return true;
  };
  let next = 0;
  const client = async (): Promise<void> => {
    for (let pod = next++; pod < pods; pod = next++) {
      const image = images[pod % images.length] ?? '';
      let tries = 0;
      while (!(await once(image)))
        if (++tries >= MOST_TRIES) throw new Error(`${image} could not be checked ${tries} times`);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  world.fault.answer = undefined;
  return { ...report, seconds: (performance.now() - start) / 1000 };
}
