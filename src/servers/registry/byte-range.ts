import { badRequest } from './oci-error.ts';

/** Both inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a Range header asks of content of this size (RFC 9110 §14): one range, `unsatisfiable`, or undefined when there is
 * none that we serve: several ranges and other units are ignored, as the RFC permits, and answered with everything.
 */
export function parseRange(header: string | null, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= sizeBytes ? 'unsatisfiable' : { start, end };
}

/**
 * Where a chunk belongs (distribution-spec, Pushing a blob in chunks: `Content-Range: start-end`, both inclusive, without a
 * unit; some clients send `bytes start-end/total`). Undefined when absent: the chunk is appended.
 *
 * @throws FormatError FORMAT_REQUEST (BLOB_UPLOAD_INVALID)
 */
export function parseContentRange(header: string | null): ByteRange | undefined {
  if (header === null) return undefined;
  const [, first, last] = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header.trim()) ?? [];
  if (first !== undefined && last !== undefined && Number(last) >= Number(first)) {
    return { start: Number(first), end: Number(last) };
  }
  throw badRequest('BLOB_UPLOAD_INVALID', 'Content-Range is not a range', {
    found: header.slice(0, 60),
    expected: 'START-END in bytes, both inclusive',
  });
}
