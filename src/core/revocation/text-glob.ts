/**
 * A text in which `*` stands for any run of characters, slashes included; everything else stands for itself, and the whole text
 * must fit. Reaching too far is the safe side of a revocation, so there is nothing finer. Linear in the text.
 */
export class TextGlob {
  readonly source: string;
  readonly #parts: readonly string[];

  constructor(source: string) {
    this.source = source;
    this.#parts = source.split('*');
  }

  /** Whether it stands for one text alone. */
  get isExact(): boolean {
    return this.#parts.length === 1;
  }

  matches(text: string): boolean {
    const parts = this.#parts;
    const [first = '', last = ''] = [parts[0], parts[parts.length - 1]];
    if (parts.length === 1) return text === first;
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of parts.slice(1, -1)) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  }
}
