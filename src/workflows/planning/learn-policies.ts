import type { PinnedImage } from '../../core/policy/judgement/image-evidence.ts';
import { pinnedName } from '../../core/policy/judgement/image-evidence.ts';
import {
  learnPolicies,
  type Absence,
  type Learned,
  type LeftOut,
  type ObservedImage,
} from '../../core/policy/learning/learned-policies.ts';
import { SealwrightError } from '../../errors.ts';
import { absenceFor, type SignerObservation } from './observe-signers.ts';
import type { RegistryAccess } from '../admission/registry-access.ts';
import { isPartOfImage } from './running-part.ts';

/** An image that policies shall be learnt from. */
export interface ImageToLearnFrom {
  /** By digest where one is known; a tag is resolved. */
  readonly text: string;
  /** As the pod names it, where that is a tag and another name is known for what runs. */
  readonly tag?: string;
  /** Where it runs; undefined where it was only named. */
  readonly namespace?: string;
  readonly access: RegistryAccess;
}

interface Place {
  readonly image: PinnedImage;
  readonly namespaces: Set<string>;
  readonly accesses: Map<string, RegistryAccess>;
}

/** Namespaces whose credentials are tried for one image. */
const MAX_ACCESSES = 5;

/** Who has signed each image, each asked about once, and the policies that follow. */
export async function learnFrom(
  images: readonly ImageToLearnFrom[],
  observation: SignerObservation,
): Promise<Learned & { readonly observed: readonly ObservedImage[] }> {
  const places = new Map<string, Place>();
  const unresolved: LeftOut[] = [];
  await Promise.all(
    images.map(async ({ text, tag, namespace, access }) => {
      const image = await pin(text, tag, access, observation);
      if ('kind' in image) {
        unresolved.push({ image: text, namespaces: namespace === undefined ? [] : [namespace], ...image });
        return;
      }
      const name = pinnedName(image);
      const place = places.get(name) ?? { image, namespaces: new Set(), accesses: new Map() };
      places.set(name, place);
      if (namespace !== undefined) place.namespaces.add(namespace);
      if (place.accesses.size < MAX_ACCESSES) place.accesses.set(access.name, access);
    }),
  );
  const observed = await Promise.all(
    [...places]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(async ([, { image, namespaces, accesses }]): Promise<ObservedImage> => ({
        image,
        namespaces: [...namespaces].sort(),
        ...(await observation.of(image, [...accesses.values()])),
      })),
  );
  const { policies, leftOut } = learnPolicies(observed);
  unresolved.sort((a, b) => (a.image < b.image ? -1 : 1));
  return { policies, leftOut: [...unresolved, ...leftOut], observed };
}

/** What was signed is the whole image, of which a runtime may report a part. */
async function pin(
  text: string,
  tag: string | undefined,
  access: RegistryAccess,
  observation: SignerObservation,
): Promise<PinnedImage | Absence> {
  try {
    const running = await observation.pin(text, access);
    const whole = tag === undefined ? undefined : await observation.pin(tag, access).catch(() => undefined);
    const isPart = whole !== undefined && (await isPartOfImage(pinnedName(running), pinnedName(whole), access));
    return isPart ? whole : running;
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    return absenceFor(error);
  }
}
