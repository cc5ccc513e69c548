import { FormatError } from '../../errors.ts';

/** Standard alphabet with padding (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** URL-safe alphabet without padding (RFC 4648 §5, as JOSE uses it). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * Strict standard base64: alphabet, padding and zero trailing bits are checked by encoding again and comparing, so that
 * one value has one spelling.
 *
 * @throws FormatError FORMAT_BASE64
 */
export function parseBase64(text: string, what = 'base64 text'): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw notBase64(what, 'standard base64 with padding (RFC 4648 §4)', text);
  return bytes;
}

/**
 * Strict URL-safe base64 without padding.
 *
 * @throws FormatError FORMAT_BASE64
 */
export function parseBase64Url(text: string, what = 'base64url text'): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text)
    throw notBase64(what, 'URL-safe base64 without padding (RFC 4648 §5)', text);
  return bytes;
}

/**
 * What protojson accepts for a `bytes` field: either alphabet, padding optional (grpc-gateway requests, such as Fulcio's).
 * Only for requests; everything that is signed or stored goes through {@link parseBase64}.
 *
 * @throws FormatError FORMAT_BASE64
 */
export function parseProtoBase64(text: string, what = 'base64 text'): Uint8Array {
  const normal = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={0,2}$/, '');
  const bytes = Buffer.from(normal, 'base64');
  if (bytes.toString('base64').replace(/={0,2}$/, '') !== normal) throw notBase64(what, 'base64', text);
  return bytes;
}

function notBase64(what: string, expected: string, text: string): FormatError {
  return new FormatError('FORMAT_BASE64', `${what} is not valid base64`, {
    found: `${text.length} characters that do not decode and encode to themselves`,
    expected,
  });
}
