const BINARY = 'application/octet-stream';
const SNIFFED_BYTES = 512;

/** Beginnings of files by which Go's `net/http.DetectContentType` knows them, as far as people upload such things. */
const BEGINNINGS: readonly (readonly [beginning: string, mediaType: string])[] = [
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['PK\x03\x04', 'application/zip'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
  ['\x00asm', 'application/wasm'],
  ['<?xml', 'text/xml'],
];

/** The media type that cosign gives a file without `--ct`: by its beginning, else text or not (WHATWG MIME Sniffing). */
export function sniffedMediaType(content: Uint8Array): string {
  const head = Buffer.from(content.subarray(0, SNIFFED_BYTES)).toString('latin1');
  const known = BEGINNINGS.find(([beginning]) => head.startsWith(beginning))?.[1];
  if (known !== undefined) return known;
  if (/^[\t\n\f\r ]*<(!DOCTYPE HTML|HTML|HEAD|BODY|SCRIPT)[ >]/i.test(head)) return 'text/html';
  if (/^[\t\n\f\r ]*<\?xml/.test(head)) return 'text/xml';
  return content.subarray(0, SNIFFED_BYTES).some(isBinary) ? BINARY : 'text/plain';
}

/** Control characters that no text has: all but tab, line feed, form feed, carriage return and escape. */
function isBinary(byte: number): boolean {
  return byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte);
}
