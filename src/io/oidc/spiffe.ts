import { stat } from 'node:fs/promises';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { FormatError, RemoteError, UsageError } from '../../errors.ts';
import { SPIFFE_SOCKET } from './offered-tokens.ts';
import { encodeTokenRequest, parseTokenResponse } from './spiffe-message.ts';
import { MAX_TOKEN_ANSWER_BYTES } from './token-answer.ts';
import { DEFAULT_AUDIENCE, isCompactJws, type TokenAttempt, type TokenEnvironment } from './token-source.ts';

const METHOD = '/SpiffeWorkloadAPI/FetchJWTSVID';
const TIMEOUT_MS = 30_000;
const PEER = 'the SPIFFE Workload API';

/**
 * A JWT-SVID from the SPIFFE Workload API: gRPC over a Unix socket, where the agent recognises the process by what the
 * kernel says of it.
 *
 * @throws UsageError USAGE_BAD_CONFIG for an address that is no Unix socket; RemoteError
 */
export async function spiffeToken({ environment, audience }: TokenEnvironment): Promise<TokenAttempt> {
  const address = environment['SPIFFE_ENDPOINT_SOCKET'] ?? '';
  const path = address === '' ? SPIFFE_SOCKET : socketPath(address);
  if (address === '' && !(await isSocket(path))) return { closed: `no SPIFFE agent listens at ${path}` };
  const token = await fetchToken(path, audience ?? DEFAULT_AUDIENCE);
  if (token !== undefined && isCompactJws(token)) return { token, source: PEER };
  throw new RemoteError('REMOTE_BODY', `${PEER} answered without a token`, {
    found: 'no JWT-SVID in the answer',
    expected: 'an identity: is this workload registered with the SPIRE server?',
  });
}

function socketPath(address: string): string {
  const [, path] = /^unix:(?:\/\/)?(\/.+)$/.exec(address) ?? [];
  if (path !== undefined) return path;
  throw new UsageError('USAGE_BAD_CONFIG', 'SPIFFE_ENDPOINT_SOCKET names no Unix socket', {
    found: address.slice(0, 200),
    expected: 'unix:///PATH',
  });
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isSocket();
  } catch {
    return false;
  }
}

async function fetchToken(path: string, audience: string): Promise<string | undefined> {
  // gRPC wants an authority; a Unix socket has none, and `localhost` is what its clients send then.
  const session = connect('http://localhost', { createConnection: () => connectSocket(path) });
  try {
    return parseTokenResponse(await call(session, encodeTokenRequest(audience)));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new RemoteError('REMOTE_BODY', `${PEER} sent an answer that cannot be used`, { ...cause.facts, cause });
  } finally {
    session.destroy();
  }
}

/** One unary call (gRPC over HTTP/2). The status comes in the trailers, or in the headers when there is nothing else. */
function call(session: ClientHttp2Session, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      reject(unreachable(cause));
    };
    session.once('error', fail);
    const stream = session.request({
      ':method': 'POST',
      ':path': METHOD,
      'content-type': 'application/grpc',
      te: 'trailers',
      // The API refuses whoever does not send this, so that a browser cannot be made to ask (Workload API §4.2).
      'workload.spiffe.io': 'true',
    });
    stream.setTimeout(TIMEOUT_MS, () => {
      stream.close();
      reject(
        new RemoteError('REMOTE_TIMEOUT', `${PEER} did not answer`, { found: `nothing within ${TIMEOUT_MS / 1000} s` }),
      );
    });
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    let status: IncomingHttpHeaders = {};
    stream.on('response', (headers) => (status = { ...status, ...headers }));
    stream.on('trailers', (trailers: IncomingHttpHeaders) => (status = { ...status, ...trailers }));
    stream.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes <= MAX_TOKEN_ANSWER_BYTES) return;
      stream.close();
      reject(new RemoteError('REMOTE_BODY', `${PEER} sent too much`, { expected: `${MAX_TOKEN_ANSWER_BYTES} bytes` }));
    });
    stream.once('error', fail);
    stream.once('close', () => {
      const code = String(status['grpc-status'] ?? '');
      if (code === '0') resolve(Buffer.concat(chunks));
      else reject(refused(code, status));
    });
    stream.end(message);
  });
}

function refused(code: string, status: IncomingHttpHeaders): RemoteError {
  const words = decodeURIComponentSafely(String(status['grpc-message'] ?? '')).slice(0, 300);
  return new RemoteError('REMOTE_STATUS', `${PEER} gave no identity`, {
    found: code === '' ? 'no status of gRPC' : `status ${code}${words === '' ? '' : `: ${words}`}`,
    expected: 'a JWT-SVID: the workload must be registered, and the agent must have seen that',
  });
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unreachable(cause: unknown): RemoteError {
  // A cancelled stream tells of its session's end, and that of the socket's.
  const first = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = first instanceof Error && 'code' in first ? String(first.code) : String(first);
  return new RemoteError('REMOTE_UNREACHABLE', `${PEER} cannot be reached`, {
    found: code,
    expected: "an agent at SPIFFE_ENDPOINT_SOCKET, or at SPIRE's usual place",
    cause,
  });
}
