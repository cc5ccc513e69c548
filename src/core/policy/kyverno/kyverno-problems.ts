import type { JsonFields } from '../../encoding/json-fields.ts';
import { FormatError } from '../../../errors.ts';

/**
 * Collects all that is wrong with one of Kyverno's documents, and all that it asks for and does not get here, so that its
 * author sees it in one go. Nothing that would change a decision is ever passed over.
 */
export class KyvernoProblems {
  readonly #problems: string[] = [];

  /** A member that Kyverno has and that means nothing here: leaving it out would decide differently. */
  unsupported(path: string, why: string): void {
    this.#problems.push(`${path} is not supported: ${why}`);
  }

  /** Each of these members that the document has. */
  unsupportedMembers(fields: JsonFields, path: string, members: Readonly<Record<string, string>>): void {
    for (const [name, why] of Object.entries(members)) {
      if (fields.has(name)) this.unsupported(`${path}.${name}`, why);
    }
  }

  /** What Kyverno itself refuses. */
  invalid(path: string, why: string): void {
    this.#problems.push(`${path}: ${why}`);
  }

  /** Damage inside a key, certificate or pattern is a problem of its member. @returns undefined when there was some */
  usable<Value>(path: string, parse: () => Value): Value | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const { found } = error.facts;
      this.invalid(path, `${error.message}${found === undefined ? '' : ` (${found.slice(0, 200)})`}`);
      return undefined;
    }
  }

  /**
   * @param what the document, for the message
   * @throws FormatError FORMAT_POLICY, naming every problem
   */
  refuse(what: string): void {
    if (this.#problems.length === 0) return;
    const found = [...new Set(this.#problems)].join('\n');
    throw new FormatError('FORMAT_POLICY', `${what} cannot be used`, {
      found,
      expected: 'what docs/policy-parity.md lists',
      details: { validation: found },
    });
  }
}
