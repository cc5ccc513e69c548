import type { HttpClient } from '../net/http-client.ts';

/** Where identity tokens are looked for. */
export interface TokenEnvironment {
  readonly http: HttpClient;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What tokens must be made for; `sigstore` when absent. */
  readonly audience?: string;
}

/** A token, and how it was come by: for the output, and for what to say when it is refused. */
export interface ObtainedToken {
  readonly token: string;
  readonly source: string;
}

/** What a way of getting a token came to: the token, or why this way is closed here. */
export type TokenAttempt = ObtainedToken | { readonly closed: string };

export const DEFAULT_AUDIENCE = 'sigstore';

/** Compact JWS of any algorithm: cosign takes only RS256 for a token, and everything else for a path. */
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export function isCompactJws(text: string): boolean {
  return COMPACT_JWS.test(text);
}
