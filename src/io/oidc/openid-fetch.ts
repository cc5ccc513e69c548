import type { CustomFetch } from 'openid-client';
import type { HttpClient } from '../net/http-client.ts';

const MAX_ANSWER_BYTES = 256 << 10;

/** openid-client's requests through our one door out: its time-outs, limits, retries and refusals hold here as well. */
export function openidFetch(http: HttpClient): CustomFetch {
  return async (url, options) => {
    const { method, headers, body, signal } = options;
    const answer = await http.request({
      method,
      url,
      headers,
      ...(body === null || body === undefined ? {} : { body: await bytesOf(body) }),
      ...(signal === undefined ? {} : { signal }),
      maxBytes: MAX_ANSWER_BYTES,
      // OAuth speaks through its error statuses; what they mean is the library's to say.
      expect: [200, 201, 400, 401, 403, 404],
      // Codes and secrets are for the provider alone; the library asks for the same (`redirect: 'manual'`).
      redirects: 'refuse',
      peer: 'the identity provider',
    });
    const present = Object.entries(answer.headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return new Response(answer.body.length === 0 ? null : Uint8Array.from(answer.body), {
      status: answer.status,
      headers: present,
    });
  };
}

async function bytesOf(body: ConstructorParameters<typeof Response>[0]): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}
