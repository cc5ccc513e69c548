import { DEFAULT_REGISTRY, type ImageReference } from '../../image/reference.ts';
import type { Coverage } from '../judgement/admission-policy.ts';
import type { PinnedImage } from '../judgement/image-evidence.ts';
import type { ImagePatterns } from '../kyverno/image-rule.ts';
import { UNKNOWN_DIGIT } from '../kyverno/wildcard.ts';

const LIBRARY = 'library/';
const UNKNOWN_DIGEST = `sha256:${UNKNOWN_DIGIT.repeat(64)}`;

/**
 * Kyverno compares one text: `registry/path@digest`, or `registry/path:tag` where there is no digest, with `docker.io` for a
 * registry that is not written and no `library/`. One image has other names there (`index.docker.io/library/…`), and gets a
 * tag beside its digest when it is pinned: all of those are compared here, so that no spelling evades a rule. Only what
 * Kyverno itself would see is compared with patterns that make exceptions.
 */
export function patternCoverage(patterns: ImagePatterns, reference: ImageReference, text: string): Coverage {
  if (reference.digest !== undefined) {
    return coversPinned(
      patterns,
      { registry: reference.registry, repository: reference.repository, digest: reference.digest },
      text,
    )
      ? 'always'
      : 'never';
  }
  const tagged = `:${reference.tag ?? 'latest'}`;
  if (isSkipped(patterns, `${nameAsWritten(text)}${tagged}`)) return 'never';
  const names = namesOf(reference);
  if (
    isIncluded(
      patterns,
      names.map((name) => `${name}${tagged}`),
    )
  )
    return 'always';
  return isIncluded(
    patterns,
    names.map((name) => `${name}@${UNKNOWN_DIGEST}`),
  )
    ? 'depends'
    : 'never';
}

export function coversPinned(
  patterns: ImagePatterns,
  image: Pick<PinnedImage, keyof PinnedImage>,
  text: string,
): boolean {
  const digest = `@${image.digest.toString()}`;
  const [beforeDigest = ''] = text.split('@');
  const written = nameAsWritten(text);
  const tag = beforeDigest.slice(beforeDigest.lastIndexOf('/') + 1).split(':')[1];
  const wasPinned = text.includes('@');
  // Kyverno would see the digest where there is one, and the tag where there is none.
  if (isSkipped(patterns, wasPinned ? `${written}${digest}` : `${written}:${tag ?? 'latest'}`)) return false;
  const versions = [digest, ...(tag === undefined ? (wasPinned ? [] : [':latest']) : [`:${tag}`])];
  return isIncluded(
    patterns,
    namesOf(image).flatMap((name) => versions.map((version) => `${name}${version}`)),
  );
}

function isIncluded({ included }: ImagePatterns, texts: readonly string[]): boolean {
  return included.some((pattern) => texts.some((text) => pattern.matches(text)));
}

function isSkipped({ skipped }: ImagePatterns, text: string): boolean {
  return skipped.some((pattern) => pattern.matches(text));
}

/** Every name of a repository. */
function namesOf({
  registry,
  repository,
}: {
  readonly registry: string;
  readonly repository: string;
}): readonly string[] {
  if (registry !== DEFAULT_REGISTRY) return [`${registry}/${repository}`];
  const paths = repository.startsWith(LIBRARY) ? [repository, repository.slice(LIBRARY.length)] : [repository];
  return ['docker.io', registry].flatMap((host) => paths.map((path) => `${host}/${path}`));
}

/** The name without tag and digest, with Kyverno's default registry. */
function nameAsWritten(text: string): string {
  const [name = ''] = text.split('@');
  const slash = name.indexOf('/');
  const host = slash < 0 ? '' : name.slice(0, slash);
  const colon = name.lastIndexOf(':');
  const bare = colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
  const hasRegistry = /[.:]/.test(host) || host === 'localhost' || host.toLowerCase() !== host;
  return hasRegistry ? bare : `docker.io/${bare}`;
}
