import type { IdentityToken } from '../../core/identity/identity-token.ts';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import { encodeSigningCertificateRequest, parseSigningCertificate } from '../../core/wire/ca.ts';
import { AuthError, RemoteError, SealwrightError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { endpoint, readAnswer } from './service-answer.ts';

const PEER = 'the certificate authority';
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1 << 20;
/** How Fulcio says that it does not like the token: gRPC's INVALID_ARGUMENT, UNAUTHENTICATED and PERMISSION_DENIED. */
const REFUSALS: readonly number[] = [400, 401, 403];

/** Client of a certificate authority with Fulcio's API. */
export class CaClient {
  readonly #http: HttpClient;
  readonly #url: string;

  /** @param baseUrl as in a signing config */
  constructor(http: HttpClient, baseUrl: string) {
    this.#http = http;
    this.#url = endpoint(baseUrl, '/api/v2/signingCert');
  }

  /**
   * Asks for a certificate that binds the key to the token's identity. Asking twice is harmless, so lost answers are
   * asked for again.
   *
   * @returns leaf first, unverified
   * @throws AuthError AUTH_TOKEN_INVALID with the authority's words; RemoteError
   */
  async requestCertificate(token: IdentityToken, key: PrivateKey): Promise<readonly Certificate[]> {
    const proof = key.sign(utf8(token.proofSubject));
    const { status, body } = await this.#http.request({
      method: 'POST',
      url: this.#url,
      // The header is what older authorities read; newer ones prefer the body.
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token.token}` },
      body: utf8(encodeSigningCertificateRequest(token.token, key.publicKey.toPem(), proof)),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      expect: [200, 201, ...REFUSALS],
      idempotent: true,
      // Whoever it points to would get the token.
      redirects: 'refuse',
      peer: PEER,
    });
    if (REFUSALS.includes(status)) throw refused(status, body, token);
    return readAnswer({ name: PEER, url: this.#url }, () => parseSigningCertificate(body));
  }
}

function refused(status: number, body: Uint8Array, token: IdentityToken): AuthError {
  return new AuthError('AUTH_TOKEN_INVALID', `${PEER} does not accept the identity token`, {
    found: `status ${status}${words(body, token.token)}`,
    expected: `a token of an issuer that it trusts, for its audience; this one is of ${token.issuer}`,
    cause: new RemoteError('REMOTE_STATUS', `${PEER} answered with status ${status}`, { status }),
  });
}

/** The message of a gRPC status in JSON. An authority that repeats the token is not quoted. */
function words(body: Uint8Array, token: string): string {
  try {
    const fields = new JsonFields(parseJson(body, 'the refusal'), 'refusal', 'FORMAT_JSON');
    const message = fields.optionalString('message') ?? '';
    return message === '' || message.includes(token) ? '' : `: ${message.slice(0, 300)}`;
  } catch (error) {
    if (error instanceof SealwrightError) return '';
    throw error;
  }
}
