import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import {
  encodePublication,
  parsePublicationOutcome,
  type PublicationOutcome,
  type RevocationPublication,
} from '../../core/revocation/revocation-publication.ts';
import {
  encodeSuspensionRequest,
  parseSuspensions,
  type Suspension,
  type SuspensionRequest,
} from '../../core/revocation/suspension.ts';
import { AuthError, NotFoundError, RemoteError, SealwrightError, UsageError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import type { HttpRequest } from '../net/http-message.ts';
import { endpoint, readAnswer } from './service-answer.ts';

const PEER = 'the stack';
/** A first snapshot of many statements is verified before it is taken. */
const TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 16 << 20;
const SUSPENSIONS = '/ca/suspensions';
const REFUSALS: readonly number[] = [400, 401, 403, 404, 409, 413, 422];

/** Client of what a running stack does for its operators. Every answer means: done, and there for good. */
export class OperatorClient {
  readonly #http: HttpClient;
  readonly #url: string;
  readonly #secret: string;

  /** @param baseUrl of the stack; @param secret of its folder */
  constructor(http: HttpClient, baseUrl: string, secret: string) {
    this.#http = http;
    this.#url = endpoint(baseUrl, '/operator');
    this.#secret = secret;
  }

  /** @throws AuthError AUTH_FORBIDDEN; UsageError USAGE_WOULD_OVERWRITE for another authority; RemoteError, with the stack's own reason */
  async publishRevocations(publication: RevocationPublication): Promise<PublicationOutcome> {
    const body = await this.#ask('POST', '/revocations', utf8(encodePublication(publication)));
    return readAnswer({ name: PEER, url: this.#url }, () => parsePublicationOutcome(body));
  }

  /** Who gets no certificate. @throws AuthError AUTH_FORBIDDEN; RemoteError */
  async suspensions(): Promise<readonly Suspension[]> {
    return this.#told(await this.#ask('GET', SUSPENSIONS));
  }

  /** @returns everybody who is suspended then @throws AuthError AUTH_FORBIDDEN; RemoteError */
  async suspend(request: Required<SuspensionRequest>): Promise<readonly Suspension[]> {
    return this.#told(await this.#ask('POST', SUSPENSIONS, utf8(encodeSuspensionRequest(request))));
  }

  /** @returns as `suspend` @throws NotFoundError NOT_FOUND for one that is not suspended; AuthError AUTH_FORBIDDEN; RemoteError */
  async resume(request: SuspensionRequest): Promise<readonly Suspension[]> {
    return this.#told(await this.#ask('POST', `${SUSPENSIONS}/resume`, utf8(encodeSuspensionRequest(request))));
  }

  #told(body: Uint8Array): readonly Suspension[] {
    return readAnswer({ name: PEER, url: this.#url }, () => parseSuspensions(body));
  }

  async #ask(method: string, path: string, body?: Uint8Array): Promise<Uint8Array> {
    const request: HttpRequest = {
      method,
      url: `${this.#url}${path}`,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#secret}` },
      ...(body === undefined ? {} : { body }),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: TIMEOUT_MS,
      expect: [200, ...REFUSALS],
      redirects: 'refuse',
      peer: PEER,
    };
    const answer = await this.#http.request(request);
    if (answer.status !== 200) throw refusal(answer.status, answer.body);
    return answer.body;
  }
}

function refusal(status: number, body: Uint8Array): SealwrightError {
  const { code, message, ...facts } = readRefusal(body);
  if (code === 'AUTH_FORBIDDEN') return new AuthError(code, message, facts);
  if (code === 'USAGE_WOULD_OVERWRITE' || code === 'USAGE_BAD_CONFIG') return new UsageError(code, message, facts);
  if (code === 'NOT_FOUND' && status === 404) return new NotFoundError(code, message, facts);
  return new RemoteError('REMOTE_STATUS', `${PEER} has refused`, {
    found: `status ${status}: ${[code, message, facts.found].filter((part) => part !== undefined && part !== '').join(' ')}`,
    ...(facts.expected === undefined ? {} : { expected: facts.expected }),
    status,
  });
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly found?: string;
  readonly expected?: string;
  readonly fix?: string;
}

/** The error contract of our servers; of anything else nothing is quoted. */
function readRefusal(body: Uint8Array): Refusal {
  try {
    const fields = new JsonFields(parseJson(body, 'the refusal', 'FORMAT_JSON'), 'refusal', 'FORMAT_JSON');
    const text = (name: 'found' | 'expected' | 'fix'): Partial<Refusal> => {
      const value = fields.optionalString(name);
      return value === undefined ? {} : { [name]: value.slice(0, 500) };
    };
    return {
      code: fields.string('code'),
      message: fields.string('message').slice(0, 500),
      ...text('found'),
      ...text('expected'),
      ...text('fix'),
    };
  } catch (error) {
    if (error instanceof SealwrightError) return { code: '', message: '' };
    throw error;
  }
}
