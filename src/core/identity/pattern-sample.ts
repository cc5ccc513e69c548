/** A piece of a pattern that takes up text, in the pattern's order. */
export type PatternPiece =
  | { readonly kind: 'text'; readonly text: string }
  /** A bare `.`, which its author may have meant as a dot; `offset` is its place in the source. */
  | { readonly kind: 'dot'; readonly offset: number }
  /** `*` after a text: repeats one character, where a file name's `*` would stand for many. */
  | { readonly kind: 'repeated'; readonly text: string; readonly offset: number }
  /** Free text of any length. */
  | { readonly kind: 'free' };

/** One way through a pattern's alternatives. */
export interface PatternSample {
  readonly pieces: readonly PatternPiece[];
  readonly startsAnchored: boolean;
  readonly endsAnchored: boolean;
}

type Step =
  | PatternPiece
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  /** One character of several, such as `text`. */
  | { readonly kind: 'class'; readonly text: string };
type Path = readonly Step[];

const MAX_PATHS = 16;
const MAX_NESTING = 20;

/** Syntax whose texts are not guessed at. */
class Unsampled extends Error {}

/**
 * Ways through a pattern of RE2, at most 16: enough to build texts that its author may not have meant to accept. What is
 * built is a guess that whoever uses it holds against the pattern itself; an empty list says that nothing was guessed
 * (flags, Unicode classes, deep nesting).
 */
export function samplePattern(source: string): readonly PatternSample[] {
  try {
    const reader = new PatternReader(source);
    return reader.alternatives(0).map(sampleOf);
  } catch (error) {
    if (error instanceof Unsampled) return [];
    throw error;
  }
}

function sampleOf(path: Path): PatternSample {
  const pieces = path.flatMap((step): PatternPiece[] => {
    if (step.kind === 'start' || step.kind === 'end') return [];
    return [step.kind === 'class' ? { kind: 'text', text: step.text } : step];
  });
  return { pieces, startsAnchored: path[0]?.kind === 'start', endsAnchored: path.at(-1)?.kind === 'end' };
}

class PatternReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Up to the end of the source, or of the group. */
  alternatives(depth: number): readonly Path[] {
    if (depth > MAX_NESTING) throw new Unsampled();
    const paths: Path[] = [...this.#sequence(depth)];
    while (this.#source[this.#at] === '|') {
      this.#at += 1;
      paths.push(...this.#sequence(depth));
    }
    if (depth === 0 && this.#at < this.#source.length) throw new Unsampled();
    return paths.slice(0, MAX_PATHS);
  }

  #sequence(depth: number): readonly Path[] {
    let paths: Path[] = [[]];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source.charAt(this.#at))) {
      const next = this.#quantified(this.#atom(depth));
      paths = paths.flatMap((path) => next.map((tail) => [...path, ...tail])).slice(0, MAX_PATHS);
    }
    return paths;
  }

  #atom(depth: number): readonly Path[] {
    const offset = this.#at;
    const character = String.fromCodePoint(this.#source.codePointAt(offset) ?? 0);
    this.#at += character.length;
    switch (character) {
      case '.':
        return [[{ kind: 'dot', offset }]];
      case '^':
        return [[{ kind: 'start' }]];
      case '$':
        return [[{ kind: 'end' }]];
      case '[':
        return [[this.#characterClass()]];
      case '(':
        return this.#group(depth);
      case '\\':
        return [this.#escape()];
      default:
        return [[{ kind: 'text', text: character }]];
    }
  }

  #group(depth: number): readonly Path[] {
    const opening = /^\?(?::|P?<\w+>)/.exec(this.#source.slice(this.#at, this.#at + 64));
    if (opening === null && this.#source[this.#at] === '?') throw new Unsampled();
    this.#at += opening?.[0].length ?? 0;
    const paths = this.alternatives(depth + 1);
    if (this.#source[this.#at] !== ')') throw new Unsampled();
    this.#at += 1;
    return paths;
  }

  #escape(): Path {
    const character = this.#source.charAt(this.#at);
    this.#at += 1;
    if (character === 'A') return [{ kind: 'start' }];
    if (character === 'z') return [{ kind: 'end' }];
    if (character === 'b') return [];
    if (character === 'd') return [{ kind: 'class', text: '1' }];
    if (character === 'w') return [{ kind: 'class', text: 'w' }];
    if (character === 'S') return [{ kind: 'class', text: 's' }];
    if (character === 'Q') {
      const end = this.#source.indexOf(String.raw`\E`, this.#at);
      const text = this.#source.slice(this.#at, end === -1 ? undefined : end);
      this.#at += text.length + (end === -1 ? 0 : 2);
      return [{ kind: 'text', text }];
    }
    if (/^[^A-Za-z0-9]$/.test(character)) return [{ kind: 'text', text: character }];
    throw new Unsampled();
  }

  /** A character that the class takes: its first, or a letter that a negated one most likely lets in. */
  #characterClass(): Step {
    const body = /^\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*/.exec(this.#source.slice(this.#at))?.[0] ?? '';
    this.#at += body.length + 1;
    if (this.#at > this.#source.length) throw new Unsampled();
    if (body.startsWith('^') || body.startsWith('[:')) return { kind: 'class', text: 'x' };
    if (/^\\[wS]/.test(body)) return { kind: 'class', text: 'x' };
    if (body.startsWith(String.raw`\d`)) return { kind: 'class', text: '1' };
    return { kind: 'class', text: body.startsWith('\\') ? body.charAt(1) : body.charAt(0) };
  }

  #quantified(paths: readonly Path[]): readonly Path[] {
    const offset = this.#at;
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(this.#source.slice(offset, offset + 24))?.[0];
    if (quantifier === undefined) return paths;
    this.#at += quantifier.length;
    const [only] = paths;
    const [step] = only ?? [];
    if (paths.length !== 1 || only?.length !== 1 || step === undefined) return paths;
    if (step.kind === 'text') {
      return quantifier.startsWith('*') ? [[{ kind: 'repeated', text: step.text, offset }]] : paths;
    }
    return step.kind === 'dot' || step.kind === 'class' ? [[{ kind: 'free' }]] : paths;
  }
}
