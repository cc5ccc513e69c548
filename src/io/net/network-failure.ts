import { RemoteError, SealwrightError, type RemoteCode } from '../../errors.ts';
import { redactUrl } from './url-redaction.ts';

/** What this side proved itself with, if with anything. */
export interface OwnProof {
  readonly clientCertificate?: object;
  readonly clientCertificateFlags?: string;
}

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

/**
 * Alerts of a peer that are about the certificate of this side, or its absence (RFC 8446 §6.2). Before TLS 1.3 there is none for
 * the absence but a failed handshake, which a cipher that is missing causes as well.
 */
const CLIENT_CERTIFICATE_ALERTS: Readonly<Record<number, string>> = {
  40: 'handshake failure',
  42: 'bad certificate',
  43: 'unsupported certificate',
  44: 'certificate revoked',
  45: 'certificate expired',
  46: 'certificate unknown',
  48: 'unknown CA',
  49: 'access denied',
  116: 'certificate required',
};

/** What the peer said of the certificate of this side; nothing when it said nothing, or spoke of something else. */
export function clientCertificateAlert(cause: unknown): string | undefined {
  const code = codeOf(cause);
  // Of a handshake that ends while it is written to, Node tells no more than that; OpenSSL's text has the number.
  const number =
    code === 'EPROTO' && cause instanceof Error ? /SSL alert number (\d+)/.exec(cause.message)?.[1] : undefined;
  if (number !== undefined) return CLIENT_CERTIFICATE_ALERTS[Number(number)];
  const name = /^ERR_SSL_.*_ALERT_([A-Z_]+)$/.exec(code)?.[1]?.replaceAll('_', ' ').toLowerCase();
  return Object.values(CLIENT_CERTIFICATE_ALERTS).find((alert) => alert.toLowerCase() === name);
}

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
export function networkFailure(
  cause: unknown,
  url: URL,
  peer: string,
  during: 'request' | 'answer',
  own: OwnProof = {},
): SealwrightError {
  if (cause instanceof SealwrightError) return cause;
  const alert = clientCertificateAlert(cause);
  if (alert !== undefined) return clientCertificateFailure({ cause, alert }, url, peer, own);
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

/** The peer has proved who it is; it is this side that has not. */
function clientCertificateFailure(
  { cause, alert }: { readonly cause: unknown; readonly alert: string },
  url: URL,
  peer: string,
  { clientCertificate, clientCertificateFlags }: OwnProof,
): RemoteError {
  const where = `${peer} at ${url.host}`;
  const isSent = clientCertificate !== undefined;
  const isCertain = alert !== CLIENT_CERTIFICATE_ALERTS[40];
  const wish = isSent ? 'another client certificate' : 'a client certificate';
  const said = isSent ? 'did not accept the client certificate' : 'wants a client certificate, and got none';
  return new RemoteError('REMOTE_TLS', `${where} ${isCertain ? said : `ended the handshake; it may want ${wish}`}`, {
    found: `the TLS alert "${alert}"`,
    expected: 'a client certificate of an authority that this server trusts (mutual TLS)',
    ...(clientCertificateFlags === undefined
      ? {}
      : { fix: isSent ? `check ${clientCertificateFlags}` : `add ${clientCertificateFlags}` }),
    details: { url: redactUrl(url) },
    retryable: false,
    cause,
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
