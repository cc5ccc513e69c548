import { sha256 } from '../../core/crypto/digest.ts';
import { encodeTimestampRequest } from '../../core/pki/timestamp-request.ts';
import { parseTimestampResponse } from '../../core/pki/timestamp-response.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readAnswer } from './service-answer.ts';

const PEER = 'the timestamp authority';
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 256 << 10;

export interface TsaClientOptions {
  /** Asks for the authority's certificate inside the token: needed when only its root is known. */
  readonly wantsCertificate?: boolean;
}

/** Client of a timestamp authority (RFC 3161 §3.4). */
export class TsaClient {
  readonly #http: HttpClient;
  readonly #url: string;
  readonly #wantsCertificate: boolean;

  /** @param url the complete endpoint, as in a signing config */
  constructor(http: HttpClient, url: string, options: TsaClientOptions = {}) {
    this.#http = http;
    this.#url = url;
    this.#wantsCertificate = options.wantsCertificate ?? false;
  }

  /**
   * Has a signature stamped. Like Sigstore's clients, without a nonce: the signature is new, so no older token fits it.
   *
   * @param signature raw bytes, of which SHA-256 is sent
   * @returns DER TimeStampResp that parses, unverified
   * @throws RemoteError; REMOTE_BODY also when the authority declines
   */
  async timestamp(signature: Uint8Array): Promise<Uint8Array> {
    const { body } = await this.#http.request({
      method: 'POST',
      url: this.#url,
      headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
      body: encodeTimestampRequest({
        messageImprint: { hashAlgorithm: 'sha256', hashedMessage: sha256(signature) },
        wantsCertificate: this.#wantsCertificate,
      }),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      expect: [200, 201],
      idempotent: true,
      peer: PEER,
    });
    readAnswer({ name: PEER, url: this.#url }, () => parseTimestampResponse(body));
    return body;
  }
}
