import { encodeBase64 } from '../../core/encoding/base64.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import type { Repository } from '../../core/image/reference.ts';
import { AuthError, RemoteError, SealwrightError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import type { HttpRequest } from '../net/http-message.ts';
import { parseAuthChallenge, type AuthChallenge } from './auth-challenge.ts';
import type { Credentials, CredentialStore } from './credentials.ts';

/** `pull` reads; `push` reads and writes. */
export type RegistryAction = 'pull' | 'push';

export interface RegistryAuthOptions {
  readonly http: HttpClient;
  readonly credentials: CredentialStore;
  /** What the whole run will need, so that the first token suffices to its end. */
  readonly action: RegistryAction;
}

export interface AnnouncedRepository {
  readonly repository: Repository;
  readonly action: RegistryAction;
}

/** What a token allows, at one registry. */
interface Scopes {
  readonly registry: string;
  readonly scopes: readonly string[];
}

const MAX_TOKEN_RESPONSE_BYTES = 1 << 20;

/**
 * Proves who asks, once per registry, repository and action: tokens are kept for the run, requests at the same time
 * share one, and a token that has expired is replaced once.
 */
export class RegistryAuth {
  readonly #options: RegistryAuthOptions;
  /** By registry for Basic, by repository and action for tokens. The values are header values: secrets. */
  readonly #headers = new Map<string, Promise<string>>();
  /** By repository: what the run will do there. */
  readonly #announced = new Map<string, AnnouncedRepository>();
  /** Repositories for which a token for several was refused. */
  readonly #separate = new Set<string>();

  constructor(options: RegistryAuthOptions) {
    this.#options = options;
  }

  /** What the run will do, and where: one token for all of it, where the token service grants one. */
  announce(repositories: readonly AnnouncedRepository[]): void {
    for (const { repository, action } of repositories) {
      const known = this.#announced.get(nameOf(repository));
      if (known?.action !== 'push') this.#announced.set(nameOf(repository), { repository, action });
    }
  }

  /** The Authorization header that worked before, if any. */
  async known(repository: Repository, action: RegistryAction): Promise<string | undefined> {
    const basic = this.#headers.get(basicKey(repository));
    return basic ?? this.#headers.get(tokenKey(this.#scopes(repository, action)));
  }

  /**
   * The Authorization header that answers a 401.
   *
   * @param refused the header that was sent, undefined when none was
   * @throws AuthError AUTH_REGISTRY when there is nothing (better) to say; RemoteError from the token service
   */
  async answer(
    challengeHeader: string | undefined,
    repository: Repository,
    action: RegistryAction,
    refused: string | undefined,
  ): Promise<string> {
    const challenge = parseAuthChallenge(challengeHeader);
    if (challenge === undefined) throw noChallenge(repository, challengeHeader);
    const keyNow = (): string =>
      challenge.scheme === 'basic' ? basicKey(repository) : tokenKey(this.#scopes(repository, action));
    const current = this.#headers.get(keyNow());
    // Somebody else may have renewed it in the meantime.
    if (current !== undefined && (await current) !== refused) return current;
    if (refused !== undefined) {
      this.#options.credentials.forget?.(repository);
      // Whatever is wrong with a token for several, one for this repository alone is the next thing to try.
      this.#separate.add(nameOf(repository));
    }
    const key = keyNow();
    const renewed = this.#obtain(challenge, repository, action);
    this.#headers.set(key, renewed);
    try {
      return await renewed;
    } catch (error) {
      this.#headers.delete(key);
      throw error;
    }
  }

  /** What a token for this request has to allow; with what was announced for the same registry, in a fixed order. */
  #scopes(repository: Repository, action: RegistryAction): Scopes {
    const announced = this.#announced.get(nameOf(repository));
    const needed = announced === undefined ? this.#options.action : announced.action;
    const own = scopeOf(repository, action === 'push' ? action : needed);
    if (announced === undefined || this.#separate.has(nameOf(repository))) {
      return { registry: repository.registry, scopes: [own] };
    }
    const all = [...this.#announced.values()]
      .filter((other) => other.repository.registry === repository.registry)
      .map((other) => scopeOf(other.repository, other.action));
    return { registry: repository.registry, scopes: [...new Set([...all, own])].sort() };
  }

  async #obtain(challenge: AuthChallenge, repository: Repository, action: RegistryAction): Promise<string> {
    const credentials = await this.#options.credentials.lookup(repository);
    if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`;
    if (challenge.scheme === 'basic') {
      if (credentials.kind !== 'basic') throw this.#noCredentials(repository);
      return basicHeader(credentials);
    }
    const { scopes } = this.#scopes(repository, action);
    const shared = await this.#fetchToken(challenge, credentials, scopes);
    if (typeof shared === 'string') return `Bearer ${shared}`;
    if (scopes.length === 1) throw this.#refusedToken(repository, credentials, shared.status);
    // Some services grant all or nothing; then nobody of this registry need try again.
    for (const other of this.#announced.values()) {
      if (other.repository.registry === repository.registry) this.#separate.add(nameOf(other.repository));
    }
    const own = await this.#fetchToken(challenge, credentials, this.#scopes(repository, action).scopes);
    if (typeof own === 'string') return `Bearer ${own}`;
    throw this.#refusedToken(repository, credentials, own.status);
  }

  #refusedToken(repository: Repository, credentials: Credentials, status: number): AuthError {
    return credentials.kind === 'anonymous'
      ? this.#noCredentials(repository)
      : refusedCredentials(repository, `the token service answered ${status}`);
  }

  #noCredentials(repository: Repository): AuthError {
    return noCredentials(repository, this.#options.credentials.advice?.(repository));
  }

  async #fetchToken(
    challenge: AuthChallenge & { scheme: 'bearer' },
    credentials: Credentials,
    scopes: readonly string[],
  ): Promise<string | { readonly status: number }> {
    const request = tokenRequest(challenge, credentials, scopes);
    const answer = await this.#options.http.request({
      ...request,
      maxBytes: MAX_TOKEN_RESPONSE_BYTES,
      idempotent: true,
      expect: [200, 400, 401, 403],
      peer: "the registry's token service",
    });
    return answer.status === 200 ? readToken(answer.body, answer.url) : { status: answer.status };
  }
}

/** What the registry said about credentials that were sent. */
export function refusedCredentials(repository: Repository, found: string): AuthError {
  return new AuthError(
    'AUTH_REGISTRY',
    `${repository.registry} refuses these credentials for ${repository.repository}`,
    {
      found,
      expected: 'credentials that may do this in this repository',
      fix: `docker login ${repository.registry}`,
    },
  );
}

function noCredentials(repository: Repository, advice = 'a user name and password, or a token'): AuthError {
  return new AuthError('AUTH_REGISTRY', `${repository.registry} wants credentials for ${repository.repository}`, {
    found: 'none in the Docker configuration, in its helpers or given with flags',
    expected: advice,
    fix: `docker login ${repository.registry}`,
  });
}

function noChallenge(repository: Repository, header: string | undefined): AuthError {
  return new AuthError('AUTH_REGISTRY', `${repository.registry} refuses access and does not say what it wants`, {
    found: header === undefined ? 'status 401 without WWW-Authenticate' : 'a WWW-Authenticate that is not understood',
    expected: 'a Basic or Bearer challenge',
  });
}

function basicKey(repository: Repository): string {
  return `basic ${repository.registry}`;
}

function tokenKey({ registry, scopes }: Scopes): string {
  return [registry, ...scopes].join(' ');
}

function nameOf({ registry, repository }: Repository): string {
  return `${registry}/${repository}`;
}

function scopeOf({ repository }: Repository, action: RegistryAction): string {
  return `repository:${repository}:${action === 'push' ? 'pull,push' : 'pull'}`;
}

function basicHeader(credentials: { username: string; password: string }): string {
  return `Basic ${encodeBase64(utf8(`${credentials.username}:${credentials.password}`))}`;
}

/** GET with Basic, or the OAuth 2 exchange of a refresh token by POST (distribution: token and OAuth specifications). */
function tokenRequest(
  challenge: AuthChallenge & { scheme: 'bearer' },
  credentials: Credentials,
  scopes: readonly string[],
): HttpRequest {
  const url = new URL(challenge.realm);
  if (credentials.kind === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service: challenge.service ?? '',
      // RFC 6749 §3.3: a list with spaces between.
      scope: scopes.join(' '),
      client_id: 'sealwright',
      refresh_token: credentials.token,
    });
    return {
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: utf8(form.toString()),
    };
  }
  if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return { url, headers: credentials.kind === 'basic' ? { authorization: basicHeader(credentials) } : {} };
}

function readToken(body: Uint8Array, url: URL): string {
  try {
    const fields = new JsonFields(parseJson(body, 'the answer'), 'answer', 'FORMAT_JSON');
    const token = fields.optionalString('token') ?? fields.string('access_token');
    // It becomes a header: nothing that could end the line.
    if (/^[\x21-\x7e]+$/.test(token)) return token;
  } catch (cause) {
    if (!(cause instanceof SealwrightError)) throw cause;
  }
  throw new RemoteError('REMOTE_BODY', `the token service at ${url.host} answered without a token`, {
    found: `${body.length} bytes of something else`,
    expected: 'JSON with token or access_token',
  });
}
