import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { readBody } from '../shell/body.ts';
import { refusal } from './oauth-error.ts';

const MAX_FORM_BYTES = 16 << 10;
const MAX_QUERY_CHARACTERS = 8 << 10;
const MAX_VALUE_CHARACTERS = 4 << 10;

/**
 * Parameters of a request as OAuth has them: absent and empty mean the same (RFC 6749 §3.1), none may come twice, and
 * those that nobody asks for are ignored.
 */
export class Parameters {
  readonly #values: URLSearchParams;

  constructor(values: URLSearchParams) {
    this.#values = values;
  }

  /** @throws AuthError with the OAuth code invalid_request when it comes twice or is too long */
  optional(name: string): string | undefined {
    const values = this.#values.getAll(name);
    if (values.length > 1) throw refusal('invalid_request', `the parameter ${name} comes more than once`);
    const [value = ''] = values;
    if (value.length > MAX_VALUE_CHARACTERS) throw refusal('invalid_request', `the parameter ${name} is too long`);
    return value === '' ? undefined : value;
  }

  /** @throws AuthError as {@link optional}, and when it is absent */
  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw refusal('invalid_request', `the parameter ${name} is missing`);
    return value;
  }
}

/** @throws AuthError with the OAuth code invalid_request */
export function queryParameters(request: Request): Parameters {
  const { search, searchParams } = new URL(request.url);
  if (search.length > MAX_QUERY_CHARACTERS) throw refusal('invalid_request', 'the query is too long');
  return new Parameters(searchParams);
}

/**
 * The form in a request's body (RFC 6749, appendix B).
 *
 * @throws AuthError with the OAuth code invalid_request; LimitError LIMIT_SIZE; FormatError FORMAT_REQUEST
 */
export async function formParameters(request: Request): Promise<Parameters> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) {
    throw refusal('invalid_request', 'the body is not a form: expected application/x-www-form-urlencoded');
  }
  const body = await readBody(request, MAX_FORM_BYTES);
  return new Parameters(new URLSearchParams(parseUtf8(body, 'FORMAT_REQUEST', 'the form')));
}
