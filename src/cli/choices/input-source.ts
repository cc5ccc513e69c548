import { existsSync } from 'node:fs';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { HttpClient } from '../../io/net/http-client.ts';
import { readInputFile } from '../terminal/input-file.ts';

const MAX_BYTES = 16 << 20;

/** What a flag names: a file, or a URL. @throws UsageError USAGE_FILE; RemoteError; LimitError LIMIT_SIZE */
export async function fileOrUrl(value: string, http: HttpClient): Promise<Uint8Array> {
  if (!isUrl(value)) return readInputFile(value);
  const { body } = await http.request({ url: value, maxBytes: MAX_BYTES, peer: 'the server of that file' });
  return body;
}

/** The same, as text. */
export async function textOf(value: string, http: HttpClient): Promise<string> {
  return Buffer.from(await fileOrUrl(value, http)).toString('utf8');
}

/** cosign takes what names neither for the thing itself. */
export async function fileUrlOrText(value: string, http: HttpClient): Promise<Uint8Array> {
  return existsSync(value) || isUrl(value) ? fileOrUrl(value, http) : utf8(value);
}

function isUrl(value: string): boolean {
  return /^https?:\/\//.test(value);
}
