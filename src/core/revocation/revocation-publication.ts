import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { MAX_SNAPSHOT_BYTES } from './trust-root-targets.ts';

/** What a trust root is asked to tell. Nothing in it has been verified. */
export interface RevocationPublication {
  /** JSON of a DSSE envelope. */
  readonly snapshot: string;
  /** JSON; the one that is told already when absent. */
  readonly authority?: string;
  /** Whether another authority may take the place of the one that is there. */
  readonly replacesAuthority: boolean;
}

/** What came of it. */
export interface PublicationOutcome {
  readonly version: number;
  /** false when it was there already */
  readonly isNews: boolean;
}

const CODE = 'FORMAT_REVOCATION';
/** Text in text: every quotation mark of the inner documents is escaped. */
export const MAX_PUBLICATION_BYTES = MAX_SNAPSHOT_BYTES + (MAX_SNAPSHOT_BYTES >> 1);
const LIMITS = { maxBytes: MAX_PUBLICATION_BYTES, maxDepth: 2 };

export function encodePublication(publication: RevocationPublication): string {
  return JSON.stringify(publication);
}

/** @throws FormatError FORMAT_REVOCATION; LimitError LIMIT_SIZE */
export function parsePublication(input: Uint8Array | string): RevocationPublication {
  const fields = new JsonFields(parseJson(input, 'the publication', CODE, LIMITS), 'publication', CODE);
  fields.only('snapshot', 'authority', 'replacesAuthority');
  const authority = fields.optionalString('authority');
  return {
    snapshot: fields.string('snapshot'),
    ...(authority === undefined ? {} : { authority }),
    replacesAuthority: fields.optionalBoolean('replacesAuthority') ?? false,
  };
}

/** @throws FormatError FORMAT_REVOCATION */
export function parsePublicationOutcome(input: Uint8Array | string): PublicationOutcome {
  const fields = new JsonFields(parseJson(input, 'the answer', CODE), 'answer', CODE);
  return { version: fields.integer('version'), isNews: fields.optionalBoolean('isNews') ?? false };
}
