import { setTimeout as sleep } from 'node:timers/promises';
import {
  CONTROLLER_CONFIG_MAP as NAME,
  DEFAULT_CONTROLLER_CONFIG,
  readControllerConfig,
  type ControllerConfig,
} from '../../core/policy/judgement/controller-config.ts';
import { SealwrightError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { corePath, fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import type { Logger } from '../shell/logger.ts';

export interface ControllerConfigOptions {
  readonly cluster: ClusterAccess;
  readonly systemNamespace: string;
  /** How often it is read again; half a minute when absent, never by itself when 0. */
  readonly rereadMs?: number;
  readonly logger?: Logger;
}

export interface ControllerConfigSource {
  current(): ControllerConfig;
  reread(): Promise<void>;
  close(): Promise<void>;
}

const REREAD_MS = 30_000;
const MAX_ENTRIES = 1000;

/**
 * policy-controller's ConfigMap, read again and again. While the API server cannot be asked, what it said last holds; when the
 * ConfigMap is not there, the defaults do.
 *
 * @throws RemoteError when it cannot be read the first time; FormatError for entries that are no texts
 */
export async function openControllerConfig(options: ControllerConfigOptions): Promise<ControllerConfigSource> {
  const { cluster, systemNamespace, rereadMs = REREAD_MS, logger } = options;
  let current = DEFAULT_CONTROLLER_CONFIG;
  const reread = async (): Promise<void> => {
    const object = await fetchClusterObject(cluster, corePath(systemNamespace, 'configmaps', NAME));
    const data = object?.optionalObject('data');
    const names = (data?.names() ?? []).slice(0, MAX_ENTRIES);
    current = readControllerConfig(new Map(names.map((name) => [name, data?.string(name) ?? ''])));
  };
  await reread();
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    for (;;) {
      await sleep(rereadMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (stop.signal.aborted) return;
      await reread().catch((error: unknown) => {
        if (!(error instanceof SealwrightError)) throw error;
        logger?.warn({ error }, `${NAME} cannot be read; what it said last holds`);
      });
    }
  };
  const running = rereadMs === 0 ? undefined : run();
  return {
    current: () => current,
    reread,
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
