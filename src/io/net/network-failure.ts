import { RemoteError, SealwrightError, type RemoteCode } from '../../errors.ts';
import { redactUrl } from './url-redaction.ts';

/** What went wrong below HTTP, and what it means for the caller. */
interface Failure {
  readonly code: RemoteCode;
  readonly found: string;
  readonly retryable: boolean;
}

const FAILURES: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: { code: 'REMOTE_UNREACHABLE', found: 'the connection was refused', retryable: true },
  ECONNRESET: { code: 'REMOTE_UNREACHABLE', found: 'the connection was reset', retryable: true },
  EPIPE: { code: 'REMOTE_UNREACHABLE', found: 'the connection was closed while sending', retryable: true },
  ENOTFOUND: { code: 'REMOTE_UNREACHABLE', found: 'the host name does not exist', retryable: false },
  EAI_AGAIN: { code: 'REMOTE_UNREACHABLE', found: 'the host name could not be looked up', retryable: true },
  EHOSTUNREACH: { code: 'REMOTE_UNREACHABLE', found: 'no route to the host', retryable: true },
  ENETUNREACH: { code: 'REMOTE_UNREACHABLE', found: 'no route to the network', retryable: true },
  ETIMEDOUT: { code: 'REMOTE_TIMEOUT', found: 'the connection timed out', retryable: true },
};

/** Trust failures of the peer's certificate, and handshakes that never became TLS. */
const TLS_CODES =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT|UNABLE_TO_|INVALID_(CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$|ERROR_IN_CERT_|HOSTNAME_MISMATCH$|EPROTO$)/;

/** Node's code for the failure, or nothing: messages of parsers and sockets may quote what was sent. */
function codeOf(cause: unknown): string {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (typeof code === 'string') return code;
  // Happy eyeballs: one failure per address tried; the first speaks for all.
  return cause instanceof AggregateError ? codeOf(cause.errors[0]) : '';
}

/**
 * Turns whatever a socket, TLS or the HTTP parser threw into a RemoteError. Errors that are already ours pass through.
 *
 * @param during `answer` once the peer has begun to answer: from there a lost connection is half a body
 */
export function networkFailure(cause: unknown, url: URL, peer: string, during: 'request' | 'answer'): SealwrightError {
  if (cause instanceof SealwrightError) return cause;
  const { code, found, retryable } = classify(codeOf(cause), during);
  return new RemoteError(code, sentence(code, peer, url), {
    found,
    details: { url: redactUrl(url) },
    retryable,
    cause,
    ...(code === 'REMOTE_TLS'
      ? { expected: 'a certificate for this host from a trusted CA, or the CA given with a flag' }
      : {}),
    ...(code === 'REMOTE_UNREACHABLE' ? { fix: `curl -sv -o /dev/null ${redactUrl(url.origin)}` } : {}),
  });
}

function classify(code: string, during: 'request' | 'answer'): Failure {
  if (TLS_CODES.test(code)) return { code: 'REMOTE_TLS', found: code, retryable: false };
  if (code.startsWith('HPE_')) return { code: 'REMOTE_BODY', found: `not HTTP (${code})`, retryable: false };
  if (code.startsWith('ERR_PROXY')) {
    return { code: 'REMOTE_UNREACHABLE', found: `the proxy refused (${code})`, retryable: false };
  }
  const known = FAILURES[code];
  if (during === 'answer' && known?.code !== 'REMOTE_TIMEOUT') {
    return { code: 'REMOTE_BODY', found: 'the connection ended before the answer did', retryable: true };
  }
  return known ?? { code: 'REMOTE_UNREACHABLE', found: code === '' ? 'the connection failed' : code, retryable: false };
}

function sentence(code: RemoteCode, peer: string, url: URL): string {
  const where = `${peer} at ${url.host}`;
  if (code === 'REMOTE_TLS') return `${where} could not prove who it is`;
  if (code === 'REMOTE_BODY') return `${where} sent an incomplete or malformed answer`;
  if (code === 'REMOTE_TIMEOUT') return `${where} did not answer in time`;
  return `${where} could not be reached`;
}
