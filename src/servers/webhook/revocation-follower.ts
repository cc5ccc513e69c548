import type { Hono } from 'hono';
import { RevocationIndex } from '../../core/revocation/revocation-index.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { LimitError, NotFoundError, SealwrightError } from '../../errors.ts';
import type { RevocationState, RevocationView } from '../../workflows/admission/revocation-state.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import { readBody } from '../shell/body.ts';
import type { Logger } from '../shell/logger.ts';
import { repeatTask } from '../shell/repeated-task.ts';
import type { TrustFollower } from './trust-follower.ts';

/** What one authority has revoked. */
export interface FollowedRevocations {
  readonly state: RevocationState;
  /** Asks the source for news. @returns why there are none */
  readonly refresh: () => Promise<SealwrightError | undefined>;
}

export interface FollowerOptions {
  /** Undefined where nobody has told anything yet. */
  readonly first: FollowedRevocations | undefined;
  /**
   * Asks who may revoke, where that can change while the webhook runs: a trust may begin to tell, or name others.
   *
   * @returns undefined unless it is somebody else than before
   */
  readonly reopen?: () => Promise<FollowedRevocations | undefined>;
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

/**
 * Opens what is revoked anew when the trust names another authority, and when its trusted root has changed: statements of the new root's
 * signers are verified by that. Where opening fails, it is tried again, and what is known stands under the root before.
 *
 * @param mayFallSilent whether only a trust that tells of revocations itself is listened to again
 */
export function reopenWithTrust(
  trust: Pick<TrustFollower, 'current'>,
  open: (trust: ResolvedTrust) => Promise<FollowedRevocations | undefined>,
  mayFallSilent: boolean,
): () => Promise<FollowedRevocations | undefined> {
  let known = trust.current();
  return async () => {
    const now = trust.current();
    const isSame = now.trustedRoot === known.trustedRoot && now.revocations?.authority === known.revocations?.authority;
    if (isSame || (mayFallSilent && now.revocations === undefined)) return undefined;
    const opened = await open(now);
    known = now;
    return opened;
  };
}

const EVERY_MS = 30_000;
const MAX_BYTES = 16 << 20;
/** Nobody has ever spoken of revocations, and so nobody's silence means anything. */
const NOTHING: RevocationView = {
  index: new RevocationIndex([]),
  version: 0,
  freshness: undefined,
  staleness: { effect: 'none' },
};

/**
 * The source is asked once before this returns; that it does not answer is told, and shows in every view.
 *
 * @throws UsageError where the source is not what it was said to be, the first time
 */
export async function followRevocations(options: FollowerOptions): Promise<RevocationFollower> {
  const { reopen, everyMs = EVERY_MS, logger } = options;
  let followed = options.first;
  const view = (): RevocationView => followed?.state.view() ?? NOTHING;
  /** Others take their place when they have been asked: until then less would be known. */
  const ask = async (asked: FollowedRevocations | undefined): Promise<void> => {
    const before = view().version;
    const error = await asked?.refresh();
    if (error !== undefined) noNews(error);
    followed = asked;
    tellNews(before);
  };
  const noNews = (error: SealwrightError): void => {
    logger?.warn({ error }, 'no news of revocations; what is known stands');
  };
  const tellNews = (before: number): void => {
    const { version, index } = view();
    if (version !== before) logger?.info({ version, inForce: index.size }, 'revocations');
  };
  /** What fails now and not at the start may come right again: what is known stands until then. */
  const askAgain = async (): Promise<void> => {
    try {
      await ask((await reopen?.()) ?? followed);
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      noNews(error);
    }
  };
  await ask(followed);
  const asking = repeatTask(askAgain, () => everyMs);
  let isTaking = false;
  return {
    view,
    mount: (routes) => {
      routes.post('/revocations', async (context) => {
        // To verify one keeps the processor busy: strangers may do that one at a time.
        if (isTaking) throw tooBusy();
        if (followed === undefined) throw nobodyMay();
        isTaking = true;
        try {
          const { state } = followed;
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
    close: () => asking.stop(),
  };
}

function tooBusy(): LimitError {
  return new LimitError('LIMIT_BUSY', 'another snapshot of revocations is being verified', {
    expected: 'one at a time',
    retryAfterSeconds: 1,
  });
}

function nobodyMay(): NotFoundError {
  return new NotFoundError('NOT_FOUND', 'nobody has said yet who may revoke', {
    expected: 'a trust root that tells it, or --revocation-authority',
  });
}
