import { FormatError } from '../../../errors.ts';

interface Problem {
  readonly message: string;
  readonly details: string;
  readonly paths: Set<string>;
}

/**
 * Collects all that is wrong with a policy document, so that its author mends it in one go. The texts are those of
 * policy-controller's validating webhook: scripts and people search for them. Problems of one text share an entry.
 */
export class PolicyProblems {
  readonly #problems: Problem[] = [];

  missing(...paths: readonly string[]): void {
    this.#add('missing field(s)', '', paths);
  }

  invalid(value: string, path: string, details = ''): void {
    this.#add(`invalid value: ${value}`, details, [path]);
  }

  /** For fields of which exactly one has to be there. */
  exactlyOne(found: 'neither' | 'both', paths: readonly string[]): void {
    this.#add(`expected exactly one, got ${found}`, '', paths);
  }

  /** A field that only another place has a use for. */
  disallowed(path: string): void {
    this.#add('must not set the field(s)', '', [path]);
  }

  /** The original's whole answer: an entry a line, each with its details, if any, on the line below. */
  get text(): string {
    const entries = this.#problems.map(({ message, details, paths }) => ({
      first: `${message}: ${[...paths].sort().join(', ')}`,
      key: `${message}\0${details}`,
      details,
    }));
    entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    return entries.map(({ first, details }) => (details === '' ? first : `${first}\n${details}`)).join('\n');
  }

  /**
   * @param what the document, for the message
   * @throws FormatError FORMAT_POLICY, naming every problem; `details.validation` holds the original's text
   */
  refuse(what: string): void {
    if (this.#problems.length === 0) return;
    const { text } = this;
    throw new FormatError('FORMAT_POLICY', `${what} is not valid`, { found: text, details: { validation: text } });
  }

  #add(message: string, details: string, paths: readonly string[]): void {
    const same = this.#problems.find((problem) => problem.message === message && problem.details === details);
    if (same === undefined) this.#problems.push({ message, details, paths: new Set(paths) });
    else for (const path of paths) same.paths.add(path);
  }
}
