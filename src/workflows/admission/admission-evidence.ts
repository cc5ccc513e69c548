import { ImageReference } from '../../core/image/reference.ts';
import type { EvidenceDemand } from '../../core/policy/judgement/evidence-demand.ts';
import type { EvidenceFor, ImageEvidence, PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import type { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import type { RevocationIndex } from '../../core/revocation/revocation-index.ts';
import { SealwrightError } from '../../errors.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import { EvidenceMemory, type MemoryOptions } from './evidence-memory.ts';
import { placeOf, placesOf, type EvidencePlace } from './evidence-place.ts';
import { fetchImageSignatures } from '../verify/image-signatures.ts';
import type { RegistryAccess } from './registry-access.ts';
import { SignatureRecord } from './signature-record.ts';

export interface EvidenceOptions extends MemoryOptions {
  /** How long a pass may rest on what was found before; an hour when absent. */
  readonly maxAgeMs?: number;
  /** How long a pass may rest on it while the registry cannot be asked; a day when absent, never when 0. */
  readonly lastKnownMs?: number;
  /** For a report about one moment: what was asked once, also in vain, is not asked again, and nothing is older than that. */
  readonly asksOnce?: true;
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

/**
 * Evidence about images: fetched once for each place, whatever the number of policies, keys and containers; reviews that ask
 * at the same time share one fetch. Kept by name and digest: what was proven about a digest stays proven. That something was
 * missing is never taken from memory, see {@link AdmissionEvidence.fresh}.
 */
export class AdmissionEvidence {
  readonly #options: EvidenceOptions;
  readonly #limit = new ConcurrencyLimit(PARALLEL_IMAGES);
  readonly #memory: EvidenceMemory;
  readonly #underWay = new Map<string, Promise<SignatureRecord>>();
  readonly #resolved = new Map<string, Promise<PinnedImage>>();

  constructor(options: EvidenceOptions) {
    this.#options = options;
    this.#memory = new EvidenceMemory(options);
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
      const record =
        fresh(this.#memory.recall(place, maxAgeMs)) ?? fresh(await this.#memory.recallStored(place, maxAgeMs));
      if (record === undefined) return undefined;
      found.set(place.opened, record);
    }
    return {
      evidence: (demand) => evidenceOf(found.get(placeOf(request.image, demand).opened), demand, request),
      foundAt: oldest([...found.values()]) ?? this.#options.now(),
    };
  }

  /** What the registry holds now. A registry that cannot be asked makes evidence of its own kind, never an empty one. */
  async fresh(request: EvidenceRequest): Promise<EvidenceFor> {
    const found = new Map<string, SignatureRecord | SealwrightError>();
    await Promise.all(
      placesOf(request).map(async (place) => {
        try {
          found.set(place.opened, await this.#fetch(request, place));
        } catch (error) {
          if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
          found.set(place.opened, error);
        }
      }),
    );
    return (demand) => evidenceOf(found.get(placeOf(request.image, demand).opened), demand, request);
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

  #fetch({ image, access }: EvidenceRequest, place: EvidencePlace): Promise<SignatureRecord> {
    // What one workload may not read, another may.
    const name = JSON.stringify([place.opened, place.wantsAttestations, access.name]);
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

  async #fetchRecord(image: PinnedImage, place: EvidencePlace, access: RegistryAccess): Promise<SignatureRecord> {
    const foundAt = this.#options.now();
    const found = await fetchImageSignatures({
      registry: access.client(place.pullSecrets, place.policySecrets),
      reference: new ImageReference(image),
      signatureRepository: place.repository,
      ...(place.wantsAttestations ? { predicateTypes: 'any' as const, readsAttestationTag: true } : {}),
      ...(place.tagPrefix === '' ? {} : { tagPrefix: place.tagPrefix }),
    });
    const record = new SignatureRecord(found, foundAt);
    if (found.signatures.length === 0 && (await this.#wasSigned(place))) return record;
    this.#memory.keep(place.name, record, { found, foundAt });
    return record;
  }

  /** A registry that has lost signatures takes nothing back: what was proven is kept as long as it may be last known good. */
  async #wasSigned(place: EvidencePlace): Promise<boolean> {
    const maxAgeMs = this.#options.lastKnownMs ?? DEFAULT_LAST_KNOWN_MS;
    const wanted = { ...place, wantsAttestations: false };
    const known = this.#memory.recall(wanted, maxAgeMs) ?? (await this.#memory.recallStored(wanted, maxAgeMs));
    return known?.hasSignatures === true;
  }
}

function oldest(records: readonly SignatureRecord[]): Date | undefined {
  return records.map(({ foundAt }) => foundAt).sort((a, b) => a.getTime() - b.getTime())[0];
}

function evidenceOf(
  found: SignatureRecord | SealwrightError | undefined,
  demand: EvidenceDemand,
  { material, revocations }: EvidenceRequest,
): ImageEvidence {
  if (found instanceof SignatureRecord) {
    try {
      return found.evidence(demand.verification(material), material.defaultRoot, revocations);
    } catch (error) {
      // What the policy refers to could not be had.
      if (error instanceof SealwrightError && error.family !== 'invariant') return { kind: 'unavailable', error };
      throw error;
    }
  }
  if (found === undefined) throw new TypeError('a demand whose place nobody looked at');
  return { kind: 'unavailable', error: found };
}
