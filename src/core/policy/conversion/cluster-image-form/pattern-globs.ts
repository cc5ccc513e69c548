import { ImageGlob } from '../../document/image-glob.ts';
import type { Lose } from '../conversion-loss.ts';
import { Wildcard } from '../../kyverno/wildcard.ts';

/** What a glob may hold beside its stars. */
const LITERAL = /^[A-Za-z0-9\-_:/.@]*$/;

/**
 * Kyverno's pattern for images as globs of a `ClusterImagePolicy`. A star of Kyverno's is any text, slashes included; it sees the
 * tag of an image that is named by one, where admission here sees the digest alone. Wherever a glob cannot say the same it is
 * about more images.
 */
export function globsFor(pattern: string, path: string, lose: Lose): readonly string[] {
  const stars = pattern.replaceAll('?', '*').replace(/\*+/g, '**');
  if (!LITERAL.test(stars.replaceAll('*', ''))) {
    lose(path, `${pattern}, which no glob can say: the policy is about every image`, 'tighter');
    return ['**'];
  }
  if (pattern.includes('?')) lose(path, `that ? is one character in ${pattern}`, 'tighter');
  const globs = withDigests(stars, pattern, path, lose).flatMap(registryNames);
  // What can match no image at a digest matches none in Kyverno either, and would only be warned about.
  return [...new Set(globs)].filter((glob) => ImageGlob.parse(glob).futility === undefined);
}

/** The pattern with room for a digest where it ends in a tag. */
function withDigests(stars: string, pattern: string, path: string, lose: Lose): readonly string[] {
  const at = stars.indexOf('@');
  if (at >= 0) {
    const name = withoutTag(stars.slice(0, at));
    const digest = stars.slice(at);
    const isAny = /^@(\*\*|sha256:\*\*)$/.test(digest);
    if (!isAny) lose(path, `that an image named by its tag is not looked at by ${pattern}`, 'tighter');
    return [`${name}${isAny ? '@*' : digest}`];
  }
  const colon = stars.lastIndexOf(':');
  if (colon < 0 || stars.includes('/', colon)) return [stars];
  const before = stars.slice(0, colon);
  const isPort = !before.includes('/') && !before.includes('*');
  if (isPort) return [stars];
  const tag = stars.slice(colon + 1);
  const text = /^\*+$/.test(tag)
    ? `that an image named by its digest is not looked at by ${pattern}`
    : `the tag of ${pattern}: the policy is about every version`;
  // Kyverno's own form of "every version" is both patterns.
  lose(path, text, 'tighter', 'policies for repositories: a tag may move');
  const named = `${before}@*`;
  // A star may stand for the registry and all before a port.
  return before.includes('/') ? [named] : [named, stars];
}

function withoutTag(name: string): string {
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') && name.includes('/') ? name.slice(0, colon) : name;
}

const HUB = ['docker.io', 'index.docker.io'] as const;

/** Kyverno knows Docker Hub as docker.io, and writes no library/; wherever a star may stand for that, it is said as well. */
function registryNames(glob: string): readonly string[] {
  const slash = glob.indexOf('/');
  const registry = slash < 0 ? glob : glob.slice(0, slash);
  const rest = slash < 0 ? undefined : glob.slice(slash + 1);
  const hasStar = registry.includes('*');
  const pattern = Wildcard.parse(registry);
  const isHub = rest !== undefined && HUB.some((name) => pattern.matches(name));
  const [beginning = ''] = glob.split('*', 1);
  const mayBeHub = hasStar && beginning !== '' && 'docker.io/'.startsWith(beginning);
  return [
    ...(isHub ? hubNames(rest) : []),
    ...(isHub && !hasStar ? [] : [glob]),
    ...(mayBeHub ? [`index.${glob}`] : []),
  ];
}

function hubNames(rest: string): readonly string[] {
  const [name = ''] = rest.split('@');
  const isShort = !name.includes('/') && !name.startsWith('**');
  const names = [`index.docker.io/library/${rest}`, ...(name.includes('*') ? [`index.docker.io/${rest}`] : [])];
  return isShort ? names : [`index.docker.io/${rest}`];
}
