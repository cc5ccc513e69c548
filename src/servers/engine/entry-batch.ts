import { utf8 } from '../../core/encoding/bytes.ts';
import type { StoredObject } from '../store/object-store.ts';
import { packParts, unpackParts } from './packed-parts.ts';
import { IntegrityError } from '../../errors.ts';

/** All that it takes to place a committed batch again, on top of the tree before it. */
export interface EntryBatch {
  /** The checkpoint that the batch follows. */
  readonly previous: string;
  readonly checkpoint: string;
  /** Submissions in the order of their indexes. */
  readonly submissions: readonly Uint8Array[];
  /** Objects that belong to the batch beside its tiles. */
  readonly attachments: readonly StoredObject[];
}

export function encodeEntryBatch({ previous, checkpoint, submissions, attachments }: EntryBatch): Uint8Array {
  return packParts([utf8(previous), utf8(checkpoint), packParts(submissions), packAttachments(attachments)]);
}

/** @throws IntegrityError STATE_CORRUPT */
export function parseEntryBatch(batch: Uint8Array): EntryBatch {
  const [previous, checkpoint, submissions, attachments, ...others] = unpackParts(batch);
  if (attachments === undefined || submissions === undefined || others.length > 0) {
    throw new IntegrityError('STATE_CORRUPT', 'a staged batch is damaged', { fix: 'sealwright log fsck' });
  }
  return {
    previous: text(previous),
    checkpoint: text(checkpoint),
    submissions: unpackParts(submissions),
    attachments: parseAttachments(attachments),
  };
}

/** Name and bytes in turn. */
export function packAttachments(attachments: readonly StoredObject[]): Uint8Array<ArrayBuffer> {
  return packParts(attachments.flatMap(({ name, bytes }) => [utf8(name), bytes]));
}

export function parseAttachments(packed: Uint8Array): readonly StoredObject[] {
  const parts = unpackParts(packed);
  return Array.from({ length: Math.floor(parts.length / 2) }, (_, index) => ({
    name: text(parts[2 * index]),
    bytes: parts[2 * index + 1] ?? new Uint8Array(0),
  }));
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
