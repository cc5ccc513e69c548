import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonObject } from '../../core/encoding/json.ts';
import { parseSelector, type IdentitySelector } from '../../core/revocation/revocation-selector.ts';
import { InvariantError, UsageError } from '../../errors.ts';

/** An identity as somebody types it. */
export interface TypedIdentity {
  readonly issuer: string;
  /** `*` is any text. */
  readonly subject: string;
  /** `NAME=VALUE` each. */
  readonly claims: readonly string[];
}

/** @throws UsageError USAGE_BAD_FLAG */
export function identityDocument({ issuer, subject, claims }: TypedIdentity): JsonObject {
  const named = Object.fromEntries(claims.map(claimOf));
  return { identity: { issuer, subject, ...(claims.length === 0 ? {} : { claims: named }) } };
}

/** @throws UsageError USAGE_BAD_FLAG; FormatError FORMAT_REVOCATION */
export function identitySelector(typed: TypedIdentity): IdentitySelector {
  const selector = parseSelector(new JsonFields(identityDocument(typed), 'selector', 'FORMAT_REVOCATION'));
  if (selector.kind === 'identity') return selector;
  throw new InvariantError('an identity became another selector');
}

function claimOf(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError('USAGE_BAD_FLAG', '--claim is not a claim', {
    found: text.slice(0, 100),
    expected: 'NAME=VALUE',
  });
}
