import { JsonFields } from '../../core/encoding/json-fields.ts';
import { EXCEPTION_API_VERSION, parseImageException, type ImageException } from '../../core/policy/image-exception.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/json.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import type { Logger } from '../shell/logger.ts';

/** Exceptions and broken glass, as they are at the moment. */
export interface ExceptionSource {
  current(): readonly ImageException[];
  close(): Promise<void>;
}

const KINDS = { ImageException: 'imageexceptions', BreakGlass: 'breakglasses' } as const;
const PERIOD_MS = 5000;
const MAX_ITEMS = 5000;

/**
 * Exceptions of a cluster, asked for every five seconds. While the API server cannot be asked, those known stay as they are: each
 * ends by itself. One that is not valid excepts nothing, and is logged once. A cluster without the kinds has none.
 */
export async function openClusterExceptions(cluster: ClusterAccess, logger: Logger): Promise<ExceptionSource> {
  let current: readonly ImageException[] = [];
  const complained = new Set<string>();
  let isFailing = false;
  const read = async (): Promise<void> => {
    try {
      const [exceptions, glasses] = await Promise.all([list(cluster, 'ImageException'), list(cluster, 'BreakGlass')]);
      current = [...exceptions, ...glasses].flatMap((item) => readOne(item, complained, logger));
      isFailing = false;
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      if (!isFailing) logger.warn({ error }, 'exceptions cannot be read; those known stay until they end');
      isFailing = true;
    }
  };
  await read();
  const stop = new AbortController();
  const { setTimeout: sleep } = await import('node:timers/promises');
  const isStopped = (): boolean => stop.signal.aborted;
  const polling = (async (): Promise<void> => {
    for (;;) {
      await sleep(PERIOD_MS, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (isStopped()) return;
      await read();
    }
  })();
  return {
    current: () => current,
    close: async () => {
      stop.abort();
      await polling;
    },
  };
}

async function list(cluster: ClusterAccess, kind: keyof typeof KINDS): Promise<readonly JsonFields[]> {
  const answer = await fetchClusterObject(cluster, `/apis/${EXCEPTION_API_VERSION}/${KINDS[kind]}`);
  // The items of a list do not repeat what they are.
  return (answer?.array('items', MAX_ITEMS) ?? []).map((item) => withKind(item, kind));
}

function withKind(item: JsonValue, kind: string): JsonFields {
  return new JsonFields({ ...(item as JsonObject), apiVersion: EXCEPTION_API_VERSION, kind }, kind, 'FORMAT_POLICY');
}

function readOne(item: JsonFields, complained: Set<string>, logger: Logger): readonly ImageException[] {
  try {
    return [parseImageException(item)];
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    const name = JSON.stringify(item.value('metadata') ?? {}).slice(0, 2000);
    if (!complained.has(name)) logger.error({ error }, 'an exception is not valid, and excepts nothing');
    if (complained.size < MAX_ITEMS) complained.add(name);
    return [];
  }
}
