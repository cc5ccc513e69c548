import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { RemoteError, UsageError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { systemCode } from '../files/system-code.ts';

const PEER = "the trust root's mirror";
/** What object stores without a right to list answer for a file that is not there; python-tuf and tuf-js take both. */
const ABSENT = [403, 404];

/** Where a TUF repository is fetched from: an HTTP(S) URL, or a folder as a `file:` URL. Trusted with nothing. */
export class Mirror {
  /** Without a final slash. */
  readonly url: string;
  readonly #http: HttpClient;

  /** @throws UsageError USAGE_BAD_FLAG when it is no URL to fetch from */
  constructor(url: string, http: HttpClient) {
    const parsed = URL.parse(url);
    const plain = parsed !== null && parsed.search === '' && parsed.hash === '' && parsed.username === '';
    if (!plain || !['http:', 'https:', 'file:'].includes(parsed.protocol)) {
      throw new UsageError('USAGE_BAD_FLAG', 'the mirror is not a URL to fetch from', {
        found: url.slice(0, 128),
        expected: 'an https, http or file URL without credentials, query and fragment',
      });
    }
    this.url = url.replace(/\/+$/, '');
    this.#http = http;
  }

  /**
   * @param path below the mirror, such as `targets/HASH.trusted_root.json`
   * @returns undefined when the mirror says that it has no such file
   * @throws RemoteError when it cannot be asked, or sends more than `maxBytes`
   */
  async fetch(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const url = `${this.url}/${path}`;
    if (url.startsWith('file:')) return this.#read(fileURLToPath(url), maxBytes);
    const response = await this.#http.request({
      url,
      maxBytes,
      expect: [200, ...ABSENT],
      peer: PEER,
      // What arrives is signed; TUF asks nothing of the connection.
      allowHttp: true,
    });
    return response.status === 200 ? response.body : undefined;
  }

  async #read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    try {
      const file = await open(path, 'r');
      try {
        const { size } = await file.stat();
        if (size > maxBytes) throw tooMuch(path, maxBytes);
        // One byte more than allowed shows a file that grows while it is read.
        const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
        if (bytesRead > maxBytes) throw tooMuch(path, maxBytes);
        return Uint8Array.from(buffer.subarray(0, bytesRead));
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (cause instanceof RemoteError) throw cause;
      const code = systemCode(cause);
      if (code === 'ENOENT') return undefined;
      throw new RemoteError('REMOTE_UNREACHABLE', `${PEER} cannot be read`, { found: `${path}: ${code}`, cause });
    }
  }
}

function tooMuch(path: string, maxBytes: number): RemoteError {
  return new RemoteError('REMOTE_BODY', `${PEER} has too large a file`, {
    found: path,
    expected: `at most ${maxBytes} bytes`,
  });
}
