import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { LimitError, UsageError } from '../../errors.ts';

const MAX_SMALL_BYTES = 256 << 10;

/** Of each of the two buffers that a large file goes through. */
const BUFFER_BYTES = 256 << 10;

/** Larger than any document that is read whole. */
const MAX_DOCUMENT_BYTES = 64 << 20;

/** @throws UsageError USAGE_FILE; LimitError LIMIT_SIZE */
export function readInputFile(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > MAX_DOCUMENT_BYTES) throw tooLarge(path, size);
    return readFileSync(path);
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/** @throws UsageError USAGE_FILE; LimitError LIMIT_SIZE */
export function readTextFile(path: string): string {
  return Buffer.from(readInputFile(path)).toString('utf8');
}

/** A file, or standard input for `-`, whole. @throws UsageError USAGE_FILE; LimitError LIMIT_SIZE */
export async function readWholeInput(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of streamInput(path)) {
    size += chunk.length;
    if (size > MAX_DOCUMENT_BYTES) throw tooLarge(path === '-' ? 'stdin' : path, size);
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
}

/**
 * A file, or standard input for `-`, as it is read; of any size. A chunk counts until the next is asked for.
 *
 * @throws UsageError USAGE_FILE while it is read
 */
export async function* streamInput(path: string): AsyncIterable<Uint8Array> {
  try {
    const whole = path === '-' ? undefined : readSmallFile(path);
    if (whole !== undefined) {
      yield whole;
      return;
    }
    const stream: AsyncIterable<Uint8Array> = path === '-' ? process.stdin : readAhead(path);
    for await (const chunk of stream) yield chunk;
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/**
 * Reads into one buffer while the caller works on the other. A stream of Node's makes a buffer for each chunk, and lets 60 MiB of
 * them lie about until they are collected.
 */
async function* readAhead(path: string): AsyncIterable<Uint8Array> {
  const { open } = await import('node:fs/promises');
  const file = await open(path);
  try {
    let [current, next] = [Buffer.allocUnsafeSlow(BUFFER_BYTES), Buffer.allocUnsafeSlow(BUFFER_BYTES)];
    let reading = file.read(current, 0, BUFFER_BYTES, null);
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      const chunk = current.subarray(0, bytesRead);
      [current, next] = [next, current];
      reading = file.read(current, 0, BUFFER_BYTES, null);
      // Whoever stops in between leaves it to nobody.
      reading.catch(() => undefined);
      yield chunk;
    }
  } finally {
    // Not waited for: of a pipe, the read that is under way may never end.
    file.close().catch(() => undefined);
  }
}

/** A plain file that is small, without a stream, which takes longer to set up than most files to read. */
function readSmallFile(path: string): Uint8Array | undefined {
  // What is no plain file may make us wait, which must not stop the clock of --timeout.
  const found = statSync(path);
  return found.isFile() && found.size <= MAX_SMALL_BYTES ? readFileSync(path) : undefined;
}

/** @returns what is to be thrown: of what is no error of the system, itself */
export function cannotRead(path: string, cause: unknown): unknown {
  const { code, syscall } = cause as NodeJS.ErrnoException;
  // What is no error of the system comes from whoever reads the stream.
  if (typeof syscall !== 'string' || code === undefined) return cause;
  return new UsageError('USAGE_FILE', `${path} cannot be read`, { found: code, cause });
}

function tooLarge(path: string, size: number): LimitError {
  return new LimitError('LIMIT_SIZE', `${path} is too large`, {
    found: `${size} bytes`,
    expected: `at most ${MAX_DOCUMENT_BYTES}`,
  });
}
