import { UsageError } from '../../errors.ts';
import { closestName } from './closest-name.ts';
import type { Environment } from '../terminal/environment.ts';
import { GLOBAL_FLAGS, type Flag } from './flag.ts';
import { FlagValues } from './flag-values.ts';

export interface ParsedFlags {
  readonly values: FlagValues;
  /** What was put right or is out of date. */
  readonly warnings: readonly FlagWarning[];
}

/** One line of ours, and what cosign says instead. */
export interface FlagWarning {
  readonly text: string;
  readonly cosign: string;
}

export interface FlagSource {
  readonly arguments: readonly string[];
  /** Where `COSIGN_NAME` may stand for `--name`; empty for commands that have no counterpart in cosign. */
  readonly environment: Environment;
  /** A variable that says neither yes nor no is passed over, as cosign does; by default it is refused. */
  readonly compat?: boolean;
}

/** Aliases that cosign accepts everywhere (`cosign: cmd/cosign/cli/commands.go`). */
const COSIGN_ALIASES: Readonly<Record<string, string>> = {
  cert: 'certificate',
  'cert-email': 'certificate-email',
  'cert-chain': 'certificate-chain',
  'cert-oidc-issuer': 'certificate-oidc-issuer',
  'output-cert': 'output-certificate',
  'cert-identity': 'certificate-identity',
};

/** Of every command, and not cosign's: a variable that cosign does not read must change nothing here. */
const NEVER_FROM_ENVIRONMENT = new Set(['help', 'help-all', 'quiet', 'compat']);

