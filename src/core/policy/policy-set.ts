import { ImageReference, type Repository } from '../image/reference.ts';
import { FormatError } from '../../errors.ts';
import type { ClusterImagePolicy, SigningAuthority } from './cluster-image-policy.ts';
import type { PinnedImage } from './image-evidence.ts';
import { NO_REFERENCES, type ResolvedReferences } from './policy-material.ts';
import { matchesResource, type ReviewedObject } from './resource-match.ts';

/** All policies in force at one moment. */
export class PolicySet {
  readonly policies: readonly ClusterImagePolicy[];
  /** What they refer to, as far as it could be had. */
  readonly references: ResolvedReferences;

  /** @throws FormatError FORMAT_POLICY for two policies of one name: nobody could tell which one holds */
  constructor(policies: readonly ClusterImagePolicy[], references: ResolvedReferences = NO_REFERENCES) {
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
    this.references = references;
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
    return this.policies.filter(
      ({ match, namespace }) =>
        (namespace === undefined || namespace === object.namespace) && matchesResource(match, object),
    );
  }
}

/** Whether signatures can make a difference to what the policies say. */
export function needsEvidence(policies: readonly ClusterImagePolicy[]): boolean {
  return policies.some(
    ({ authorities, condition }) =>
      authorities.some(({ kind }) => kind !== 'static') &&
      (condition !== undefined ||
        !authorities.some((authority) => authority.kind === 'static' && authority.action === 'pass')),
  );
}

/** The authorities that look at signatures or attestations, of all policies. */
export function signingAuthorities(policies: readonly ClusterImagePolicy[]): readonly SigningAuthority[] {
  return policies.flatMap(({ authorities }) =>
    authorities.filter((authority): authority is SigningAuthority => authority.kind !== 'static'),
  );
}
