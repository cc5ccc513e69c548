import type { PublicKey } from '../crypto/public-key.ts';
import { encodeHex } from '../encoding/hex.ts';
import { ImageReference, type Repository } from '../image/reference.ts';
import { FormatError } from '../../errors.ts';
import type { ClusterImagePolicy } from './cluster-image-policy.ts';
import type { PinnedImage } from './image-evidence.ts';
import { matchesResource, type ReviewedObject } from './resource-match.ts';

/** All policies in force at one moment. */
export class PolicySet {
  readonly policies: readonly ClusterImagePolicy[];

  /** @throws FormatError FORMAT_POLICY for two policies of one name: nobody could tell which one holds */
  constructor(policies: readonly ClusterImagePolicy[]) {
    const names = new Set<string>();
    for (const { name } of policies) {
      if (names.has(name)) {
        throw new FormatError('FORMAT_POLICY', 'two policies have one name', {
          found: `ClusterImagePolicy ${name} twice`,
          expected: 'each name once',
        });
      }
      names.add(name);
    }
    this.policies = policies;
  }

  /** Those that speak about an image of this object. */
  covering(object: ReviewedObject, image: PinnedImage): readonly ClusterImagePolicy[] {
    const reference = new ImageReference(image);
    return this.#about(object).filter(({ images }) => images.some((glob) => glob.matches(reference)));
  }

  /**
   * Those that may, whatever its digest turns out to be. When there are none, nobody has to be asked what a tag means.
   */
  possiblyCovering(
    object: ReviewedObject,
    repository: Repository,
  ): { readonly possible: readonly ClusterImagePolicy[]; readonly isCertain: boolean } {
    const possible: ClusterImagePolicy[] = [];
    let isCertain = true;
    for (const policy of this.#about(object)) {
      const coverage = new Set(policy.images.map((glob) => glob.coverage(repository)));
      if (!coverage.has('always') && !coverage.has('depends')) continue;
      possible.push(policy);
      isCertain &&= coverage.has('always');
    }
    return { possible, isCertain };
  }

  #about(object: ReviewedObject): readonly ClusterImagePolicy[] {
    return this.policies.filter(({ match }) => matchesResource(match, object));
  }
}

/** Whether signatures can make a difference to what the policies say. */
export function needsEvidence(policies: readonly ClusterImagePolicy[]): boolean {
  return policies.some(
    ({ authorities }) =>
      authorities.some(({ kind }) => kind !== 'static') &&
      !authorities.some((authority) => authority.kind === 'static' && authority.action === 'pass'),
  );
}

/** The keys that some authority accepts, each once. */
export function keysOf(policies: readonly ClusterImagePolicy[]): readonly PublicKey[] {
  const keys = new Map<string, PublicKey>();
  for (const { authorities } of policies) {
    for (const authority of authorities) {
      if (authority.kind === 'key') keys.set(encodeHex(authority.key.id), authority.key);
    }
  }
  return [...keys.values()];
}
