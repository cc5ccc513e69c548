import type { Environment } from './environment.ts';
import { setStatusLine, type StatusLine } from './terminal.ts';

/** What decides whether somebody sees a line that moves. */
export interface SpinnerSetting {
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean;
  readonly quiet: boolean;
  /** Every request is shown as a line of its own. */
  readonly verbose: boolean;
  /** cosign's output is what it is. */
  readonly compat: boolean;
  readonly environment: Environment;
  readonly arguments: readonly string[];
}

/** What is faster than this needs no comfort. */
const PATIENCE_MS = 400;
const FRAME_MS = 120;
const FRAMES = { utf8: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'], ascii: ['-', '\\', '|', '/'] };
/** Back to the beginning of the line, and nothing on it any more. */
const ERASE = '\r\u001b[K';

/** Only where a person looks on: never in a pipe, a file or a CI job, and not while somebody types what is to be read. */
export function isSpinnerShown({
  isTerminal,
  quiet,
  verbose,
  compat,
  environment,
  arguments: args,
}: SpinnerSetting): boolean {
  const ci = environment['CI'] ?? '';
  const isCi = ci !== '' && ci !== 'false';
  return isTerminal && !quiet && !verbose && !compat && !isCi && environment['TERM'] !== 'dumb' && !args.includes('-');
}

/**
 * Says what is being done, and for how long, until it is stopped. It gives way to every other line, and leaves nothing behind.
 *
 * @param what such as `verifying`
 * @param draw writes to the terminal, past the line itself
 * @returns ends it
 */
export function startSpinner(what: string, isUtf8: boolean, draw: (text: string) => void): () => void {
  const frames = isUtf8 ? FRAMES.utf8 : FRAMES.ascii;
  const startedMs = performance.now();
  let frame = 0;
  let isDrawn = false;
  let isHeld = false;
  const clear = (): void => {
    if (isDrawn) draw(ERASE);
    isDrawn = false;
  };
  const tick = (): void => {
    const elapsedMs = performance.now() - startedMs;
    if (isHeld || elapsedMs < PATIENCE_MS) return;
    draw(`${ERASE}${frames[frame++ % frames.length] ?? ''} ${what}, ${Math.round(elapsedMs / 1000)} s`);
    isDrawn = true;
  };
  const line: StatusLine = {
    clear,
    hold: () => {
      clear();
      isHeld = true;
      return () => {
        isHeld = false;
      };
    },
  };
  setStatusLine(line);
  // It must not be what keeps a finished process alive.
  const timer = setInterval(tick, FRAME_MS).unref();
  return () => {
    clearInterval(timer);
    clear();
    setStatusLine(undefined);
  };
}
