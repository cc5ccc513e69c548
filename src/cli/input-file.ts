import { createReadStream, readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { LimitError, UsageError } from '../errors.ts';

const MAX_SMALL_BYTES = 256 << 10;

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
    if (size > MAX_DOCUMENT_BYTES) throw tooLarge(path, size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A file, or standard input for `-`, whole. @throws UsageError USAGE_FILE; LimitError LIMIT_SIZE */
export async function readArgumentFile(path: string): Promise<Uint8Array> {
  if (path !== '-') return readInputFile(path);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of streamInput(path)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_DOCUMENT_BYTES) throw tooLarge('stdin', size);
  }
  return Buffer.concat(chunks);
}

/** A file, or standard input for `-`, as it is read; of any size. @throws UsageError USAGE_FILE while it is read */
export async function* streamInput(path: string): AsyncIterable<Uint8Array> {
  try {
    const whole = path === '-' ? undefined : readSmallFile(path);
    if (whole !== undefined) {
      yield whole;
      return;
    }
    const stream: AsyncIterable<Uint8Array> = path === '-' ? process.stdin : createReadStream(path);
    for await (const chunk of stream) yield chunk;
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/** A plain file that is small, without a stream, which takes longer to set up than most files to read. */
function readSmallFile(path: string): Uint8Array | undefined {
  // What is no plain file may make us wait, which must not stop the clock of --timeout.
  const found = statSync(path);
  return found.isFile() && found.size <= MAX_SMALL_BYTES ? readFileSync(path) : undefined;
}

function cannotRead(path: string, cause: unknown): unknown {
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
