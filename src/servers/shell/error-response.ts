import { InvariantError, LimitError, RemoteError, SealwrightError } from '../../errors.ts';

/**
 * The one place where errors become HTTP answers: status by family, body `{code, message, found?, expected?, fix?}`.
 * Anything that is not ours is our bug, and says nothing about itself to the caller.
 */
export function errorResponse(error: unknown): Response {
  const known = error instanceof SealwrightError ? error : new InvariantError('internal error', { cause: error });
  const { found, expected, closest, fix } = known.facts;
  const internal = known.family === 'invariant' || known.family === 'integrity';
  const body = internal
    ? { code: known.code, message: known.message }
    : { code: known.code, message: known.message, found, expected, closest, fix };
  const headers = new Headers({ 'content-type': 'application/json' });
  const retryAfter = retryAfterSeconds(known);
  if (retryAfter !== undefined) headers.set('retry-after', String(retryAfter));
  return new Response(JSON.stringify(body), { status: known.httpStatus, headers });
}

function retryAfterSeconds(error: SealwrightError): number | undefined {
  if (error instanceof LimitError) return error.retryAfterSeconds;
  return error instanceof RemoteError && error.retryable ? 1 : undefined;
}
