import type { JsonFields } from '../encoding/json-fields.ts';
import { AuthError } from '../../errors.ts';

/**
 * A claim that must be there, as text; numbers in decimal.
 *
 * @throws AuthError AUTH_CLAIM
 */
export function claim(claims: JsonFields, name: string): string {
  const value = claims.value(name);
  // A lone surrogate has no UTF-8: it would become the replacement character, and two identities one.
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new AuthError('AUTH_CLAIM', `the token lacks the claim ${name}`, {
    found: value === undefined ? 'nothing' : `a value of type ${typeof value}`,
    expected: 'a non-empty text',
    details: { claim: name },
  });
}
