import { InvariantError, SealwrightError } from '../../errors.ts';
import type { Logger } from '../shell/logger.ts';

/** gRPC codes that Fulcio's gateway answers with, by HTTP status. */
const GRPC_CODES: Readonly<Record<number, number>> = { 400: 3, 429: 8, 500: 13, 503: 14 };

/**
 * Fulcio's error body, `{code, message, details}`. Whatever is wrong with a token or a key is 400, never 401 or 403, as
 * clients of Fulcio know it; the reason that Fulcio keeps to its log is in `details`.
 */
export function errorAnswer(error: unknown, logger: Logger | undefined): Response {
  const known = error instanceof SealwrightError ? error : new InvariantError('internal error', { cause: error });
  const status = statusOf(known);
  if (status >= 500) logger?.error({ error }, 'certificate not issued');
  const message = status === 500 ? 'error communicating with CA backend' : known.message;
  const { found, expected, details } = known.facts;
  const reason = { '@type': 'sealwright/reason', code: known.code, found, expected, ...details };
  const body = { code: GRPC_CODES[status] ?? 2, message, details: status === 500 ? [] : [reason] };
  return Response.json(body, { status });
}

function statusOf(error: SealwrightError): number {
  if (error.family === 'limit') return error.httpStatus === 429 ? 429 : 400;
  if (error.family === 'remote') return 503;
  return error.httpStatus >= 500 ? 500 : 400;
}
