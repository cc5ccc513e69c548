import type { RunningDigest } from '../../core/crypto/digest.ts';
import { RemoteError } from '../../errors.ts';
import type { GrowingFile } from './file-layer.ts';

/** A digest of the first `hashedBytes` of an upload: most uploads end as they began, in sha256. */
export interface Progress {
  readonly hash: RunningDigest;
  hashedBytes: number;
}

export interface Reception {
  /** Size of the file before. */
  readonly sizeBytes: number;
  /** Reading stops beyond this size. */
  readonly maxBytes: number;
  readonly progress: Progress;
  /** Ends the reception: another request has taken over. */
  readonly signal: AbortSignal;
}

/**
 * Writes and hashes a body as it arrives.
 *
 * @returns the size of the file afterwards, at most one piece of the body beyond `maxBytes`
 * @throws RemoteError REMOTE_BODY when the client went away; a failing disk with its own error
 */
export async function receiveBody(
  file: GrowingFile,
  body: ReadableStream<Uint8Array>,
  { sizeBytes, maxBytes, progress, signal }: Reception,
): Promise<number> {
  const reader = body.getReader();
  const giveUp = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  let size = sizeBytes;
  try {
    while (size <= maxBytes) {
      const value = await nextPiece(reader);
      if (signal.aborted) throw new RemoteError('REMOTE_BODY', 'another request has taken over this upload');
      if (value === undefined) return size;
      await file.append(value);
      // Hashing is only worth it while it has seen everything from the first byte.
      if (progress.hashedBytes === size) {
        progress.hash.update(value);
        progress.hashedBytes += value.length;
      }
      size += value.length;
    }
    giveUp();
    return size;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Undefined at the end. */
async function nextPiece(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch (cause) {
    throw new RemoteError('REMOTE_BODY', 'the request body ended early', { cause });
  }
}
