import { digest } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { UsageError, VerificationError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readTrustFile } from './trust-files.ts';

const MAX_BYTES = 512_000;

/**
 * The first root that a user names.
 *
 * @param location a file, or an http(s) URL; plain HTTP to another machine only with a checksum
 * @param checksum hexadecimal in either case, SHA-256 unless it begins with `sha512:`
 * @throws UsageError USAGE_FILE, USAGE_BAD_FLAG; RemoteError; VerificationError DIGEST_MISMATCH
 */
export async function readInitialRoot(
  location: string,
  checksum: string | undefined,
  http: HttpClient,
): Promise<Uint8Array> {
  const wanted = checksum === undefined ? undefined : parseChecksum(checksum);
  const bytes = isUrl(location)
    ? (await http.request({ url: location, maxBytes: MAX_BYTES, allowHttp: wanted !== undefined })).body
    : readTrustFile(location, 'the first root');
  if (wanted === undefined) return bytes;
  const found = encodeHex(digest(wanted.algorithm, bytes));
  if (found === wanted.hex) return bytes;
  throw new VerificationError('DIGEST_MISMATCH', 'the first root is not the one with this checksum', {
    found: `${wanted.algorithm}:${found}`,
    expected: `${wanted.algorithm}:${wanted.hex}`,
  });
}

/** Whether the root comes over a network, which is why cosign wants a checksum then. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

function parseChecksum(text: string): { algorithm: 'sha256' | 'sha512'; hex: string } {
  const [, algorithm = 'sha256', hex = ''] = /^(?:(sha256|sha512):)?([0-9a-fA-F]+)$/.exec(text) ?? [];
  if ((algorithm === 'sha256' && hex.length === 64) || (algorithm === 'sha512' && hex.length === 128)) {
    return { algorithm, hex: hex.toLowerCase() };
  }
  throw new UsageError('USAGE_BAD_FLAG', '--root-checksum is not a checksum', {
    found: text.slice(0, 160),
    expected: '64 hexadecimal digits, or sha512: and 128',
  });
}
