import { UsageError } from '../../errors.ts';
import { fileSystem } from './file-system.ts';
import type { Terminal } from './terminal.ts';

const STDIN = 0;
const MAX_ANSWER_BYTES = 1024;

/**
 * Asks before something that cannot be undone. Only `y` goes on (cosign's rule); a closed stdin is no consent.
 *
 * @param what will happen, as a sentence's beginning
 * @param flag that leaves the question out
 * @throws UsageError USAGE_NOT_CONFIRMED
 */
export function confirm(terminal: Terminal, what: string, flag = 'force'): void {
  terminal.warn(`${what}. Go on? [y/N]`);
  const answer = readAnswer();
  if (answer === 'y' || answer === 'Y') return;
  throw new UsageError('USAGE_NOT_CONFIRMED', 'nothing was done', {
    found: answer === '' ? 'no answer' : answer.slice(0, 20),
    expected: 'y',
    fix: `add --${flag} to go on without the question`,
  });
}

/**
 * cosign's own question, in its mode: `y` or `Y`, a line or the end of the input behind it; a word is neither yes nor no.
 *
 * @throws UsageError USAGE_NOT_CONFIRMED
 */
export function askAsCosign(
  terminal: Terminal,
  { refusal, fix }: { readonly refusal: string; readonly fix: string },
): void {
  terminal.question('Are you sure you would like to continue? [y/N] ');
  const answer = readAnswer();
  if (answer === 'y' || answer === 'Y') return;
  const isNo = ['', 'n', 'N'].includes(answer);
  throw new UsageError('USAGE_NOT_CONFIRMED', refusal, {
    found: answer === '' ? 'no answer' : answer.slice(0, 20),
    expected: 'y',
    fix,
    details: {
      cosign: isNo ? 'user declined the prompt' : `invalid input "${answer.slice(0, 20)}" (allowed values y, n)`,
    },
  });
}

/**
 * cosign's question before a key pair's files are replaced.
 *
 * @param isAnswered the flag has answered it
 */
export function overwriteAsCosign(terminal: Terminal, isAnswered = false): (file: string) => void {
  return (file) => {
    terminal.warn(`File ${file} already exists. Overwrite?`);
    if (!isAnswered) askAsCosign(terminal, { refusal: 'no key was made', fix: 'choose another --output-key-prefix' });
  };
}

/** The first line of stdin; empty when there is none. */
export function readAnswer(): string {
  const bytes = Buffer.alloc(MAX_ANSWER_BYTES);
  let length = 0;
  while (length < bytes.length && !bytes.includes('\n')) {
    const read = readSome(bytes, length);
    if (read === 0) break;
    length += read;
  }
  return bytes.toString('utf8', 0, length).split('\n')[0]?.trim() ?? '';
}

const PAUSE_MS = 20;

/** A terminal whose other descriptors do not block does not block here either: whoever is asked is waited for. */
function readSome(bytes: Uint8Array, offset: number): number {
  for (;;) {
    try {
      return fileSystem.readSync(STDIN, bytes, offset, bytes.length - offset, null);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN') throw cause;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
