import { UsageError } from '../../errors.ts';
import { variable, type Environment } from './environment.ts';
import { fileSystem } from './file-system.ts';

export interface TerminalOptions {
  readonly environment: Environment;
  /** Whether stderr is one: for colour and prompts. */
  readonly isTerminal: boolean;
  /** Whether stdout is one. */
  readonly isResultOnTerminal?: boolean;
  readonly quiet: boolean;
  /** Warnings with cosign's word in front instead of a mark. */
  readonly compat?: boolean;
  /** Takes the result instead of stdout. */
  readonly outputFile?: string;
}

const STDOUT = 1;
const STDERR = 2;
const GREEN = 32;
const YELLOW = 33;
const RED = 31;

/**
 * Where a command's words go: the result to stdout, everything else to stderr. Colour only on a terminal, and never with
 * NO_COLOR or in CI; marks are words where the locale has no UTF-8. A mark never stands without its word.
 */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #isUtf8: boolean;
  readonly #hasColour: boolean;
  #isOutputBegun = false;

  constructor(options: TerminalOptions) {
    const { environment, isTerminal } = options;
    this.#options = options;
    const isCi = isSet(environment['CI']);
    const locale = variable(environment, 'LC_ALL', 'LC_CTYPE', 'LANG') ?? '';
    this.#isUtf8 = !isCi && /utf-?8/i.test(locale);
    this.#hasColour = isTerminal && !isCi && !isSet(environment['NO_COLOR']) && environment['TERM'] !== 'dumb';
  }

  /** Whether somebody reads progress and result on the same screen, so that JSON nobody asked for would be noise. */
  get isResultSeen(): boolean {
    return this.#options.isResultOnTerminal === true && this.#options.outputFile === undefined;
  }

  /** A line of the result. */
  result(text: string): void {
    this.#write(Buffer.from(`${text}\n`));
  }

  #write(bytes: Uint8Array): void {
    const { outputFile } = this.#options;
    if (outputFile === undefined) {
      write(STDOUT, bytes);
      return;
    }
    const isNew = !this.#isOutputBegun && !fileSystem.existsSync(outputFile);
    try {
      fileSystem.writeFileSync(outputFile, bytes, { flag: this.#isOutputBegun ? 'a' : 'w' });
    } catch (cause) {
      if (isNew) fileSystem.rmSync(outputFile, { force: true });
      const code = (cause as NodeJS.ErrnoException).code ?? 'an error';
      throw new UsageError('USAGE_FILE', 'the output file cannot be written', {
        found: `${outputFile}: ${code}`,
        cause,
      });
    }
    this.#isOutputBegun = true;
  }

  /** The result as bytes, with nothing added. */
  resultBytes(bytes: Uint8Array): void {
    this.#write(bytes);
  }

  /** A line of progress, as it is. */
  progress(text: string): void {
    if (!this.#options.quiet) write(STDERR, `${this.#legible(text)}\n`);
  }

  /** A line that belongs to the command's answer, though not to its result: --quiet does not silence it. */
  note(text: string): void {
    write(STDERR, `${text}\n`);
  }

  /** As `note`, with the answer to stand behind it. */
  question(text: string): void {
    write(STDERR, text);
  }

  warn(text: string): void {
    const mark = this.#options.compat === true ? 'WARNING:' : this.#colour(YELLOW, '!');
    write(STDERR, `${mark} ${this.#legible(text)}\n`);
  }

  /** An error's text; its first word is its code. */
  failure(text: string): void {
    write(STDERR, `${this.#legible(text).replace(/^\S+/, (code) => this.#colour(RED, code))}\n`);
  }

  /** Whether marks may be more than ASCII. */
  get isUtf8(): boolean {
    return this.#isUtf8;
  }

  /** To stderr as it is, past the status line: what draws it. */
  draw(text: string): void {
    put(STDERR, text);
  }

  /** Something that was checked or done, with its mark. */
  done(text: string): string {
    return `${this.#colour(GREEN, this.#isUtf8 ? '✓' : 'ok')} ${this.#legible(text)}`;
  }

  /** What our own sentences use beyond ASCII, for terminals and logs that have only that. */
  #legible(text: string): string {
    return this.#isUtf8 ? text : text.replaceAll('…', '...').replaceAll('←', '<-').replaceAll('→', '->');
  }

  #colour(code: number, text: string): string {
    return this.#hasColour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

/** A line that is drawn anew while a command works. */
export interface StatusLine {
  /** Called before anything else is written. */
  readonly clear: () => void;
  /** Not drawn until the answer is called: somebody types. */
  readonly hold: () => () => void;
}

/** The screen is one, whoever writes to it: a failure has to erase the line as well. */
let statusLine: StatusLine | undefined;

export function setStatusLine(line: StatusLine | undefined): void {
  statusLine = line;
}

/** For what is read from the terminal bit by bit. @returns ends it */
export function holdStatusLine(): () => void {
  return statusLine?.hold() ?? (() => undefined);
}

/** NO_COLOR (no-color.org) and CI count when they are there and not empty. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false';
}

function write(descriptor: number, text: string | Uint8Array): void {
  statusLine?.clear();
  put(descriptor, text);
}

/** Synchronous, so that nothing is lost when the process ends at once; a reader that has gone away is no error. */
function put(descriptor: number, text: string | Uint8Array): void {
  let rest = typeof text === 'string' ? Buffer.from(text) : text;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fileSystem.writeSync(descriptor, rest));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EPIPE') return;
      // A pipe in non-blocking mode whose reader is slow: try again.
      if (code !== 'EAGAIN') throw cause;
    }
  }
}
