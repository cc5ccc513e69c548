import { trustedRootChanges } from '../../core/trust/trusted-root-changes.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { RemoteError, SealwrightError } from '../../errors.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { Logger } from '../shell/logger.ts';
import { repeatTask } from '../shell/repeated-task.ts';
import { LabelledCounter } from './metric-text.ts';

/** Whom the webhook trusts at one moment, and how sure that is. */
export interface TrustView {
  readonly trustedRoot: TrustedRoot;
  /** SHA-256 of its document, hexadecimal; undefined where its source has no document. */
  readonly fingerprint: string | undefined;
  readonly source: string;
  /** When the source was last known to say this. */
  readonly confirmedAt: Date;
  /** When the source's own word ends; files have no end. */
  readonly expires: Date | undefined;
  /** Why the source could not be had, or not be believed, when it was asked last. */
  readonly failure: SealwrightError | undefined;
}

export interface TrustFollowerOptions {
  readonly first: ResolvedTrust;
  readonly now: () => Date;
  /** How often the source is asked; five seconds when absent, half a minute after a peer that failed. */
  readonly everyMs?: number;
  readonly logger?: Logger;
  /** Told of every change and every failure, where people look. */
  readonly tell?: (what: 'changed' | 'failed' | 'renewed', view: TrustView) => void;
}

/** The trusted root, kept new: the last one that was good stays until a better one is there. */
export interface TrustFollower {
  view(): TrustView;
  /** The newest that was believed, with what it tells beside the trusted root. */
  current(): ResolvedTrust;
  /** Failures to renew it, by their code. */
  readonly failures: LabelledCounter;
  /** Asks now. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

const EVERY_MS = 5_000;
const AFTER_FAILURE_MS = 30_000;
/** The same failure is logged again after this long. */
const QUIET_MS = 600_000;
/** A mirror that is away for longer is no hiccup any more. */
const GRAVE_MS = 3_600_000;

/** Follows the source that was chosen at the start, and never another one: what fails is told, louder with time, and replaces nothing. */
export function followTrust(options: TrustFollowerOptions): TrustFollower {
  const { now, logger, everyMs } = options;
  const failures = new LabelledCounter();
  const notice = new FailureNotice(options);
  let known = options.first;
  let confirmedAt = known.confirmedAt ?? now();
  let failure: SealwrightError | undefined;
  const view = (): TrustView => ({
    trustedRoot: known.trustedRoot,
    fingerprint: known.fingerprint,
    source: known.source,
    confirmedAt,
    expires: known.expires,
    failure,
  });
  const adopt = (found: ResolvedTrust): void => {
    // The same root stays the same value: all that was verified under it is known by that.
    const isSame = found.fingerprint === known.fingerprint;
    const before = known;
    known = isSame ? { ...found, trustedRoot: known.trustedRoot } : found;
    if (isSame) return;
    const changes = trustedRootChanges(before.trustedRoot, found.trustedRoot);
    const { fingerprint, source } = found;
    logger?.info({ source, fingerprint, before: before.fingerprint, ...changes }, 'the trusted root has changed');
    options.tell?.('changed', view());
  };
  const fail = (error: SealwrightError): void => {
    failure = error;
    failures.add({ code: error.code });
    notice.failed(error, view());
  };
  const refresh = async (): Promise<void> => {
    try {
      const found = await known.again?.();
      if (found === undefined) return;
      confirmedAt = found.confirmedAt ?? now();
      adopt(found);
      if (found.outage !== undefined) {
        fail(found.outage);
        return;
      }
      failure = undefined;
      notice.ended(view());
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      fail(error);
    }
  };
  const pauseMs = (): number => everyMs ?? (failure instanceof RemoteError ? AFTER_FAILURE_MS : EVERY_MS);
  const asking = known.again === undefined ? undefined : repeatTask(refresh, pauseMs);
  return {
    view,
    current: () => known,
    failures,
    refresh,
    close: async () => {
      await asking?.stop();
    },
  };
}

/** Says what is wrong once, again every ten minutes, and as an error when it is no hiccup. */
class FailureNotice {
  readonly #options: TrustFollowerOptions;
  #last: { readonly code: string; readonly loggedAt: number } | undefined;
  #since: number | undefined;

  constructor(options: TrustFollowerOptions) {
    this.#options = options;
  }

  failed(error: SealwrightError, view: TrustView): void {
    const { now, logger, tell } = this.#options;
    const nowMs = now().getTime();
    this.#since ??= nowMs;
    tell?.('failed', view);
    const sinceMs = this.#last?.code === error.code ? nowMs - this.#last.loggedAt : QUIET_MS;
    // A clock that was put back must not silence anything.
    if (sinceMs >= 0 && sinceMs < QUIET_MS) return;
    this.#last = { code: error.code, loggedAt: nowMs };
    const { source, fingerprint, confirmedAt, expires } = view;
    const isOver = expires !== undefined && expires.getTime() <= nowMs;
    const isGrave = !(error instanceof RemoteError) || nowMs - this.#since >= GRAVE_MS || isOver;
    const facts = { error, source, fingerprint, confirmedAt, ...(expires === undefined ? {} : { expires }) };
    const message = 'the trusted root could not be renewed; decisions go on by the last good one';
    if (isGrave) logger?.error(facts, message);
    else logger?.warn(facts, message);
  }

  ended(view: TrustView): void {
    if (this.#since === undefined) return;
    const { source, fingerprint } = view;
    this.#options.tell?.('renewed', view);
    this.#options.logger?.info({ source, fingerprint }, 'the trusted root can be renewed again');
    this.#last = undefined;
    this.#since = undefined;
  }
}
