import { InvariantError, UsageError } from '../../errors.ts';
import type { Flag } from './flag.ts';

/** What was given for each flag, and what was given beside them. */
export class FlagValues {
  readonly arguments: readonly string[];
  readonly #flags: ReadonlyMap<string, Flag>;
  readonly #given: ReadonlyMap<string, readonly string[]>;

  /** @param given the texts of each flag, in their order; booleans as "true" or "false" */
  constructor(
    flags: readonly Flag[],
    given: ReadonlyMap<string, readonly string[]>,
    positional: readonly string[] = [],
  ) {
    this.#flags = new Map(flags.map((flag) => [flag.name, flag]));
    this.#given = given;
    this.arguments = positional;
  }

  /** The same, where `name` means what was given for `source`: for a command whose own flag of that name is another one. */
  renamed(source: string, name: string): FlagValues {
    const given = new Map(this.#given);
    given.delete(name);
    const texts = this.#texts(source);
    if (texts !== undefined) given.set(name, texts);
    const flag = this.#flags.get(source);
    const declared = flag === undefined ? [] : [{ ...flag, name }];
    return new FlagValues([...this.#flags.values(), ...declared], given, this.arguments);
  }

  /** The same, completed by what was given before for some flags: lists grow, of anything else what is given now holds. */
  completedBy(earlier: FlagValues, names: readonly string[]): FlagValues {
    const given = new Map(this.#given);
    for (const name of names) {
      const before = earlier.#texts(name);
      if (before === undefined) continue;
      const isList = this.#flags.get(name)?.kind === 'list';
      if (isList) given.set(name, [...new Set([...earlier.list(name), ...this.list(name)])]);
      // An empty text is none, as of a variable that is not set: it takes nothing back.
      else if (this.string(name) === undefined) given.set(name, before);
    }
    return new FlagValues([...this.#flags.values()], given, this.arguments);
  }

  isDeclared(name: string): boolean {
    return this.#flags.has(name);
  }

  isGiven(name: string): boolean {
    return this.#texts(name) !== undefined;
  }

  boolean(name: string): boolean {
    const text = this.#texts(name)?.at(-1);
    return text === undefined ? this.#flags.get(name)?.default === true : text === 'true';
  }

  /** The last one given; undefined when there is none, or an empty one, which cosign takes for none. */
  string(name: string): string | undefined {
    const text = this.#texts(name)?.at(-1);
    return text === '' ? undefined : text;
  }

  /** The same, also when it is empty. */
  raw(name: string): string | undefined {
    return this.#texts(name)?.at(-1);
  }

  /** The same, where these were not given. */
  without(names: readonly string[]): FlagValues {
    const given = [...this.#given].filter(([name]) => !names.includes(name));
    return new FlagValues([...this.#flags.values()], new Map(given), this.arguments);
  }

  /** Each as it was given: for values that have commas of their own. */
  texts(name: string): readonly string[] {
    return (this.#texts(name) ?? []).filter((text) => text !== '');
  }

  /**
   * Each as it was given, where leaving one out would change what the others mean.
   *
   * @throws UsageError USAGE_BAD_FLAG for an empty one beside others
   */
  several(name: string): readonly string[] {
    const texts = this.#texts(name) ?? [];
    if (texts.length < 2 || !texts.includes('')) return texts.filter((text) => text !== '');
    throw new UsageError('USAGE_BAD_FLAG', `one of several --${name} is empty`, {
      found: texts.map((text) => JSON.stringify(text)).join(', '),
      expected: 'a text in each; is there a variable that is not set?',
    });
  }

  list(name: string): readonly string[] {
    return (this.#texts(name) ?? []).flatMap((text) => text.split(',')).filter((text) => text !== '');
  }

  /** What was given for some flags, as words to be typed again: `--name=value`, `--name`. Flags that the command does not have are none. */
  words(names: readonly string[]): readonly string[] {
    return names.flatMap((name) =>
      this.isDeclared(name) ? (this.#texts(name) ?? []).map((text) => this.#word(name, text)) : [],
    );
  }

  /** @throws UsageError USAGE_BAD_FLAG */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value;
    throw new UsageError('USAGE_BAD_FLAG', `--${name} is out of range`, {
      found: text,
      expected: `a whole number from ${min} to ${max}`,
    });
  }

  /** @throws UsageError USAGE_BAD_FLAG when it was not given */
  required(name: string): string {
    const text = this.string(name);
    if (text !== undefined) return text;
    const flag = this.#flags.get(name);
    throw new UsageError('USAGE_BAD_FLAG', `--${name} is missing`, {
      expected: `--${name} ${flag?.value ?? 'VALUE'}${flag === undefined ? '' : `: ${flag.help}`}`,
    });
  }

  /** @throws UsageError USAGE_BAD_FLAG when both were given */
  exclude(one: string, other: string): void {
    if (!this.isGiven(one) || !this.isGiven(other)) return;
    throw new UsageError('USAGE_BAD_FLAG', `--${one} and --${other} exclude each other`, {
      expected: 'only one of them',
    });
  }

  #word(name: string, text: string): string {
    return this.#flags.get(name)?.kind === 'boolean' && text === 'true' ? `--${name}` : `--${name}=${text}`;
  }

  #texts(name: string): readonly string[] | undefined {
    if (!this.#flags.has(name)) throw new InvariantError(`the command reads --${name}, which it does not declare`);
    return this.#given.get(name);
  }
}
