import type { HashedRekordInput } from '../../core/bundle/entry-body.ts';
import type { TransparencyLogEntry } from '../../core/bundle/log-entry.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeCreateEntryRequest, parseCreateEntryResponse } from '../../core/wire/log.ts';
import type { HttpClient } from '../net/http-client.ts';
import { endpoint, readAnswer } from './service-answer.ts';

const PEER = 'the transparency log';
/** A log answers when its batch is sequenced and proven, not at once. */
const TIMEOUT_MS = 90_000;
const MAX_ANSWER_BYTES = 1 << 20;

/** Client of a transparency log with Rekor v2's API. */
export class LogClient {
  readonly #http: HttpClient;
  readonly #url: string;

  /** @param baseUrl as in a signing config */
  constructor(http: HttpClient, baseUrl: string) {
    this.#http = http;
    this.#url = endpoint(baseUrl, '/api/v2/log/entries');
  }

  /**
   * Has an entry logged and proven. A log answers the same entry for the same submission, so lost answers are asked for
   * again.
   *
   * @returns the entry as the log claims it, unverified
   * @throws RemoteError
   */
  async append(request: HashedRekordInput): Promise<TransparencyLogEntry> {
    const { body } = await this.#http.request({
      method: 'POST',
      url: this.#url,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: utf8(encodeCreateEntryRequest(request)),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      expect: [200, 201],
      idempotent: true,
      peer: PEER,
    });
    return readAnswer({ name: PEER, url: this.#url }, () => parseCreateEntryResponse(body));
  }
}
