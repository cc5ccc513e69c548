/**
 * What one batch changes, in one transaction.
 */
export interface Commit {
  /** The checkpoint this one follows; undefined for the first commit of a log. */
  readonly previous: string | undefined;
  /** Signed note. */
  readonly checkpoint: string;
  /** Identities of the new entries, 32 bytes each, with the index each was given. None of them is there yet. */
  readonly identities: readonly EntryIdentity[];
  /** Whatever it takes to place the batch's objects again; undefined when there is nothing to place. */
  readonly staged: Uint8Array | undefined;
  /** Staged batches whose objects are durable by now, to forget. */
  readonly settled: readonly number[];
}

export interface EntryIdentity {
  readonly identity: Uint8Array;
  readonly index: bigint;
}

/** A committed batch that may not have all its objects in place. */
export interface StagedBatch {
  /** Grows from commit to commit. */
  readonly sequence: number;
  readonly batch: Uint8Array;
}

/**
 * The ordered commits of one log. This is the only lock there is: two writers can at most race for one commit, and one
 * of them loses it whole.
 *
 * A call that throws says what is known: IntegrityError STATE_CONFLICT and nothing was written; STATE_CORRUPT and the store
 * contradicts itself, nothing was written; STATE_UNAVAILABLE and the outcome of a `commit` is unknown until `head` is
 * asked again.
 */
export interface CommitStore {
  /** The last commit's checkpoint; undefined when there never was one. Failing to find out throws. */
  head(): Promise<string | undefined>;

  /**
   * All of the commit, or nothing. On return it is durable: a power cut from then on does not lose it.
   *
   * @returns the sequence number of the staged batch, undefined when nothing was staged
   * @throws IntegrityError STATE_CONFLICT when the head is not `previous`: another writer was here
   */
  commit(commit: Commit): Promise<number | undefined>;

  /** The index of each identity, undefined for those that no commit has. */
  find(identities: readonly Uint8Array[]): Promise<readonly (bigint | undefined)[]>;

  /** Staged batches that are not settled, oldest first. */
  staged(): Promise<readonly StagedBatch[]>;

  /** Forgets staged batches whose objects are durable. May be lost in a power cut, which only means placing them again. */
  settle(sequences: readonly number[]): Promise<void>;

  close(): Promise<void>;
}
