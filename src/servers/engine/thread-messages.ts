import { concatBytes } from '../../core/encoding/bytes.ts';
import { HASH_LENGTH } from '../../core/tlog/merkle.ts';
import { IntegrityError, InvariantError, SealwrightError, type IntegrityCode } from '../../errors.ts';
import type { StoredObject } from '../store/object-store.ts';
import { packAttachments, parseAttachments } from './entry-batch.ts';
import type { LogKind } from './entry-format.ts';
import { packParts, unpackParts } from './packed-parts.ts';
import type { SequencedBatch, Submissions } from './sequencer.ts';

/** What a log's thread is started with. */
export interface ThreadStart {
  readonly dir: string;
  readonly kind: LogKind;
  readonly origin: string;
  /** PKCS #8; moves inside this process only. */
  readonly key: Uint8Array;
  readonly timeMs: number;
}

export type ThreadRequest =
  | { readonly type: 'append'; readonly timeMs: number; readonly entries: Uint8Array; readonly attachments: Uint8Array }
  | { readonly type: 'close' };

export type ThreadReply =
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly error: FailureMessage }
  | { readonly type: 'appended'; readonly batch: BatchMessage };

/** Errors lose their class between threads. */
export interface FailureMessage {
  readonly code: IntegrityCode | undefined;
  readonly message: string;
  readonly found: string | undefined;
  readonly expected: string | undefined;
  readonly fix: string | undefined;
}

export interface BatchMessage {
  readonly checkpoint: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly indexes: BigUint64Array;
  readonly records: Uint8Array;
  /** The hashes of each proof one behind the other. */
  readonly proofs: Uint8Array;
}

export function encodeAppend({ entries, attachments }: Submissions, now: Date): ThreadRequest {
  return {
    type: 'append',
    timeMs: now.getTime(),
    entries: packParts(entries),
    attachments: packAttachments(attachments),
  };
}

export function parseAppend(request: Extract<ThreadRequest, { type: 'append' }>): Submissions {
  const attachments: readonly StoredObject[] = parseAttachments(request.attachments);
  return { entries: unpackParts(request.entries), attachments };
}

export function encodeBatch({ checkpoint, size, root, entries }: SequencedBatch): BatchMessage {
  return {
    checkpoint,
    size,
    root: Uint8Array.from(root),
    indexes: BigUint64Array.from(entries, ({ index }) => index),
    records: packParts(entries.map(({ record }) => record)),
    proofs: packParts(entries.map(({ proof }) => concatBytes(...proof))),
  };
}

export function parseBatch({ checkpoint, size, root, indexes, records, proofs }: BatchMessage): SequencedBatch {
  const recordParts = unpackParts(records);
  const proofParts = unpackParts(proofs);
  const entries = Array.from(indexes, (index, position) => ({
    index,
    record: recordParts[position] ?? new Uint8Array(0),
    proof: splitHashes(proofParts[position] ?? new Uint8Array(0)),
  }));
  return { checkpoint, size, root, entries };
}

export function encodeFailure(error: unknown): FailureMessage {
  const known = error instanceof SealwrightError ? error : undefined;
  return {
    code: error instanceof IntegrityError ? error.code : undefined,
    message: error instanceof Error ? error.message : 'unknown',
    found: known?.facts.found,
    expected: known?.facts.expected,
    fix: known?.facts.fix,
  };
}

export function parseFailure({ code, message, found, expected, fix }: FailureMessage): IntegrityError | InvariantError {
  const facts = {
    ...(found === undefined ? {} : { found }),
    ...(expected === undefined ? {} : { expected }),
    ...(fix === undefined ? {} : { fix }),
  };
  return code === undefined ? new InvariantError(message, facts) : new IntegrityError(code, message, facts);
}

function splitHashes(hashes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: hashes.length / HASH_LENGTH }, (_, index) =>
    hashes.subarray(index * HASH_LENGTH, (index + 1) * HASH_LENGTH),
  );
}
