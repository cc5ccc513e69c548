import { InvariantError, SealwrightError } from '../../errors.ts';
import type { Logger } from '../shell/logger.ts';

/** gRPC codes that rekor-tiles' gateway answers with, by HTTP status. */
const GRPC_CODES: Readonly<Record<number, number>> = { 400: 3, 404: 5, 501: 12, 503: 14 };

/** `{code, message, details}`, as grpc-gateway writes a status. */
export function gatewayAnswer(status: number, message: string, details: readonly object[] = []): Response {
  return Response.json({ code: GRPC_CODES[status] ?? 2, message, details }, { status });
}

/**
 * An error with rekor-tiles' status and text. What rekor-tiles tells its own log only, why an entry was refused, is in
 * `details`, as a caller can act on nothing else.
 */
export function errorAnswer(error: unknown, logger: Logger | undefined): Response {
  const known = error instanceof SealwrightError ? error : new InvariantError('internal error', { cause: error });
  if (known.code === 'LIMIT_BUSY') {
    // 503 and not 429, deliberately, as rekor-tiles has it: clients retry it.
    const response = gatewayAnswer(503, 'reached max pushback; retry');
    response.headers.set('retry-after', '1');
    return response;
  }
  if (known.httpStatus >= 500) {
    logger?.error({ error }, 'entry not logged');
    return gatewayAnswer(500, 'failed to integrate entry');
  }
  const { found, expected } = known.facts;
  const reason = { '@type': 'sealwright/reason', code: known.code, reason: known.message, found, expected };
  return gatewayAnswer(400, textOf(known), [reason]);
}

function textOf(error: SealwrightError): string {
  if (error.message.startsWith('invalid type, ')) return error.message;
  if (error.code === 'LIMIT_SIZE' && error.message === 'the request body is too large') {
    return 'http: request body too large';
  }
  return 'invalid hashedrekord request';
}
