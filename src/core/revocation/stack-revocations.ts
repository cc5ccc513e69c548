import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { MAX_PUBLICATION_BYTES } from './revocation-publication.ts';

/** The two documents that a trust root tells revocations by, as text. Nothing in them has been verified. */
export interface RevocationDocuments {
  readonly authority: string;
  readonly snapshot: string;
}

const CODE = 'FORMAT_REVOCATION';
const LIMITS = { maxBytes: MAX_PUBLICATION_BYTES, maxDepth: 2 };

/** Both in one, so that nobody reads a snapshot of one authority beside another. */
export function encodeStackRevocations({ authority, snapshot }: RevocationDocuments): string {
  return `${JSON.stringify({ authority, snapshot })}\n`;
}

/** @throws FormatError FORMAT_REVOCATION; LimitError LIMIT_SIZE */
export function parseStackRevocations(input: Uint8Array | string): RevocationDocuments {
  const fields = new JsonFields(parseJson(input, 'the revocations of the stack', CODE, LIMITS), 'revocations', CODE);
  fields.only('authority', 'snapshot');
  return { authority: fields.string('authority'), snapshot: fields.string('snapshot') };
}