/** What Go's strconv.ParseBool takes. */
const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/**
 * pflag's grammar, as cosign sets it up: `--name value`, `--name=value`, `-n value`, `-nvalue`, booleans without a value
 * or with `=true`/`=false`, flags and arguments in any order, `--` ends the flags. A flag of several letters with one
 * dash, or of one letter with two, is put right with a warning. The command line wins over `COSIGN_NAME`.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function parseFlags(declared: readonly Flag[], source: FlagSource): ParsedFlags {
  return new FlagParser([...declared, ...GLOBAL_FLAGS]).parse(source);
}

class FlagParser {
  readonly #flags: readonly Flag[];
  readonly #byName = new Map<string, Flag>();
  readonly #byLetter = new Map<string, Flag>();
  readonly #given = new Map<string, string[]>();
  readonly #positional: string[] = [];
  readonly #warnings: FlagWarning[] = [];
  #compat = false;

  constructor(flags: readonly Flag[]) {
    this.#flags = flags;
    for (const flag of flags) {
      for (const name of [flag.name, ...(flag.aliases ?? [])]) this.#byName.set(name, flag);
      if (flag.short !== undefined) this.#byLetter.set(flag.short, flag);
    }
    for (const [alias, name] of Object.entries(COSIGN_ALIASES)) {
      const flag = this.#byName.get(name);
      if (flag !== undefined) this.#byName.set(alias, flag);
    }
  }

  parse({ arguments: args, environment, compat = false }: FlagSource): ParsedFlags {
    this.#compat = compat;
    for (const flag of this.#flags) {
      const text = environment[`COSIGN_${flag.name.toUpperCase().replaceAll('-', '_')}`];
      if (flag.isOurs === true || NEVER_FROM_ENVIRONMENT.has(flag.name)) continue;
      if (text !== undefined && text !== '') {
        if (compat && flag.kind === 'boolean' && !TRUE.has(text) && !FALSE.has(text)) continue;
        this.#give(flag, flag.kind === 'boolean' ? String(booleanOf(flag, text)) : text);
      }
    }
    const fromEnvironment = new Set(this.#given.keys());
    const queue = [...args];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (next === '--') {
        this.#positional.push(...queue.splice(0));
      } else if (next.startsWith('-') && next !== '-') {
        this.#flag(next, queue, fromEnvironment);
      } else {
        this.#positional.push(next);
      }
    }
    return { values: new FlagValues(this.#flags, this.#given, this.#positional), warnings: this.#warnings };
  }

  #flag(text: string, queue: string[], fromEnvironment: Set<string>): void {
    const { flag, value } = this.#find(text);
    // The first one on the command line replaces what the environment said; later ones add to it.
    if (fromEnvironment.delete(flag.name)) this.#given.delete(flag.name);
    const deprecated = flag.deprecated ?? (this.#compat ? flag.deprecatedInCosign : undefined);
    if (deprecated !== undefined) {
      this.#warnings.push({
        text: `--${flag.name} is deprecated: ${deprecated}`,
        cosign: `Flag --${flag.name} has been deprecated, ${deprecated}`,
      });
    }
    if (flag.kind === 'boolean') {
      this.#give(flag, String(value === undefined ? true : booleanOf(flag, value)));
      return;
    }
    const argument = value ?? queue.shift();
    if (argument === undefined) {
      throw new UsageError('USAGE_BAD_FLAG', `--${flag.name} needs a value`, {
        expected: `--${flag.name} ${flag.value ?? 'VALUE'}`,
        details: { cosign: `flag needs an argument: --${flag.name}` },
      });
    }
    if (argument === '' && this.#compat && flag.nonEmptyInCosign === true) throw emptyAsCosign(flag);
    this.#give(flag, argument);
  }

  #find(text: string): { flag: Flag; value: string | undefined } {
    const dashes = text.startsWith('--') ? 2 : 1;
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(text.slice(dashes)) ?? [];
    const long = this.#byName.get(name);
    if (long !== undefined && (name.length > 1 || dashes === 2)) {
      if (dashes === 1) this.#takeFor(`-${name}`, `--${name}`);
      return { flag: long, value };
    }
    const short = this.#byLetter.get(name.charAt(0));
    if (short !== undefined && name.length === 1) {
      if (dashes === 2) this.#takeFor(`--${name}`, `-${name}`);
      return { flag: short, value };
    }
    if (short !== undefined && dashes === 1 && short.kind !== 'boolean') {
      return { flag: short, value: text.slice(2) };
    }
    throw this.#unknown(text, name);
  }

  #takeFor(typed: string, meant: string): void {
    this.#warnings.push({
      text: `${typed} is taken for ${meant}`,
      cosign: `WARNING: the ${typed} flag is deprecated and will be removed in a future release. Please use the ${meant} flag instead.`,
    });
  }

  #unknown(text: string, name: string): UsageError {
    const visible = this.#flags.filter(({ deprecated }) => deprecated === undefined).map((flag) => flag.name);
    // One letter is like any other.
    const closest = closestName(
      name,
      visible.filter(({ length }) => length > 1),
    );
    return new UsageError('USAGE_BAD_FLAG', 'the flag is not one of this command', {
      found: text.split('=')[0] ?? '',
      ...(closest === undefined ? {} : { closest: `--${closest}` }),
      fix: 'add --help-all to see every flag',
      details: { cosign: `unknown flag: ${text.split('=')[0] ?? ''}` },
    });
  }

  #give(flag: Flag, text: string): void {
    // To cosign an empty text is none, and chooses nothing.
    const isAny = this.#compat && (text === '' || flag.anyInCosign === true);
    if (flag.choices !== undefined && !flag.choices.includes(text) && !isAny) {
      throw new UsageError('USAGE_BAD_FLAG', `--${flag.name} has no such value`, {
        found: text,
        expected: flag.choices.join(', '),
      });
    }
    const { implies } = flag;
    if (implies !== undefined && text === 'true') this.#given.set(implies.name, [String(implies.value)]);
    const texts = this.#given.get(flag.name) ?? [];
    texts.push(text);
    this.#given.set(flag.name, texts);
  }
}

function emptyAsCosign({ name, choices, value = 'VALUE' }: Flag): UsageError {
  return new UsageError('USAGE_BAD_FLAG', `--${name} is empty`, {
    found: 'an empty text, which is no value of it to cosign',
    expected: choices?.join(', ') ?? value,
    details: { cosign: `invalid argument "" for "--${name}" flag` },
  });
}

function booleanOf(flag: Flag, text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new UsageError('USAGE_BAD_FLAG', `--${flag.name} is yes or no`, { found: text, expected: 'true or false' });
}
