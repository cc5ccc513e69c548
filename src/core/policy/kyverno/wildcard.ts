import { FormatError } from '../../../errors.ts';

/** Stands in a text for some lower-case hexadecimal digit that is not known yet. */
export const UNKNOWN_DIGIT = '\u0000';
const MAX_LENGTH = 4096;

/**
 * Kyverno's patterns: `*` is any text, slashes included, and `?` exactly one character; all else is literal, and the whole
 * text must match. No bracket and no escape.
 *
 * Matching steps through all possibilities at once, so that no pattern and no text can make it slow.
 */
export class Wildcard {
  /** As written in the policy. */
  readonly text: string;
  readonly #pattern: readonly string[];

  private constructor(text: string) {
    this.text = text;
    this.#pattern = Array.from(text);
  }

  /** @throws FormatError FORMAT_POLICY for a pattern of an unreasonable length */
  static parse(text: string): Wildcard {
    if (text.length <= MAX_LENGTH) return new Wildcard(text);
    throw new FormatError('FORMAT_POLICY', 'a pattern is too long', {
      found: `${text.length} characters`,
      expected: `at most ${MAX_LENGTH}`,
    });
  }

  matches(text: string): boolean {
    let reached = this.#withSkippedStars([0]);
    for (const character of text) {
      const next: number[] = [];
      for (const position of reached) {
        const expected = this.#pattern[position];
        if (expected === '*') next.push(position);
        else if (expected !== undefined && accepts(expected, character)) next.push(position + 1);
      }
      reached = this.#withSkippedStars(next);
    }
    return reached.has(this.#pattern.length);
  }

  /** A star also matches nothing. */
  #withSkippedStars(positions: readonly number[]): ReadonlySet<number> {
    const all = new Set(positions);
    // A set visits what is added while it is being visited.
    for (const position of all) if (this.#pattern[position] === '*') all.add(position + 1);
    return all;
  }
}

function accepts(expected: string, character: string): boolean {
  return expected === '?' || expected === character || (character === UNKNOWN_DIGIT && /[0-9a-f]/.test(expected));
}
