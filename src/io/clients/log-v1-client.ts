import type { TransparencyLogEntry } from '../../core/bundle/log-entry.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import {
  encodeEntrySearch,
  encodeProposedEntry,
  parseFoundEntries,
  parseLogV1Entry,
  type ProposedEntry,
} from '../../core/wire/log-v1.ts';
import { RemoteError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { endpoint, readAnswer } from './service-answer.ts';

const PEER = 'the transparency log';
/** As Sigstore's own clients wait. */
const TIMEOUT_MS = 90_000;
const MAX_ANSWER_BYTES = 16 << 20;
/** A shard's tree id and a leaf hash, or a leaf hash alone. */
const ENTRY_ID = /\/api\/v1\/log\/entries\/([0-9a-f]{64}|[0-9a-f]{80})$/;

/** Client of a transparency log with Rekor v1's API. */
export class LogV1Client {
  readonly #http: HttpClient;
  readonly #url: string;

  /** @param baseUrl as in a signing config */
  constructor(http: HttpClient, baseUrl: string) {
    this.#http = http;
    this.#url = endpoint(baseUrl, '/api/v1/log/entries');
  }

  /**
   * Has an entry logged and proven. When an attempt whose answer was lost has logged it already, the log says *conflict* and
   * where the entry is: that entry is ours.
   *
   * @returns the entry as the log claims it, unverified
   * @throws RemoteError
   */
  async append(entry: ProposedEntry): Promise<TransparencyLogEntry> {
    const answer = await this.#http.request({
      method: 'POST',
      url: this.#url,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: utf8(encodeProposedEntry(entry)),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      expect: [201, 409],
      idempotent: true,
      peer: PEER,
    });
    const body = answer.status === 409 ? await this.#existing(answer.headers['location']) : answer.body;
    return readAnswer({ name: PEER, url: this.#url }, () => parseLogV1Entry(body));
  }

  /**
   * Whether the log has an entry already; for signatures that were stored without it. A log tells only what it was given: the
   * search says what is looked for.
   *
   * @returns the oldest entry that the log claims to have, unverified; undefined when it says that there is none
   * @throws RemoteError
   */
  async find(entry: ProposedEntry): Promise<TransparencyLogEntry | undefined> {
    const answer = await this.#http.request({
      method: 'POST',
      url: `${this.#url}/retrieve`,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: utf8(encodeEntrySearch(entry)),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      expect: [200],
      idempotent: true,
      peer: PEER,
    });
    const found = readAnswer({ name: PEER, url: this.#url }, () => parseFoundEntries(answer.body));
    return [...found].sort((a, b) => Number(a.integratedTime - b.integratedTime))[0];
  }

  /**
   * The entry at an index over all shards.
   *
   * @returns the entry as the log claims it, unverified
   * @throws RemoteError
   */
  async at(index: bigint): Promise<TransparencyLogEntry> {
    const { body } = await this.#http.request({
      url: `${this.#url}?logIndex=${index}`,
      headers: { accept: 'application/json' },
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      peer: PEER,
    });
    return readAnswer({ name: PEER, url: this.#url }, () => parseLogV1Entry(body));
  }

  async #existing(location: string | undefined): Promise<Uint8Array> {
    const [, id] = ENTRY_ID.exec(location ?? '') ?? [];
    if (id === undefined) {
      throw new RemoteError('REMOTE_BODY', `${PEER} has the entry, and does not say where`, {
        found: 'status 409 without the address of an entry',
        expected: 'a Location below /api/v1/log/entries/',
      });
    }
    const { body } = await this.#http.request({
      url: `${this.#url}/${id}`,
      headers: { accept: 'application/json' },
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      peer: PEER,
    });
    return body;
  }
}
