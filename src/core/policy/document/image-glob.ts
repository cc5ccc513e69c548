import { FormatError } from '../../../errors.ts';
import type { Digest } from '../../image/digest.ts';
import { parseReference, type ImageReference, type Repository } from '../../image/reference.ts';

/** Stands for some lower-case hexadecimal digit of a digest that is not known yet. */
const ANY_DIGIT = '?';
const UNKNOWN_DIGEST = `@sha256:${ANY_DIGIT.repeat(64)}`;
/** Brackets only around the IPv6 address of a registry: policy-controller allows none, and so cannot name such a registry. */
const ALLOWED = /^(?:\[[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,43}\])?[A-Za-z0-9\-_:/*.@]+$/;
const MAX_LENGTH = 1024;

type Token = '*' | '**' | { readonly literal: string };

/**
 * policy-controller's globs: `**` is any text, `*` any text without a slash (a colon and an at sign are ordinary
 * characters), all else is literal, and the whole name must match. A name is matched as it prints with all defaults filled
 * in; with a digest it prints as `registry/repository@sha256:…`, without its tag.
 *
 * Matching steps through all possibilities at once, so that no glob and no name can make it slow.
 */
export class ImageGlob {
  /** As written in the policy. */
  readonly text: string;
  readonly #tokens: readonly Token[];
  /** What every match begins with: all up to the first star. */
  readonly #beginning: string;

  private constructor(text: string, tokens: readonly Token[]) {
    this.text = text;
    this.#tokens = tokens;
    const star = tokens.findIndex((token) => typeof token === 'string');
    const literals = star === -1 ? tokens : tokens.slice(0, star);
    this.#beginning = literals.map((token) => (typeof token === 'object' ? token.literal : '')).join('');
  }

  /** @throws FormatError FORMAT_POLICY for a character that no glob has */
  static parse(text: string): ImageGlob {
    if (text.length > MAX_LENGTH || !ALLOWED.test(text)) {
      throw new FormatError('FORMAT_POLICY', 'this is not a glob for image names', {
        found: text.slice(0, 300),
        expected:
          'letters, digits and - _ : / . @, with * and ** for what varies; [ ] around a registry that is an IPv6 address',
      });
    }
    // Two globs without a registry mean Docker Hub's.
    const full = text === '*' ? 'index.docker.io/library/*' : text === '*/*' ? 'index.docker.io/*/*' : text;
    const tokens = [...full.matchAll(/\*\*|\*|[^*]/g)].map(([part]): Token =>
      part === '*' || part === '**' ? part : { literal: part },
    );
    return new ImageGlob(text, tokens);
  }

  matches(image: ImageReference): boolean {
    return this.#matches(candidate(image));
  }

  /**
   * As an offline tester reads an argument: when the full name does not match, the text as typed may.
   *
   * @throws FormatError FORMAT_REFERENCE or FORMAT_DIGEST
   */
  matchesText(text: string): boolean {
    return this.matches(parseReference(text)) || this.#matches(text);
  }

  /**
   * What can be said before a tag is resolved, so that no registry is asked about an image that no policy covers.
   * `depends` on the digest is the answer for globs that spell out a part of one.
   */
  coverage({ registry, repository }: Repository): 'always' | 'never' | 'depends' {
    const name = `${registry}/${repository}${UNKNOWN_DIGEST}`;
    if (!this.#matches(name)) return 'never';
    return this.#matches(name, false) ? 'always' : 'depends';
  }

  /** Why no image at a digest can ever match, as globs that end in a tag never do; undefined when some can. */
  get futility(): string | undefined {
    const everywhere = this.#tokens.map((_, index) => index).concat(this.#tokens.length);
    const isLiteral = (character: string) => (token: Token) => typeof token === 'object' && token.literal === character;
    const slash = this.#tokens.findIndex(isLiteral('/'));
    // Behind the first slash the only colon is the digest's.
    const colon = slash < 0 ? -1 : this.#tokens.slice(slash).findIndex(isLiteral(':')) + slash;
    const hasTag = colon > slash && !this.#matchesFrom(everywhere, '@sha256', true, colon);
    if (hasTag || !this.#matchesFrom(everywhere, UNKNOWN_DIGEST)) {
      return 'it leaves no room for the digest: end it in @* or **';
    }
    const registry = this.#tokens.slice(0, slash < 0 ? undefined : slash);
    if (registry.includes('**')) return undefined;
    if (slash < 0) return 'it names no registry: index.docker.io/library/ is the beginning of short names';
    if (registry.includes('*')) return undefined;
    const host = registry.map((token) => (typeof token === 'object' ? token.literal : '')).join('');
    if (host === 'docker.io') return 'the name is matched as index.docker.io/…';
    return host === 'localhost' || /[.:A-Z]/.test(host)
      ? undefined
      : 'it names no registry: index.docker.io/ is the beginning of names on Docker Hub';
  }

  #matches(text: string, digitsMayBeLiteral = true): boolean {
    const beginning = this.#beginning;
    const { length } = beginning;
    const unknown = text.indexOf(ANY_DIGIT);
    // Nearly every glob of a policy is decided here: it begins otherwise, or ends in one `**`.
    if (unknown !== -1 && unknown < length) return this.#matchesFrom([0], text, digitsMayBeLiteral);
    if (!text.startsWith(beginning)) return false;
    if (length === this.#tokens.length) return text.length === length;
    if (length === this.#tokens.length - 1) {
      return this.#tokens[length] === '**' || !text.includes('/', length);
    }
    return this.#matchesFrom([length], text.slice(length), digitsMayBeLiteral);
  }

  /** Whether the tokens from any of the given positions on match the whole text and then stand at `end`. */
  #matchesFrom(starts: readonly number[], text: string, digitsMayBeLiteral = true, end = this.#tokens.length): boolean {
    // One element for each position between tokens, not zero when it can be reached.
    let reached = new Uint8Array(this.#tokens.length + 1);
    let next = new Uint8Array(reached.length);
    for (const start of starts) reached[start] = 1;
    this.#skipStars(reached);
    for (const character of text) {
      next.fill(0);
      for (const [position, token] of this.#tokens.entries()) {
        if (reached[position] === 0) continue;
        if (token === '**' || (token === '*' && character !== '/')) next[position] = 1;
        else if (typeof token === 'object' && accepts(token.literal, character, digitsMayBeLiteral)) {
          next[position + 1] = 1;
        }
      }
      this.#skipStars(next);
      [reached, next] = [next, reached];
    }
    return reached[end] === 1;
  }

  /** Stars also match nothing. */
  #skipStars(reached: Uint8Array): void {
    for (const [position, token] of this.#tokens.entries()) {
      if (typeof token === 'string' && reached[position] === 1) reached[position + 1] = 1;
    }
  }
}

function accepts(literal: string, character: string, digitsMayBeLiteral: boolean): boolean {
  if (character === ANY_DIGIT) return digitsMayBeLiteral && /[0-9a-f]/.test(literal);
  return literal === character;
}

function candidate(image: ImageReference): string {
  const version = image.digest === undefined ? `:${image.identifier}` : `@${image.digest.toString()}`;
  return `${image.context}${version}`;
}

/** The glob that matches every version of a repository and nothing else. */
export function repositoryGlob({ registry, repository }: Repository, digest?: Digest): string {
  return `${registry}/${repository}@${digest?.toString() ?? '*'}`;
}
