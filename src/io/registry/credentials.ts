import type { Repository } from '../../core/image/reference.ts';

/** What a registry, or the token service it names, is convinced with. */
export type Credentials =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** Sent to the registry as it is. */
  | { readonly kind: 'bearer'; readonly token: string }
  /** An OAuth 2 refresh token, exchanged at the token service. */
  | { readonly kind: 'identity'; readonly token: string };

/** Finds credentials when, and only when, a registry asks for some. */
export interface CredentialStore {
  lookup(repository: Repository): Promise<Credentials>;
  /** What was found has been refused: the next look-up asks anew. Absent where nothing is remembered. */
  forget?(repository: Repository): void;
  /** What would have to be there for a look-up to find something, for messages. */
  advice?(repository: Repository): string | undefined;
}

export const ANONYMOUS: Credentials = { kind: 'anonymous' };

/** The same credentials for every registry: those that the user gave with flags. */
export function fixedCredentials(credentials: Credentials): CredentialStore {
  return { lookup: () => Promise.resolve(credentials) };
}
