import {
  InvariantError,
  NotFoundError,
  SealwrightError,
  FormatError,
  VerificationError,
  type ErrorFacts,
} from '../../errors.ts';

/** Codes of the distribution-spec's error table, as far as this registry gives them. */
export type OciErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNSUPPORTED';

/** A refusal of the caller's request (400) that names its code. */
export function badRequest(oci: OciErrorCode, message: string, facts: ErrorFacts = {}): FormatError {
  return new FormatError('FORMAT_REQUEST', message, { ...facts, details: { oci } });
}

/** Something that is not here (404). */
export function unknown(oci: OciErrorCode, message: string): NotFoundError {
  return new NotFoundError('NOT_FOUND', message, { details: { oci } });
}

/** The distribution-spec's answer to an error: `{"errors":[{code, message, detail}]}`. */
export function ociErrorResponse(error: unknown): Response {
  const known = error instanceof SealwrightError ? error : new InvariantError('internal error', { cause: error });
  const { found, expected } = known.facts;
  const detail = { ...(found === undefined ? {} : { found }), ...(expected === undefined ? {} : { expected }) };
  const silent = known.family === 'invariant' || known.family === 'integrity';
  const body = { errors: [{ code: ociCode(known), message: known.message, ...(silent ? {} : { detail }) }] };
  // Content that is not what its digest names is a fault of the request here.
  const status = known instanceof VerificationError ? 400 : known.httpStatus;
  return Response.json(body, { status });
}

function ociCode(error: SealwrightError): string {
  const oci = error.facts.details?.['oci'];
  if (typeof oci === 'string') return oci;
  switch (error.code) {
    case 'FORMAT_DIGEST':
    case 'DIGEST_MISMATCH':
      return 'DIGEST_INVALID';
    case 'FORMAT_MANIFEST':
    case 'LIMIT_COUNT':
    case 'LIMIT_DEPTH':
      return 'MANIFEST_INVALID';
    case 'LIMIT_SIZE':
      return 'SIZE_INVALID';
    default:
      return 'UNKNOWN';
  }
}
