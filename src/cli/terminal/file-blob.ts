import { createReadStream, statSync } from 'node:fs';
import { RunningDigest } from '../../core/crypto/digest.ts';
import { Digest } from '../../core/image/digest.ts';
import { UsageError } from '../../errors.ts';
import type { BlobSource } from '../../io/registry/blob-transfer.ts';
import { cannotRead, readWholeInput, streamInput } from './input-file.ts';

/** A file that goes to a registry: read once for its digest, and again for each attempt to send it. */
export interface FileBlob {
  readonly content: Uint8Array | BlobSource;
  /** Its first bytes, by which its media type is guessed. */
  readonly head: Uint8Array;
}

const HEAD_BYTES = 512;

/**
 * Of any size, in constant memory. What is no plain file cannot be read twice and is held in memory.
 *
 * @throws UsageError USAGE_FILE, here and while it is sent; LimitError LIMIT_SIZE for what is no plain file
 */
export async function openFileBlob(path: string): Promise<FileBlob> {
  const sizeBytes = plainSize(path);
  if (sizeBytes === undefined) {
    const content = await readWholeInput(path);
    return { content, head: content.subarray(0, HEAD_BYTES) };
  }
  const running = new RunningDigest('sha256');
  let head: Uint8Array | undefined;
  let read = 0;
  for await (const chunk of streamInput(path)) {
    head ??= Uint8Array.from(chunk.subarray(0, HEAD_BYTES));
    running.update(chunk);
    read += chunk.length;
  }
  if (read !== sizeBytes) throw changed(path, read, sizeBytes);
  const digest = Digest.fromBytes(running.digest(), 'sha256');
  return {
    head: head ?? new Uint8Array(),
    content: { digest, sizeBytes, open: (start, end) => range(path, start, end) },
  };
}

async function* range(path: string, start: number, end: number): AsyncIterable<Uint8Array> {
  if (start === end) return;
  let read = 0;
  try {
    // Whoever sends a chunk may keep it for a while, so each has a buffer of its own.
    for await (const chunk of createReadStream(path, { start, end: end - 1 }) as AsyncIterable<Uint8Array>) {
      read += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    throw cannotRead(path, cause);
  }
  if (read !== end - start) throw changed(path, start + read, end);
}

function plainSize(path: string): number | undefined {
  try {
    const found = statSync(path);
    return found.isFile() ? found.size : undefined;
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

function changed(path: string, found: number, expected: number): UsageError {
  return new UsageError('USAGE_FILE', `${path} changed while it was read`, {
    found: `${found} bytes`,
    expected: `${expected} bytes, as it had at first`,
  });
}
