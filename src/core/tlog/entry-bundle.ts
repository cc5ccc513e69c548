import { FormatError, LimitError } from '../../errors.ts';
import { concatBytes } from '../encoding/bytes.ts';
import { TILE_WIDTH } from './tile-name.ts';

/** Longest entry that a bundle can hold: its length is a uint16. */
export const MAX_ENTRY_BYTES = 0xffff;

/**
 * One entry as it stands in an entry bundle: its length in two bytes, big-endian, then its bytes (C2SP tlog-tiles).
 *
 * @throws LimitError LIMIT_SIZE
 */
export function encodeBundledEntry(entry: Uint8Array): Uint8Array {
  if (entry.length > MAX_ENTRY_BYTES) {
    throw new LimitError('LIMIT_SIZE', 'the log entry is too large', {
      found: `${entry.length} bytes`,
      expected: `at most ${MAX_ENTRY_BYTES}`,
    });
  }
  return concatBytes(Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry);
}

/**
 * The entries of a bundle. A bundle may hold more than are asked for: a tree can have grown since.
 *
 * @throws FormatError FORMAT_TILE when an entry is cut off, or there are more than a bundle holds
 */
export function parseEntryBundle(bundle: Uint8Array): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length;) {
    const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0);
    const end = at + 2 + length;
    if (end > bundle.length) throw malformed(`entry ${entries.length} is cut off`);
    if (entries.length === TILE_WIDTH) throw malformed(`more than ${TILE_WIDTH} entries`);
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

function malformed(found: string): FormatError {
  return new FormatError('FORMAT_TILE', 'the entry bundle is malformed', {
    found,
    expected: `up to ${TILE_WIDTH} entries, each behind its length in two bytes (C2SP tlog-tiles)`,
  });
}
