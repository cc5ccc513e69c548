import type { IdentityToken } from '../../core/identity/identity-token.ts';
import { defaultScheme } from '../../core/crypto/signature.ts';
import type { SigningKey } from '../../core/crypto/signing-key.ts';
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
/** Reasons that our own authority names. */
const REASONS = [
  'AUTH_TOKEN_INVALID',
  'AUTH_TOKEN_EXPIRED',
  'AUTH_ISSUER_UNKNOWN',
  'AUTH_AUDIENCE',
  'AUTH_CLAIM',
  'AUTH_PROOF_OF_POSSESSION',
  'AUTH_KEY_REFUSED',
  'AUTH_SUSPENDED',
] as const;
/** Of tokens for the public instance, and for every other one that has not chosen its own. */
const USUAL_AUDIENCE = 'sigstore';
const MAX_DETAILS = 16;

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
   * @throws AuthError with the authority's reason, where it tells one, else AUTH_TOKEN_INVALID, or AUTH_AUDIENCE for a token
   *   that was made for somebody else; RemoteError
   */
  async requestCertificate(token: IdentityToken, key: SigningKey): Promise<readonly Certificate[]> {
    const proof = await key.sign(utf8(token.proofSubject), defaultScheme(key.kind));
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

/** What the authority says of its reason: the message, and whatever details it adds. */
interface Refusal {
  readonly message: string;
  readonly code: string;
  readonly reason: string;
  readonly found: string;
  readonly expected: string;
}

function refused(status: number, body: Uint8Array, token: IdentityToken): AuthError {
  const { message, code, reason, found, expected } = readRefusal(body, token.token);
  const words = [reason === '' ? message : reason, found].filter((part) => part !== '').join(': ');
  return new AuthError(refusalCode(code, token), `${PEER} does not accept the identity token`, {
    found: `status ${status}${words === '' ? '' : `: ${words}`}; the token is of ${token.issuer}, for ${token.audiences.join(', ') || 'nobody'}`,
    expected: expected === '' ? 'a token of an issuer that it trusts, for its audience' : expected,
    cause: new RemoteError('REMOTE_STATUS', `${PEER} answered with status ${status}`, { status }),
  });
}

/** The authority's own code where it tells one; Fulcio keeps its reason to its log, and only the audience can be guessed. */
function refusalCode(code: string, { audiences }: IdentityToken): AuthError['code'] {
  const known = REASONS.find((reason) => reason === code);
  return known ?? (audiences.includes(USUAL_AUDIENCE) ? 'AUTH_TOKEN_INVALID' : 'AUTH_AUDIENCE');
}

/** A gRPC status in JSON, with a reason among its details. An authority that repeats the token is not quoted. */
function readRefusal(body: Uint8Array, token: string): Refusal {
  const none = { message: '', code: '', reason: '', found: '', expected: '' };
  try {
    const fields = new JsonFields(parseJson(body, 'the refusal', 'FORMAT_JSON'), 'refusal', 'FORMAT_JSON');
    const message = quotable(fields, 'message', token);
    const [detail] = fields.has('details') ? fields.objects('details', MAX_DETAILS) : [];
    if (detail === undefined) return { ...none, message };
    const of = (name: string): string => quotable(detail, name, token);
    return { message, code: of('code'), reason: of('reason'), found: of('found'), expected: of('expected') };
  } catch (error) {
    if (error instanceof SealwrightError) return none;
    throw error;
  }
}

function quotable(fields: JsonFields, name: string, token: string): string {
  const value = fields.value(name);
  return typeof value !== 'string' || value.includes(token) ? '' : value.slice(0, 300);
}
