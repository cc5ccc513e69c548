import type { PublicKey } from '../core/crypto/public-key.ts';
import { ImageReference } from '../core/image/reference.ts';
import { pinnedName, type ImageEvidence, type PinnedImage } from '../core/policy/image-evidence.ts';
import type { TrustedRoot } from '../core/trust/trusted-root.ts';
import { SealwrightError } from '../errors.ts';
import type { RegistryClient } from '../io/registry/registry-client.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { fetchImageSignatures } from './image-signatures.ts';
import { SignatureRecord } from './signature-record.ts';

export interface EvidenceOptions {
  readonly registry: RegistryClient;
  readonly trustedRoot: TrustedRoot;
  readonly now: () => Date;
  /** Images remembered; the one not asked for longest goes first. */
  readonly maxImages?: number;
  /** How long a pass may rest on what was found before. */
  readonly maxAgeMs?: number;
}

const DEFAULT_MAX_IMAGES = 2000;
const DEFAULT_MAX_AGE_MS = 3_600_000;
/** Images that one registry is asked about at once, over all reviews: a burst of pods must not become a burst there. */
const PARALLEL_IMAGES = 16;

/**
 * Evidence about images: fetched once, whatever the number of policies, keys and containers; reviews that ask at the same
 * time share one fetch. Kept by name and digest: what was proven about a digest stays proven. That something was missing is
 * never taken from memory, see {@link AdmissionEvidence.fresh}.
 */
export class AdmissionEvidence {
  readonly #options: EvidenceOptions;
  readonly #limit = new ConcurrencyLimit(PARALLEL_IMAGES);
  /** In the order of their last use. */
  readonly #known = new Map<string, SignatureRecord>();
  readonly #underWay = new Map<string, Promise<SignatureRecord>>();

  constructor(options: EvidenceOptions) {
    this.#options = options;
  }

  /** What is remembered, if it is not too old. */
  remembered(image: PinnedImage, keys: readonly PublicKey[]): ImageEvidence | undefined {
    const name = pinnedName(image);
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    this.#known.delete(name);
    const ageMs = this.#options.now().getTime() - known.foundAt.getTime();
    // A clock that went back makes nothing younger.
    if (ageMs < 0 || ageMs > (this.#options.maxAgeMs ?? DEFAULT_MAX_AGE_MS)) return undefined;
    this.#known.set(name, known);
    return known.evidence(keys);
  }

  /** What the registry holds now. A registry that cannot be asked makes evidence of its own kind, never an empty one. */
  async fresh(image: PinnedImage, keys: readonly PublicKey[]): Promise<ImageEvidence> {
    try {
      return (await this.#fetch(image)).evidence(keys);
    } catch (error) {
      if (error instanceof SealwrightError && error.family !== 'invariant') return { kind: 'unavailable', error };
      throw error;
    }
  }

  /** The digest that a tag stands for now. @throws all that RegistryClient throws */
  async resolve(reference: ImageReference): Promise<PinnedImage> {
    const { digest } = await this.#limit.run(reference.registry, () => this.#options.registry.resolve(reference));
    return { registry: reference.registry, repository: reference.repository, digest };
  }

  #fetch(image: PinnedImage): Promise<SignatureRecord> {
    const name = pinnedName(image);
    const shared = this.#underWay.get(name);
    if (shared !== undefined) return shared;
    const fetch = this.#limit
      .run(image.registry, () => this.#fetchRecord(image))
      .finally(() => {
        this.#underWay.delete(name);
      });
    this.#underWay.set(name, fetch);
    return fetch;
  }

  async #fetchRecord(image: PinnedImage): Promise<SignatureRecord> {
    const { registry, trustedRoot, now } = this.#options;
    const foundAt = now();
    const found = await fetchImageSignatures({ registry, reference: new ImageReference(image) });
    const record = new SignatureRecord(found, trustedRoot, foundAt);
    this.#remember(pinnedName(image), record);
    return record;
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
