import { setTimeout as sleep } from 'node:timers/promises';
import type { Hono } from 'hono';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { LimitError, type SealwrightError } from '../../errors.ts';
import type { RevocationState, RevocationView } from '../../workflows/revocation-state.ts';
import { readBody } from '../shell/body.ts';
import type { Logger } from '../shell/logger.ts';

export interface FollowerOptions {
  readonly state: RevocationState;
  /** Asks the source for news. @returns why there are none */
  readonly refresh: () => Promise<SealwrightError | undefined>;
  /** How often the source is asked; half a minute when absent. */
  readonly everyMs?: number;
  readonly logger?: Logger;
}

/** What is revoked, kept new: asked for again and again, and taken from whoever brings it. */
export interface RevocationFollower {
  view(): RevocationView;
  /** `POST /revocations`: a snapshot carries its own proof, so anybody may bring one. */
  mount(routes: Hono): void;
  close(): Promise<void>;
}

const EVERY_MS = 30_000;
const MAX_BYTES = 16 << 20;

/** The source is asked once before this returns; that it does not answer is told, and shows in every view. */
export async function followRevocations(options: FollowerOptions): Promise<RevocationFollower> {
  const { state, refresh, everyMs = EVERY_MS, logger } = options;
  const stop = new AbortController();
  const ask = async (): Promise<void> => {
    const before = state.view().version;
    const error = await refresh();
    if (error !== undefined) logger?.warn({ error }, 'no news of revocations; what is known stands');
    tellNews(before);
  };
  const tellNews = (before: number): void => {
    const { version, index } = state.view();
    if (version !== before) logger?.info({ version, inForce: index.size }, 'revocations');
  };
  await ask();
  const run = async (): Promise<void> => {
    for (;;) {
      await sleep(everyMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (stop.signal.aborted) return;
      await ask();
    }
  };
  const running = run();
  let isTaking = false;
  return {
    view: () => state.view(),
    mount: (routes) => {
      routes.post('/revocations', async (context) => {
        // To verify one keeps the processor busy: strangers may do that one at a time.
        if (isTaking) throw tooBusy();
        isTaking = true;
        try {
          const before = state.view().version;
          const body = await readBody(context.req.raw, MAX_BYTES);
          const isNews = await state.accept(parseUtf8(body, 'FORMAT_REVOCATION', 'the revocation snapshot'));
          tellNews(before);
          return context.json({ version: state.view().version, isNews });
        } finally {
          isTaking = false;
        }
      });
    },
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

function tooBusy(): LimitError {
  return new LimitError('LIMIT_BUSY', 'another snapshot of revocations is being verified', {
    expected: 'one at a time',
    retryAfterSeconds: 1,
  });
}
