import { readFile } from 'node:fs/promises';
import { HttpClient } from '../net/http-client.ts';
import { RemoteError } from '../../errors.ts';
import { MAX_TOKEN_ANSWER_BYTES, textIn } from './token-answer.ts';
import { DEFAULT_AUDIENCE, isCompactJws, type TokenAttempt, type TokenEnvironment } from './token-source.ts';

type Environment = TokenEnvironment['environment'];

const SERVER = 'metadata.google.internal';
/** What the firmware of Google's machines says: asking it spares everybody else a search for the server's name. */
const PRODUCT_NAME = '/sys/class/dmi/id/product_name';
const PEER = "Google's metadata server";

/**
 * The identity of the machine's service account, from Google's metadata server (Compute Engine, GKE with Workload Identity,
 * Cloud Run, Cloud Build).
 *
 * @throws RemoteError when this is a machine of Google's and its metadata server gives no token
 */
export async function googleWorkloadToken({ environment, audience }: TokenEnvironment): Promise<TokenAttempt> {
  if (!(await isOnGoogle(environment))) return { closed: "this is no machine of Google's" };
  const query = new URLSearchParams({ audience: audience ?? DEFAULT_AUDIENCE, format: 'full' });
  const body = await metadata(environment, `instance/service-accounts/default/identity?${query.toString()}`);
  const token = Buffer.from(body).toString('utf8').trim();
  if (isCompactJws(token)) return { token, source: "Google's metadata server" };
  throw new RemoteError('REMOTE_BODY', `${PEER} answered without a token`, {
    found: `${body.length} bytes of something else`,
    expected: 'a JWT',
  });
}

/** Leave to act as the machine's service account towards Google's APIs. @throws RemoteError */
export async function machineAccessToken(environment: Environment): Promise<string> {
  const token = textIn(await metadata(environment, 'instance/service-accounts/default/token'), 'access_token');
  if (token !== '') return token;
  throw new RemoteError('REMOTE_BODY', `${PEER} answered without a token`, { expected: 'JSON with access_token' });
}

/** GCE_METADATA_HOST, as Google's own libraries read it, else what the machine says of itself. */
export async function isOnGoogle(environment: Environment, productName = PRODUCT_NAME): Promise<boolean> {
  if ((environment['GCE_METADATA_HOST'] ?? '') !== '') return true;
  try {
    return (await readFile(productName, 'utf8')).startsWith('Google');
  } catch {
    return false;
  }
}

async function metadata(environment: Environment, path: string): Promise<Uint8Array> {
  const host = (environment['GCE_METADATA_HOST'] ?? '') || SERVER;
  // A client of its own: the server is on this machine's own network, where no proxy leads.
  const { body } = await new HttpClient().request({
    url: `http://${host}/computeMetadata/v1/${path}`,
    headers: { 'metadata-flavor': 'Google' },
    // The network is the machine's own, and the address is one that never leaves it.
    allowHttp: true,
    maxBytes: MAX_TOKEN_ANSWER_BYTES,
    timeoutMs: 10_000,
    redirects: 'refuse',
    peer: PEER,
  });
  return body;
}
