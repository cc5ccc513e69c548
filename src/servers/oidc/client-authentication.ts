import { CLIENT_ID } from './authorization-request.ts';
import { refusal } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';

/** What a client says about itself, unchecked. An empty secret is none. */
export interface ClientCredentials {
  readonly id: string | undefined;
  readonly secret: string | undefined;
}

const MAX_HEADER_CHARACTERS = 4 << 10;

/**
 * RFC 6749 §2.3.1: in the header (what Go's oauth2 tries first, and what sigstore-python does) or in the form (cosign's
 * device flow), not both.
 *
 * @throws AuthError with the OAuth code invalid_request or invalid_client
 */
export function clientCredentials(request: Request, form: Parameters): ClientCredentials {
  const id = form.optional('client_id');
  const secret = form.optional('client_secret');
  const header = request.headers.get('authorization');
  if (header === null) return { id, secret };
  const basic = parseBasic(header);
  if (secret !== undefined || (id !== undefined && id !== basic.id)) {
    throw refusal('invalid_request', 'the client authenticates in two ways at once');
  }
  return basic;
}

/** @throws AuthError with the OAuth code invalid_client */
export function requirePublicClient(client: ClientCredentials): void {
  if (client.id === CLIENT_ID && client.secret === undefined) return;
  throw refusal('invalid_client', `this issuer has one client, ${CLIENT_ID}, without a secret`);
}

function parseBasic(header: string): ClientCredentials {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header.slice(0, MAX_HEADER_CHARACTERS)) ?? [];
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw refusal('invalid_client', 'the Authorization header is not Basic authentication');
  const secret = formDecoded(text.slice(colon + 1));
  return { id: formDecoded(text.slice(0, colon)), secret: secret === '' ? undefined : secret };
}

/** Name and secret are form-encoded before they are joined (RFC 6749 §2.3.1). */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw refusal('invalid_client', 'the Authorization header is not form-encoded');
  }
}
