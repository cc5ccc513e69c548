/** A commit store in memory: what is committed survives everything, what is not is gone. For tests that break the rest. */
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { IntegrityError } from '../../src/errors.ts';
import type { Commit, CommitStore, StagedBatch } from '../../src/servers/store/commit-store.ts';

export class MemoryCommitStore implements CommitStore {
  #head: string | undefined;
  readonly #entries = new Map<string, bigint>();
  #staged: StagedBatch[] = [];
  #sequence = 0;

  head(): Promise<string | undefined> {
    return Promise.resolve(this.#head);
  }

  commit(commit: Commit): Promise<number | undefined> {
    if (commit.previous !== this.#head) return Promise.reject(new IntegrityError('STATE_CONFLICT', 'another writer'));
    const keys = commit.identities.map(({ identity }) => encodeHex(identity));
    if (keys.some((key) => this.#entries.has(key))) {
      return Promise.reject(new IntegrityError('STATE_CORRUPT', 'an identity twice'));
    }
    this.#head = commit.checkpoint;
    for (const [position, { index }] of commit.identities.entries()) this.#entries.set(keys[position] ?? '', index);
    this.#forget(commit.settled);
    if (commit.staged === undefined) return Promise.resolve(undefined);
    this.#staged.push({ sequence: ++this.#sequence, batch: Uint8Array.from(commit.staged) });
    return Promise.resolve(this.#sequence);
  }

  find(identities: readonly Uint8Array[]): Promise<readonly (bigint | undefined)[]> {
    return Promise.resolve(identities.map((identity) => this.#entries.get(encodeHex(identity))));
  }

  staged(): Promise<readonly StagedBatch[]> {
    return Promise.resolve([...this.#staged]);
  }

  settle(sequences: readonly number[]): Promise<void> {
    this.#forget(sequences);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #forget(sequences: readonly number[]): void {
    this.#staged = this.#staged.filter(({ sequence }) => !sequences.includes(sequence));
  }
}
