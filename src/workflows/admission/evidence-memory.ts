import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import { SealwrightError } from '../../errors.ts';
import type { EvidencePlace } from './evidence-place.ts';
import { SignatureRecord } from './signature-record.ts';
import {
  encodeStoredEvidence,
  parseStoredEvidence,
  type EvidenceStore,
  type StoredEvidence,
} from './stored-evidence.ts';

export interface MemoryOptions {
  readonly now: () => Date;
  /** Records remembered; the one not asked for longest goes first. */
  readonly maxImages?: number;
  /** Where what was found outlives this process. */
  readonly store?: EvidenceStore;
  /** Told of a store that fails: without it evidence is fetched again. */
  readonly reportStoreFailure?: (error: SealwrightError) => void;
}

const DEFAULT_MAX_IMAGES = 2000;

/** What was found about images: in this process, and behind it in the store that outlives it or that replicas share. */
export class EvidenceMemory {
  readonly #options: MemoryOptions;
  /** In the order of their last use. */
  readonly #known = new Map<string, SignatureRecord>();
  readonly #asked = new Map<string, Promise<SignatureRecord | undefined>>();

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  /** What this process knows, if it is young enough. */
  recall(place: EvidencePlace, maxAgeMs: number): SignatureRecord | undefined {
    const known = this.#known.get(place.name);
    if (known === undefined) return undefined;
    // The one asked for last is forgotten last.
    this.#remember(place.name, known);
    return this.#isUsable(known, place, maxAgeMs) ? known : undefined;
  }

  /** What an earlier process or another replica has found, where memory has nothing or something too old. */
  async recallStored(place: EvidencePlace, maxAgeMs: number): Promise<SignatureRecord | undefined> {
    if (this.#options.store === undefined) return undefined;
    const shared = this.#asked.get(place.name);
    const asked =
      shared ??
      this.#stored(place).finally(() => {
        this.#asked.delete(place.name);
      });
    this.#asked.set(place.name, asked);
    const stored = await asked;
    if (stored === undefined || !this.#isUsable(stored, place, maxAgeMs)) return undefined;
    const known = this.#known.get(place.name);
    // Something younger may have been fetched in the meantime.
    if (known === undefined || known.foundAt < stored.foundAt) this.#remember(place.name, stored);
    return stored;
  }

  keep(name: string, record: SignatureRecord, stored: StoredEvidence): void {
    this.#remember(name, record);
    // Nobody waits for that: the answer does not depend on it.
    void this.#withStore((store) => store.put(name, stored.foundAt, encodeStoredEvidence(name, stored)));
  }

  #isUsable(known: SignatureRecord, { wantsAttestations }: EvidencePlace, maxAgeMs: number): boolean {
    const ageMs = this.#options.now().getTime() - known.foundAt.getTime();
    // A clock that went back makes nothing younger.
    return ageMs >= 0 && ageMs <= maxAgeMs && (!wantsAttestations || known.hasAttestations);
  }

  async #stored({ name, image }: EvidencePlace): Promise<SignatureRecord | undefined> {
    const text = await this.#withStore((store) => store.get(name));
    if (text === undefined) return undefined;
    try {
      const { found, foundAt } = parseStoredEvidence(name, text, [IMAGE_SIGNATURE_PREDICATE]);
      // Signatures are verified for the digest that the record names: it has to be this image's.
      if (found.digest.toString() !== image.digest.toString()) return undefined;
      return new SignatureRecord(found, foundAt);
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      this.#options.reportStoreFailure?.(error);
      return undefined;
    }
  }

  /** A store that fails costs requests, and decides nothing. */
  async #withStore<Result>(use: (store: EvidenceStore) => Promise<Result>): Promise<Result | undefined> {
    const { store, reportStoreFailure } = this.#options;
    if (store === undefined) return undefined;
    try {
      return await use(store);
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      reportStoreFailure?.(error);
      return undefined;
    }
  }

  #remember(name: string, record: SignatureRecord): void {
    this.#known.delete(name);
    this.#known.set(name, record);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= (this.#options.maxImages ?? DEFAULT_MAX_IMAGES)) break;
      this.#known.delete(oldest);
    }
  }
}
