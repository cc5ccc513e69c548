import { ImageReference, type Repository } from '../core/image/reference.ts';
import type { EvidenceDemand } from '../core/policy/evidence-demand.ts';
import { pinnedName, type EvidenceFor, type ImageEvidence, type PinnedImage } from '../core/policy/image-evidence.ts';
import type { PolicyMaterial } from '../core/policy/policy-material.ts';
import type { RevocationIndex } from '../core/revocation/revocation-index.ts';
import type { TrustedRoot } from '../core/trust/trusted-root.ts';
import { SealwrightError } from '../errors.ts';
import { IMAGE_SIGNATURE_PREDICATE } from '../core/attestation/image-signature.ts';
import { ConcurrencyLimit } from '../io/net/concurrency-limit.ts';
import { fetchImageSignatures } from './image-signatures.ts';
import type { RegistryAccess } from './registry-access.ts';
import { encodeStoredEvidence, parseStoredEvidence, type EvidenceStore } from './stored-evidence.ts';
import { SignatureRecord } from './signature-record.ts';

export interface EvidenceOptions {
  readonly trustedRoot: TrustedRoot;
  readonly now: () => Date;
  /** Records remembered; the one not asked for longest goes first. */
  readonly maxImages?: number;
  /** How long a pass may rest on what was found before; an hour when absent. */
  readonly maxAgeMs?: number;
  /** How long a pass may rest on it while the registry cannot be asked; a day when absent, never when 0. */
  readonly lastKnownMs?: number;
  /** For a report about one moment: what was asked once, also in vain, is not asked again, and nothing is older than that. */
  readonly asksOnce?: true;
  /** Where what was found outlives this process. */
  readonly store?: EvidenceStore;
  /** Told of a store that fails: without it evidence is fetched again. */
  readonly reportStoreFailure?: (error: SealwrightError) => void;
}

/** One image as the policies that cover it look at it. */
export interface EvidenceRequest {
  readonly image: PinnedImage;
  readonly demands: readonly EvidenceDemand[];
  readonly material: PolicyMaterial;
  readonly access: RegistryAccess;
  /** What is revoked at the moment. */
  readonly revocations?: RevocationIndex;
}

const DEFAULT_MAX_IMAGES = 2000;
const DEFAULT_MAX_AGE_MS = 3_600_000;
const DEFAULT_LAST_KNOWN_MS = 86_400_000;
/** Images that one registry is asked about at once, over all reviews: a burst of pods must not become a burst there. */
const PARALLEL_IMAGES = 16;

/** What is known from before about all that some demands are about. */
export interface RecalledEvidence {
  readonly evidence: EvidenceFor;
  /** When the oldest of it was found. */
  readonly foundAt: Date;
}

/** Where signatures of an image are, and whether its attestations are wanted too. */
interface Place {
  readonly image: PinnedImage;
  /** Image, repository and prefix: what a record is remembered by. */
  readonly name: string;
  readonly repository: Repository;
  readonly tagPrefix: string;
  readonly pullSecrets: readonly string[];
  readonly wantsAttestations: boolean;
}

/**
 * Evidence about images: fetched once for each place, whatever the number of policies, keys and containers; reviews that ask
 * at the same time share one fetch. Kept by name and digest: what was proven about a digest stays proven. That something was
 * missing is never taken from memory, see {@link AdmissionEvidence.fresh}.
 */
export class AdmissionEvidence {
  readonly #options: EvidenceOptions;
  readonly #limit = new ConcurrencyLimit(PARALLEL_IMAGES);
  /** In the order of their last use. */
  readonly #known = new Map<string, SignatureRecord>();
  readonly #asked = new Map<string, Promise<SignatureRecord | undefined>>();
  readonly #underWay = new Map<string, Promise<SignatureRecord>>();
  readonly #resolved = new Map<string, Promise<PinnedImage>>();

  constructor(options: EvidenceOptions) {
    this.#options = options;
  }

