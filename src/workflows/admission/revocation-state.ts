import { RevocationIndex } from '../../core/revocation/revocation-index.ts';
import { verifySnapshot, type VerifiedSnapshot } from '../../core/revocation/revocation-snapshot.ts';
import {
  freshnessOf,
  judgeFreshness,
  LAST_KNOWN_MS,
  type Freshness,
  type StalenessMode,
} from '../../core/revocation/snapshot-freshness.ts';
import type { StatementTrust } from '../../core/revocation/verified-statement.ts';
import { PolicyError, SealwrightError, UsageError } from '../../errors.ts';

/** Where the newest snapshot that was ever believed outlives this process. */
export interface SnapshotKeeper {
  /** Undefined when there is none yet. @throws what reading throws: nothing that could not be read is taken for nothing */
  read(): Promise<string | undefined>;
  /** On return it is there for good. */
  write(text: string): Promise<void>;
}

export interface RevocationStateOptions extends StatementTrust {
  readonly keeper: SnapshotKeeper;
  /** What was believed of the authority before this one, where another has taken its place: the new one may only add to it. */
  readonly predecessor?: VerifiedSnapshot;
  readonly mode: StalenessMode;
  /** How long what is known does after its end; a day when absent. */
  readonly lastKnownMs?: number;
  /** How old what is known may be at all, from when it was issued: for a site that is brought it. Instead of `lastKnownMs`. */
  readonly maxAgeMs?: number;
  readonly now: () => Date;
}

/** What is known at one moment. */
export interface RevocationView {
  readonly index: RevocationIndex;
  readonly version: number;
  readonly freshness: Freshness | undefined;
  /** What it means for decisions that nothing newer is known. */
  readonly staleness: ReturnType<typeof judgeFreshness>;
}

/** The newest revocations that were ever believed. What is in force is so until it is reinstated, however old the news are. */
export class RevocationState {
  readonly #options: RevocationStateOptions;
  #known: VerifiedSnapshot | undefined;
  #index = new RevocationIndex([]);

  private constructor(options: RevocationStateOptions) {
    this.#options = options;
  }

  /** @throws what the keeper throws, and what `accept` does: what was believed before must not have become something else */
  static async open(options: RevocationStateOptions): Promise<RevocationState> {
    const state = new RevocationState(options);
    const kept = await options.keeper.read();
    if (kept !== undefined) state.#adopt(verifySnapshot(kept, options));
    else if (options.predecessor !== undefined) state.#adopt(options.predecessor);
    return state;
  }

  get snapshot(): VerifiedSnapshot | undefined {
    return this.#known;
  }

  /**
   * Takes a snapshot from wherever it comes: it carries its own proof.
   *
   * @returns whether it is newer than what was known
   * @throws FormatError, VerificationError, LimitError for one that is not to be believed; what the keeper throws. What was known
   *   goes on being so
   */
  async accept(text: string): Promise<boolean> {
    const before = this.#known;
    const snapshot = verifySnapshot(text, this.#options, before);
    const isInherited = before !== undefined && before === this.#options.predecessor;
    if (snapshot.version === before?.version && !isInherited) return false;
    await this.#options.keeper.write(text);
    // Another one may have come while this one was written.
    if (this.#known !== before) return this.accept(text);
    this.#adopt(snapshot);
    return true;
  }

  view(): RevocationView {
    const { now, mode } = this.#options;
    const known = this.#known;
    if (known === undefined) {
      const error = unknown();
      const staleness = { effect: mode === 'warn' ? ('warn' as const) : ('refuse' as const), error };
      return { index: this.#index, version: 0, freshness: undefined, staleness };
    }
    const freshness = this.#freshness(known, now());
    return { index: this.#index, version: known.version, freshness, staleness: judgeFreshness(freshness, known, mode) };
  }

  #freshness({ issuedAt, expires }: VerifiedSnapshot, now: Date): Freshness {
    const { lastKnownMs = LAST_KNOWN_MS, maxAgeMs } = this.#options;
    if (maxAgeMs === undefined) return freshnessOf({ issuedAt, expires }, now, lastKnownMs);
    const end = issuedAt.getTime() + maxAgeMs;
    const until = new Date(Math.min(end, expires.getTime()));
    return freshnessOf({ issuedAt, expires: until }, now, end - until.getTime());
  }

  #adopt(snapshot: VerifiedSnapshot): void {
    this.#known = snapshot;
    this.#index = new RevocationIndex(snapshot.history.inForce);
  }
}

/** Brings in what a source has, if it can be had: what is known already is better than nothing, and its age tells. */
export async function refreshRevocations(
  state: RevocationState,
  read: () => Promise<string>,
): Promise<SealwrightError | undefined> {
  try {
    await state.accept(await read());
    return undefined;
  } catch (error) {
    if (!(error instanceof SealwrightError) || error instanceof UsageError || error.family === 'invariant') throw error;
    return error;
  }
}

function unknown(): PolicyError {
  return new PolicyError('TRUST_STALE', 'nobody has told yet what is revoked', {
    found: 'no snapshot of revocations, now or before',
    expected: 'a snapshot of the revocation authority',
    fix: 'sealwright revoke status',
  });
}
