import { FormatError, UsageError } from '../../errors.ts';

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
  readonly #unsupported: string[] = [];

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

  /** A field that means something to policy-controller and nothing here yet: ignoring it would admit too much. */
  unsupported(path: string, instead: string): void {
    this.#unsupported.push(`${path} (${instead})`);
  }

  /**
   * @param what the document, for the message
   * @throws FormatError FORMAT_POLICY, naming every problem; UsageError USAGE_BAD_CONFIG when the document is well formed
   *   and asks for what is not supported
   */
  refuse(what: string): void {
    if (this.#problems.length > 0) {
      throw new FormatError('FORMAT_POLICY', `${what} is not valid`, { found: this.#text() });
    }
    if (this.#unsupported.length > 0) {
      throw new UsageError('USAGE_BAD_CONFIG', `${what} asks for what is not supported`, {
        found: this.#unsupported.join('; '),
        expected: 'a policy without these fields: none of them is ever ignored',
      });
    }
  }

  #add(message: string, details: string, paths: readonly string[]): void {
    const same = this.#problems.find((problem) => problem.message === message && problem.details === details);
    if (same === undefined) this.#problems.push({ message, details, paths: new Set(paths) });
    else for (const path of paths) same.paths.add(path);
  }

  #text(): string {
    const entries = this.#problems.map(({ message, details, paths }) => {
      const suffix = details === '' ? '' : ` (${details})`;
      return `${message}: ${[...paths].sort().join(', ')}${suffix}`;
    });
    return entries.sort().join('; ');
  }
}
