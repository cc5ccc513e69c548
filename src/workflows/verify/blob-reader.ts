import { RunningDigest, type HashAlgorithm } from '../../core/crypto/digest.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import { LimitError } from '../../errors.ts';

/**
 * A file, standard input, or anything else that yields bytes; read once. A chunk counts until the next is asked for: who reads
 * a large file writes over it.
 */
export type BlobStream = AsyncIterable<Uint8Array>;

export interface BlobReading {
  readonly digests: ReadonlySet<HashAlgorithm>;
  /**
   * Whether the bytes themselves are kept. `required` by schemes that sign no digest, which bounds the size of the blob. `small`: where
   * they are few, because `node:crypto` verifies a signature over bytes, and over a digest it is done by formula, cold.
   */
  readonly keep: 'never' | 'small' | 'required';
  readonly onChunk?: (chunk: Uint8Array) => void;
}

/** cosign's own limit for what it reads into memory. */
const MAX_KEPT_BYTES = 128 << 20;
const SMALL_BYTES = 256 << 10;

/**
 * Reads a blob in one pass and, unless its bytes are wanted, in constant memory.
 *
 * @throws LimitError LIMIT_SIZE when the bytes are required and too many; whatever the stream throws
 */
export async function readBlob(blob: BlobStream, { digests, keep, onChunk }: BlobReading): Promise<Artifact> {
  const running = [...digests].map((algorithm) => new RunningDigest(algorithm));
  let kept: Uint8Array[] | undefined = keep === 'never' ? undefined : [];
  let sizeBytes = 0;
  for await (const chunk of blob) {
    for (const digest of running) digest.update(chunk);
    onChunk?.(chunk);
    sizeBytes += chunk.length;
    if (keep === 'required' && sizeBytes > MAX_KEPT_BYTES) throw tooLarge();
    if (keep === 'small' && sizeBytes > SMALL_BYTES) kept = undefined;
    kept?.push(Uint8Array.from(chunk));
  }
  if (kept !== undefined) return { kind: 'bytes', bytes: Buffer.concat(kept) };
  return { kind: 'digests', digests: new Map(running.map((digest) => [digest.algorithm, digest.digest()])) };
}

function tooLarge(): LimitError {
  return new LimitError('LIMIT_SIZE', 'the blob is too large for a key of this kind', {
    found: `more than ${MAX_KEPT_BYTES} bytes`,
    expected: 'a smaller blob, or a key that signs digests: ECDSA or RSA',
  });
}
