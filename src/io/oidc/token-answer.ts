import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { FormatError, LimitError, RemoteError } from '../../errors.ts';
import { isCompactJws } from './token-source.ts';

/** No token service's answer comes near this. */
export const MAX_TOKEN_ANSWER_BYTES = 128 << 10;

/**
 * The token in a JSON answer. Nothing of an answer that is none is quoted: it may hold half a token.
 *
 * @param member which holds it
 * @param peer   who answered, for the message
 * @throws RemoteError REMOTE_BODY
 */
export function tokenIn(body: Uint8Array, member: string, peer: string): string {
  const token = textIn(body, member);
  if (isCompactJws(token)) return token;
  throw new RemoteError('REMOTE_BODY', `${peer} answered without a token`, {
    found: `${body.length} bytes of something else`,
    expected: `JSON with a token in ${member}`,
  });
}

/** A text member of a JSON answer; empty when there is none. */
export function textIn(body: Uint8Array, member: string): string {
  try {
    const fields = new JsonFields(parseJson(body, 'the answer', 'FORMAT_JSON'), 'answer', 'FORMAT_JSON');
    return fields.optionalString(member) ?? '';
  } catch (error) {
    if (error instanceof FormatError || error instanceof LimitError) return '';
    throw error;
  }
}
