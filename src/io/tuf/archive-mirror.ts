import { gunzipSync } from 'node:zlib';
import { FormatError, LimitError, RemoteError } from '../../errors.ts';
import type { Mirror } from './mirror.ts';

const BLOCK = 512;
const MAX_FILES = 1000;
/** Unpacked: a TUF repository of a trust root has a few files of some kilobytes. */
const MAX_BYTES = 32 << 20;
/** Within the archive, in front of the repository's own names. */
const PREFIX = 'repository/';

/**
 * A TUF repository in an archive: tar (POSIX ustar, with long names as PAX or GNU write them), compressed with gzip, as a policy-controller `TrustRoot` holds one.
 *
 * @param name what to call it in messages
 * @throws FormatError FORMAT_TUF for what is no such archive; LimitError LIMIT_SIZE or LIMIT_COUNT
 */
export function archiveMirror(archive: Uint8Array, name: string): Pick<Mirror, 'url' | 'fetch'> {
  const files = readTar(unzip(archive));
  return {
    url: name,
    fetch: (path, maxBytes) => {
      const found = files.get(path);
      if (found === undefined || found.length <= maxBytes) return Promise.resolve(found);
      return Promise.reject(
        new RemoteError('REMOTE_BODY', `${path} in ${name} is too large`, { expected: `at most ${maxBytes} bytes` }),
      );
    },
  };
}

function unzip(archive: Uint8Array): Uint8Array {
  try {
    return gunzipSync(archive, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new LimitError('LIMIT_SIZE', 'the archive is too large', { expected: `at most ${MAX_BYTES} bytes`, cause });
    }
    throw new FormatError('FORMAT_TUF', 'the archive is not compressed with gzip', { cause });
  }
}

/** Regular files by name; everything else in an archive is of no use to a repository. */
function readTar(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  let longName = '';
  while (offset + BLOCK <= bytes.length && bytes[offset] !== 0) {
    const header = bytes.subarray(offset, offset + BLOCK);
    const text = (start: number, length: number): string =>
      latin1(header.subarray(start, start + length)).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12).trim() || '0', 8);
    const end = offset + BLOCK + size;
    if (!Number.isSafeInteger(size) || size < 0 || end > bytes.length) {
      throw new FormatError('FORMAT_TUF', 'the archive is damaged', { found: `a file of ${text(124, 12)} bytes` });
    }
    const content = bytes.slice(offset + BLOCK, end);
    const prefix = text(345, 155);
    const path = (longName || `${prefix === '' ? '' : `${prefix}/`}${text(0, 100)}`).replace(/^\.?\/+/, '');
    const type = String.fromCharCode(header[156] ?? 0);
    if ((type === '0' || type === '\0') && path.startsWith(PREFIX)) files.set(path.slice(PREFIX.length), content);
    // What names the next file.
    longName = type === 'x' ? paxPath(content) : type === 'L' ? latin1(content).replace(/\0.*$/s, '') : '';
    if (files.size > MAX_FILES) throw new LimitError('LIMIT_COUNT', 'the archive has too many files');
    offset = offset + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  if (files.size === 0) throw new FormatError('FORMAT_TUF', 'the archive holds no repository', { expected: PREFIX });
  return files;
}

/** The `path` of a PAX header (POSIX.1-2001): records of `LENGTH KEY=VALUE` and a line feed. */
function paxPath(content: Uint8Array): string {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(latin1(content))?.[1] ?? '';
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
