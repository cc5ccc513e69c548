import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { mediaTypeEssence } from '../../core/image/media-types.ts';
import type { Repository } from '../../core/image/reference.ts';
import { RemoteError, SealwrightError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import type { HttpHeaders, HttpRequest, HttpResponse, HttpStream } from '../net/http-message.ts';
import type { CredentialStore } from './credentials.ts';
import { RegistryAuth, refusedCredentials, type AnnouncedRepository, type RegistryAction } from './registry-auth.ts';
import { RegistryEndpoints } from './registry-endpoint.ts';

export interface RegistrySessionOptions {
  readonly http: HttpClient;
  readonly credentials: CredentialStore;
  readonly allowHttp: boolean;
  readonly action: RegistryAction;
}

/** A request within a repository: `path` below `/v2/NAME/`, or a `url` that the registry handed out. */
export type RegistryRequest = Omit<HttpRequest, 'url' | 'expect' | 'allowHttp' | 'peer'> & {
  readonly repository: Repository;
  readonly action: RegistryAction;
  readonly expect: readonly number[];
} & ({ readonly path: string } | { readonly url: URL });

/** Requests to registries: finds the address, authenticates when asked to, and turns refusals into AUTH_REGISTRY. */
export class RegistrySession {
  readonly #options: RegistrySessionOptions;
  readonly #auth: RegistryAuth;
  readonly #endpoints: RegistryEndpoints;

  constructor(options: RegistrySessionOptions) {
    this.#options = options;
    this.#auth = new RegistryAuth(options);
    this.#endpoints = new RegistryEndpoints(options);
  }

  announce(repositories: readonly AnnouncedRepository[]): void {
    this.#auth.announce(repositories);
  }

  /** @throws AuthError AUTH_REGISTRY; RemoteError */
  async request(request: RegistryRequest): Promise<HttpResponse> {
    const { http } = this.#options;
    const answer = await this.#authorized(request, (prepared) => http.request(prepared));
    if (answer.status === 401 || answer.status === 403) {
      throw refusedCredentials(request.repository, `status ${answer.status}${ociErrorText(answer.body)}`);
    }
    if (isWrite(request) && isWebPage(answer)) throw notDone(answer);
    return answer;
  }

  /** As {@link request}, with the body still on the wire. */
  async stream(request: RegistryRequest): Promise<HttpStream> {
    const { http } = this.#options;
    const answer = await this.#authorized(request, (prepared) => http.stream(prepared));
    if (answer.status !== 401 && answer.status !== 403) return answer;
    answer.discard();
    throw refusedCredentials(request.repository, `status ${answer.status}`);
  }

  async #authorized<T extends { status: number; headers: HttpHeaders; discard?: () => void }>(
    request: RegistryRequest,
    send: (prepared: HttpRequest) => Promise<T>,
  ): Promise<T> {
    const { repository, action } = request;
    const base = await this.#endpoints.base(repository.registry);
    const url = 'url' in request ? request.url : new URL(`${base}/v2/${repository.repository}/${request.path}`);
    // An upload or a page that lives elsewhere brings its own permission in its URL; ours is not for strangers.
    const ours = url.origin === base;
    const prepare = (authorization: string | undefined): HttpRequest => ({
      ...request,
      url,
      headers: { ...request.headers, ...(authorization === undefined || !ours ? {} : { authorization }) },
      expect: [...request.expect, 401, 403],
      allowHttp: ours && this.#options.allowHttp,
      peer: 'the registry',
    });
    const known = await this.#auth.known(repository, action);
    const first = await send(prepare(known));
    if (first.status !== 401 || !ours) return first;
    first.discard?.();
    const authorization = await this.#auth.answer(first.headers['www-authenticate'], repository, action, known);
    return send(prepare(authorization));
  }
}

function isWrite({ method = 'GET' }: RegistryRequest): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function isWebPage({ status, headers }: HttpResponse): boolean {
  return status < 300 && mediaTypeEssence(headers['content-type'] ?? '') === 'text/html';
}

/** A log-in page says 200 to everything; what was to be written is not there. */
function notDone({ status, url }: HttpResponse): RemoteError {
  return new RemoteError('REMOTE_BODY', `a web page answers at ${url.host}, and no registry`, {
    found: `status ${status} with text/html`,
    expected: 'a registry that says what became of what was sent',
  });
}

/** What a registry says about a refusal (distribution-spec, Error Codes), when it says it in the agreed form. */
function ociErrorText(body: Uint8Array): string {
  try {
    const fields = new JsonFields(parseJson(body, 'the error'), 'error', 'FORMAT_JSON');
    const [first] = fields.objects('errors', 100);
    const text = [first?.optionalString('code'), first?.optionalString('message')].filter((part) => part !== undefined);
    return text.length === 0 ? '' : `: ${text.join(', ').slice(0, 200)}`;
  } catch (error) {
    if (error instanceof SealwrightError) return '';
    throw error;
  }
}
