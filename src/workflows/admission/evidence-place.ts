import type { Repository } from '../../core/image/reference.ts';
import type { EvidenceDemand } from '../../core/policy/judgement/evidence-demand.ts';
import type { PolicySecret } from '../../core/policy/document/signature-source.ts';
import { pinnedName, type PinnedImage } from '../../core/policy/judgement/image-evidence.ts';

/** Where signatures of an image are, and whether its attestations are wanted too. */
export interface EvidencePlace {
  readonly image: PinnedImage;
  /** Image, repository and prefix: what a record is remembered by. */
  readonly name: string;
  readonly repository: Repository;
  readonly tagPrefix: string;
  readonly pullSecrets: readonly string[];
  readonly policySecrets: readonly PolicySecret[];
  /** The same place with the same credentials: what one policy's secrets do not open, another's may. */
  readonly opened: string;
  readonly wantsAttestations: boolean;
}

/** An image, and what is wanted to be known about it. */
interface DemandedEvidence {
  readonly image: PinnedImage;
  readonly demands: readonly EvidenceDemand[];
}

/** Each place once for the credentials that open it; where one demand wants attestations, they are fetched for all. */
export function placesOf({ image, demands }: DemandedEvidence): readonly EvidencePlace[] {
  const places = new Map<string, EvidencePlace>();
  for (const demand of demands) {
    const place = placeOf(image, demand);
    if (place.wantsAttestations || !places.has(place.opened)) places.set(place.opened, place);
  }
  return [...places.values()];
}

export function placeOf(image: PinnedImage, { source, wantsAttestations }: EvidenceDemand): EvidencePlace {
  const { registry, repository } = source?.repository ?? image;
  const tagPrefix = source?.tagPrefix ?? '';
  const name = `${pinnedName(image)} in ${registry}/${repository}${tagPrefix === '' ? '' : ` behind ${tagPrefix}`}`;
  const { pullSecrets = [], policySecrets = [] } = source ?? {};
  return {
    image,
    name,
    repository: { registry, repository },
    tagPrefix,
    pullSecrets,
    policySecrets,
    opened: JSON.stringify([name, pullSecrets, policySecrets]),
    wantsAttestations,
  };
}
