import type { PublicKey } from '../../core/crypto/public-key.ts';
import { parseReference } from '../../core/image/reference.ts';
import type { EvidenceDemand } from '../../core/policy/judgement/evidence-demand.ts';
import type { CheckedEvidence, ImageEvidence, PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import type { Absence } from '../../core/policy/learning/learned-policies.ts';
import { observedSigner, observedSignerText, type ObservedSigner } from '../../core/policy/learning/observed-signer.ts';
import type { PolicyMaterial } from '../../core/policy/judgement/policy-material.ts';
import { authorityDemand, plainDemand } from '../../core/policy/judgement/verification-demand.ts';
import type { SealwrightError } from '../../errors.ts';
import type { AdmissionRehearsal } from '../admission/admission-rehearsal.ts';
import type { RegistryAccess } from '../admission/registry-access.ts';

export interface Observed {
  readonly signers: readonly ObservedSigner[];
  /** Why there are none. */
  readonly absence?: Absence;
}

/** Any certificate of the instance that is trusted. */
const ANYBODY: EvidenceDemand = {
  wantsAttestations: false,
  verification: ({ defaultRoot }) => plainDemand(defaultRoot),
};

/** Finds out who has signed images, by verification alone: no policy is asked. */
export class SignerObservation {
  readonly #rehearsal: AdmissionRehearsal;
  readonly #material: PolicyMaterial;
  readonly #keys: readonly { readonly key: PublicKey; readonly demand: EvidenceDemand }[];

  /** @param keys of those who sign with one; a signature by another key says nothing about who made it */
  constructor(rehearsal: AdmissionRehearsal, material: PolicyMaterial, keys: readonly PublicKey[] = []) {
    this.#rehearsal = rehearsal;
    this.#material = material;
    this.#keys = keys.map((key) => {
      const source = { kind: 'data', key } as const;
      const authority = { kind: 'key', name: 'key', key: source, hash: 'sha256', attestations: [] } as const;
      return { key, demand: authorityDemand(authority) };
    });
  }

  /** @param accesses one after the other, until one of them may ask */
  async of(image: PinnedImage, accesses: readonly RegistryAccess[]): Promise<Observed> {
    let observed: Observed = { signers: [], absence: unknown('nobody asked its registry') };
    for (const access of accesses) {
      observed = await this.#ask(image, access);
      if (observed.absence?.kind !== 'could-not-check') break;
    }
    return observed;
  }

  /** The digest that a reference stands for now. @throws FormatError; what RegistryClient throws */
  async pin(text: string, access: RegistryAccess): Promise<PinnedImage> {
    const reference = parseReference(text);
    const { registry, repository, digest } = reference;
    return digest === undefined ? this.#rehearsal.resolve(reference, access) : { registry, repository, digest };
  }

  async #ask(image: PinnedImage, access: RegistryAccess): Promise<Observed> {
    const demands = [ANYBODY, ...this.#keys.map(({ demand }) => demand)];
    const evidence = await this.#rehearsal.evidenceOf({ image, demands, material: this.#material, access });
    const general = evidence(ANYBODY);
    if (general.kind === 'unavailable') return { signers: [], absence: absenceFor(general.error) };
    const signers = [
      ...general.signatures.map((bundle) => observedSigner(bundle)),
      ...this.#keys.flatMap(({ key, demand }) =>
        signaturesIn(evidence(demand)).map((bundle) => observedSigner(bundle, key)),
      ),
    ].filter((signer) => signer !== undefined);
    const distinct = new Map<string, ObservedSigner>();
    for (const signer of signers) {
      const text = observedSignerText(signer);
      const known = distinct.get(text);
      const storage = [...new Set([...(known?.storage ?? []), ...(signer.storage ?? [])])];
      distinct.set(text, { ...signer, storage });
    }
    return distinct.size > 0 ? { signers: [...distinct.values()] } : { signers: [], absence: absenceIn(general) };
  }
}

function signaturesIn(evidence: ImageEvidence): CheckedEvidence['signatures'] {
  return evidence.kind === 'checked' ? evidence.signatures : [];
}

function absenceIn({ refused, unusable, unreadFormats }: CheckedEvidence): Absence {
  const [first] = refused;
  if (first?.code === 'KEY_MISMATCH') {
    return {
      kind: 'not-believed',
      code: first.code,
      reason: 'it is signed with a key that was not named: add --key FILE',
    };
  }
  if (first !== undefined) return { kind: 'not-believed', code: first.code, reason: first.message };
  const [strange] = unusable;
  if (strange !== undefined) return absenceFor(strange);
  if (unreadFormats.length > 0) {
    return {
      kind: 'unread-format',
      code: 'UNREAD_FORMAT',
      reason: `signed in ${unreadFormats.join(', ')}, which is not read`,
    };
  }
  return { kind: 'unsigned', code: 'NO_SIGNATURE', reason: 'its registry holds no signature of it' };
}

/** Why nothing is known about an image. */
export function absenceFor({ code, message, facts }: SealwrightError): Absence {
  return unknown(`${code} ${message}${facts.found === undefined ? '' : ` (${facts.found})`}`);
}

function unknown(reason: string): Absence {
  return { kind: 'could-not-check', code: 'COULD_NOT_CHECK', reason };
}
