import { RemoteError, SealwrightError } from '../../errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { isLoopback } from '../net/loopback.ts';
import { clientCertificateAlert } from '../net/network-failure.ts';

export interface RegistryEndpointOptions {
  readonly http: HttpClient;
  /** Plain HTTP is acceptable for any registry, not for loopback alone. */
  readonly allowHttp: boolean;
}

/** What is said of a registry that speaks no TLS, and of no other. */
export const ALLOW_HTTP_FIX = 'add --allow-http-registry if whoever is on that network may read and answer';

/** Finds out how each registry is spoken to. HTTPS, except on loopback or by flag, where both are tried once per run. */
export class RegistryEndpoints {
  readonly #options: RegistryEndpointOptions;
  readonly #bases = new Map<string, Promise<string>>();

  constructor(options: RegistryEndpointOptions) {
    this.#options = options;
  }

  /**
   * `https://host[:port]` or `http://host[:port]`.
   *
   * @throws RemoteError when neither answers
   */
  base(registry: string): Promise<string> {
    const known = this.#bases.get(registry);
    if (known !== undefined) return known;
    const base = this.#find(registry);
    this.#bases.set(registry, base);
    base.catch(() => this.#bases.delete(registry));
    return base;
  }

  async #find(registry: string): Promise<string> {
    const https = `https://${registry}`;
    // The grammar of references lets any port pass.
    if (!URL.canParse(https)) {
      throw new RemoteError('REMOTE_UNREACHABLE', 'the registry has an address that nobody can have', {
        found: registry,
        expected: 'a host, and a port of at most 65535',
      });
    }
    const http = `http://${registry}`;
    if (isLoopback(new URL(https).hostname)) return this.#first(http, https);
    if (this.#options.allowHttp) return this.#first(https, http);
    const { hostname, port } = new URL(https);
    return isPrivate(hostname) || port !== '' ? this.#onlyTls(https) : https;
  }

  /**
   * cosign speaks plain HTTP to private addresses unasked; whoever is used to that is told what to say here. A port of its own is what
   * private registries have, and public ones do not: those are not asked once more for this.
   */
  async #onlyTls(https: string): Promise<string> {
    try {
      await this.#speaks(https);
      return https;
    } catch (error) {
      if (!(error instanceof RemoteError) || !isWrongProtocol(error)) throw error;
      throw new RemoteError(error.code, error.message, {
        ...error.facts,
        expected: 'TLS, also at a private address (where cosign goes on in plain HTTP)',
        fix: ALLOW_HTTP_FIX,
        cause: error,
      });
    }
  }

  /** Each is asked once before either is asked patiently: the wrong protocol does not get better by waiting. */
  async #first(preferred: string, other: string): Promise<string> {
    try {
      return (await this.#speaks(preferred, 'once')) ? preferred : other;
    } catch (error) {
      if (isWrongProtocol(error) && (await this.#speaksInstead(other))) return other;
    }
    return (await this.#speaks(preferred)) ? preferred : other;
  }

  /** @throws RemoteError REMOTE_TLS for a registry that does speak TLS, and cannot prove who it is: the answer sought */
  async #speaksInstead(base: string): Promise<boolean> {
    try {
      return await this.#speaks(base, 'once');
    } catch (error) {
      if (!(error instanceof RemoteError) || isDistrustedCertificate(error)) throw error;
      return false;
    }
  }

  async #speaks(base: string, attempts: 'once' | 'patiently' = 'patiently'): Promise<boolean> {
    const { status, body } = await this.#options.http.request({
      url: `${base}/v2/`,
      expect: [200, 400, 401, 403, 404, 405],
      maxBytes: 1 << 20,
      allowHttp: this.#options.allowHttp,
      peer: 'the registry',
      idempotent: attempts === 'patiently',
    });
    // What TLS servers written in Go or nginx say to plain HTTP.
    return !(
      status === 400 &&
      /HTTP request (was sent )?to an? HTTPS (server|port)/i.test(Buffer.from(body).toString('latin1'))
    );
  }
}

/** RFC 1918. */
function isPrivate(hostname: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)[\d.]+$/.test(hostname);
}

/** Failures that the other protocol would explain; a refused connection or an unknown name would not change. */
function isWrongProtocol(error: unknown): boolean {
  if (!(error instanceof RemoteError)) return false;
  return error.code === 'REMOTE_TLS' || error.code === 'REMOTE_BODY' || codeBehind(error) === 'ECONNRESET';
}

/** TLS was spoken: OpenSSL names what it did not like of a certificate without `SSL`, and a handshake that was none with it. */
function isDistrustedCertificate(error: unknown): boolean {
  if (!(error instanceof RemoteError) || error.code !== 'REMOTE_TLS') return false;
  return clientCertificateAlert(causeOf(error)) !== undefined || !/^(EPROTO$|ERR_SSL_)/.test(codeBehind(error));
}

/** Node's code of what a socket threw; empty where there is none. */
function codeBehind(error: RemoteError): string {
  const cause = causeOf(error);
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** What a socket threw. */
function causeOf({ cause }: RemoteError): unknown {
  return cause instanceof SealwrightError ? cause.cause : cause;
}
