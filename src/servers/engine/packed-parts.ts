import { IntegrityError } from '../../errors.ts';

/**
 * Many byte strings in one buffer of its own: for the staging of a batch, and for messages between threads, which move one
 * buffer much faster than they copy a thousand. Count, lengths (32 bits each, big-endian), then the bytes.
 */
export function packParts(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = 4 + 4 * parts.length;
  const packed = new Uint8Array(parts.reduce((size, part) => size + part.length, header));
  const view = new DataView(packed.buffer);
  view.setUint32(0, parts.length);
  let at = header;
  for (const [index, part] of parts.entries()) {
    view.setUint32(4 + 4 * index, part.length);
    packed.set(part, at);
    at += part.length;
  }
  return packed;
}

/**
 * @returns views into `packed`
 * @throws IntegrityError STATE_CORRUPT: only we write this
 */
export function unpackParts(packed: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = packed.length < 4 ? -1 : view.getUint32(0);
  let at = 4 + 4 * count;
  if (count < 0 || at > packed.length) throw damaged();
  const parts: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const end = at + view.getUint32(4 + 4 * index);
    if (end > packed.length) throw damaged();
    parts.push(packed.subarray(at, end));
    at = end;
  }
  if (at !== packed.length) throw damaged();
  return parts;
}

function damaged(): IntegrityError {
  return new IntegrityError('STATE_CORRUPT', 'a staged batch is damaged', {
    expected: 'the parts that were committed',
    fix: 'sealwright log fsck',
  });
}
