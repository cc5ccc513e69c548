import type { JsonFields } from '../encoding/json-fields.ts';

/** Something that was not looked at, and why. */
export interface NotAudited {
  readonly what: string;
  readonly reason: string;
}

const MAX_LIST = 10_000;

/** Members in one order, so that equal content has equal bytes. */
export function notAuditedContent(list: readonly NotAudited[]): readonly object[] {
  return [...list].sort((a, b) => (a.what < b.what ? -1 : 1)).map(({ what, reason }) => ({ what, reason }));
}

/** The member `notLookedAt`. @throws FormatError FORMAT_AUDIT */
export function readNotAudited(fields: JsonFields): readonly NotAudited[] {
  return fields
    .objects('notLookedAt', MAX_LIST)
    .map((one) => ({ what: one.string('what'), reason: one.string('reason') }));
}