  /** What is remembered about every place that the policies look at, if nothing of it is too old. */
  remembered(request: EvidenceRequest): Promise<RecalledEvidence | undefined> {
    if (this.#options.asksOnce === true) return Promise.resolve(undefined);
    return this.#recallAll(request, this.#options.maxAgeMs ?? DEFAULT_MAX_AGE_MS);
  }

  /** The same with the age that counts while the registry cannot be asked: proven before, and not longer ago than that. */
  lastKnown(request: EvidenceRequest): Promise<RecalledEvidence | undefined> {
    if (this.#options.asksOnce === true) return Promise.resolve(undefined);
    return this.#recallAll(request, this.#options.lastKnownMs ?? DEFAULT_LAST_KNOWN_MS);
  }

  async #recallAll(request: EvidenceRequest, maxAgeMs: number): Promise<RecalledEvidence | undefined> {
    const found = new Map<string, SignatureRecord>();
    for (const place of placesOf(request)) {
      const { registry, repository } = place.repository;
      const since = request.revocations?.freshSince(`${registry}/${repository}`);
      const fresh = (known: SignatureRecord | undefined): SignatureRecord | undefined =>
        known !== undefined && since !== undefined && known.foundAt < since ? undefined : known;
      const record = fresh(this.#recall(place, maxAgeMs)) ?? fresh(await this.#recallStored(place, maxAgeMs));
      if (record === undefined) return undefined;
      found.set(place.name, record);
    }
    return {
      evidence: (demand) => evidenceOf(found.get(placeOf(request.image, demand).name), demand, request),
      foundAt: oldest([...found.values()]) ?? this.#options.now(),
    };
  }

  /** What the registry holds now. A registry that cannot be asked makes evidence of its own kind, never an empty one. */
  async fresh(request: EvidenceRequest): Promise<EvidenceFor> {
    const found = new Map<string, SignatureRecord | SealwrightError>();
    await Promise.all(
      placesOf(request).map(async (place) => {
        try {
          found.set(place.name, await this.#fetch(request, place));
        } catch (error) {
          if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
          found.set(place.name, error);
        }
      }),
    );
    return (demand) => evidenceOf(found.get(placeOf(request.image, demand).name), demand, request);
  }

  /** The digest that a tag stands for now. @throws all that RegistryClient throws */
  resolve(reference: ImageReference, access: RegistryAccess): Promise<PinnedImage> {
    if (this.#options.asksOnce !== true) return this.#resolve(reference, access);
    const name = JSON.stringify([reference.toString(), access.name]);
    const resolved = this.#resolved.get(name) ?? this.#resolve(reference, access);
    this.#resolved.set(name, resolved);
    return resolved;
  }

  async #resolve(reference: ImageReference, access: RegistryAccess): Promise<PinnedImage> {
    const { digest } = await this.#limit.run(reference.registry, () => access.client([]).resolve(reference));
    return { registry: reference.registry, repository: reference.repository, digest };
  }

  #recall(place: Place, maxAgeMs: number): SignatureRecord | undefined {
    const known = this.#known.get(place.name);
    if (known === undefined) return undefined;
    // The one asked for last is forgotten last.
    this.#remember(place.name, known);
    return this.#isUsable(known, place, maxAgeMs) ? known : undefined;
  }

  #isUsable(known: SignatureRecord, { wantsAttestations }: Place, maxAgeMs: number): boolean {
    const ageMs = this.#options.now().getTime() - known.foundAt.getTime();
    // A clock that went back makes nothing younger.
    return ageMs >= 0 && ageMs <= maxAgeMs && (!wantsAttestations || known.hasAttestations);
  }

  /** What an earlier process or another replica has found, where memory has nothing or something too old. */
  async #recallStored(place: Place, maxAgeMs: number): Promise<SignatureRecord | undefined> {
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

  async #stored({ name, image }: Place): Promise<SignatureRecord | undefined> {
    const text = await this.#withStore((store) => store.get(name));
    if (text === undefined) return undefined;
    try {
      const { found, foundAt } = parseStoredEvidence(name, text, [IMAGE_SIGNATURE_PREDICATE]);
      // Signatures are verified for the digest that the record names: it has to be this image's.
      if (found.digest.toString() !== image.digest.toString()) return undefined;
      return new SignatureRecord(found, this.#options.trustedRoot, foundAt);
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

  #fetch({ image, access }: EvidenceRequest, place: Place): Promise<SignatureRecord> {
    // What one workload may not read, another may.
    const name = JSON.stringify([place.name, place.wantsAttestations, access.name, place.pullSecrets]);
    const shared = this.#underWay.get(name);
    if (shared !== undefined) return shared;
    const fetch = this.#limit
      .run(place.repository.registry, () => this.#fetchRecord(image, place, access))
      .finally(() => {
        if (this.#options.asksOnce !== true) this.#underWay.delete(name);
      });
    this.#underWay.set(name, fetch);
    return fetch;
  }

  async #fetchRecord(image: PinnedImage, place: Place, access: RegistryAccess): Promise<SignatureRecord> {
    const { trustedRoot, now } = this.#options;
    const foundAt = now();
    const found = await fetchImageSignatures({
      registry: access.client(place.pullSecrets),
      reference: new ImageReference(image),
      signatureRepository: place.repository,
      ...(place.wantsAttestations ? { predicateTypes: 'any' as const, readsAttestationTag: true } : {}),
      ...(place.tagPrefix === '' ? {} : { tagPrefix: place.tagPrefix }),
    });
    const record = new SignatureRecord(found, trustedRoot, foundAt);
    if (found.signatures.length === 0 && (await this.#wasSigned(place))) return record;
    this.#remember(place.name, record);
    // Nobody waits for that: the answer does not depend on it.
    void this.#withStore((store) =>
      store.put(place.name, foundAt, encodeStoredEvidence(place.name, { found, foundAt })),
    );
    return record;
  }

  /** A registry that has lost signatures takes nothing back: what was proven is kept as long as it may be last known good. */
  async #wasSigned(place: Place): Promise<boolean> {
    const maxAgeMs = this.#options.lastKnownMs ?? DEFAULT_LAST_KNOWN_MS;
    const wanted = { ...place, wantsAttestations: false };
    const known = this.#recall(wanted, maxAgeMs) ?? (await this.#recallStored(wanted, maxAgeMs));
    return known?.hasSignatures === true;
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

function oldest(records: readonly SignatureRecord[]): Date | undefined {
  return records.map(({ foundAt }) => foundAt).sort((a, b) => a.getTime() - b.getTime())[0];
}

/** Each place once; where one demand wants attestations, they are fetched for all. */
function placesOf({ image, demands }: EvidenceRequest): readonly Place[] {
  const places = new Map<string, Place>();
  for (const demand of demands) {
    const place = placeOf(image, demand);
    if (place.wantsAttestations || !places.has(place.name)) places.set(place.name, place);
  }
  return [...places.values()];
}

function placeOf(image: PinnedImage, { source, wantsAttestations }: EvidenceDemand): Place {
  const { registry, repository } = source?.repository ?? image;
  const tagPrefix = source?.tagPrefix ?? '';
  return {
    image,
    name: `${pinnedName(image)} in ${registry}/${repository}${tagPrefix === '' ? '' : ` behind ${tagPrefix}`}`,
    repository: { registry, repository },
    tagPrefix,
    pullSecrets: source?.pullSecrets ?? [],
    wantsAttestations,
  };
}

function evidenceOf(
  found: SignatureRecord | SealwrightError | undefined,
  demand: EvidenceDemand,
  { material, revocations }: EvidenceRequest,
): ImageEvidence {
  if (found instanceof SignatureRecord) {
    try {
      return found.evidence(demand.verification(material), revocations);
    } catch (error) {
      // What the policy refers to could not be had.
      if (error instanceof SealwrightError && error.family !== 'invariant') return { kind: 'unavailable', error };
      throw error;
    }
  }
  if (found === undefined) throw new TypeError('a demand whose place nobody looked at');
  return { kind: 'unavailable', error: found };
}
