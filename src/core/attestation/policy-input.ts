import { FormatError } from '../../errors.ts';
import { parseJson, type JsonValue } from '../encoding/json.ts';
import { readGoJson } from './go-json-reader.ts';
import { checkWritable, jsonKind } from './json-kind.ts';
import { ANY, type MessageShape } from './message-shape.ts';
import { LINK, PROVENANCE_V02_FOR_POLICIES, SCAN_STATEMENT, STATEMENT, statementOf } from './predicate-shapes.ts';
import { readProtoJson } from './proto-json-reader.ts';

const CODE = 'FORMAT_STATEMENT';

/**
 * What policies judge of a statement (cosign.md §4.2): the whole statement as JSON, read and written again through the
 * structure that the short name stands for, so that policies written for cosign find what they find there.
 *
 * @param type    as it was asked for: a short name, or a URI. `slsaprovenance` has another structure than its URI
 * @param payload a verified statement, byte for byte
 * @throws FormatError FORMAT_STATEMENT when the structure has no place for it; LimitError
 */
export function policyInput(type: string, payload: Uint8Array): string {
  const statement = parseJson(payload, 'the in-toto statement', CODE);
  checkWritable(statement, 'statement', CODE);
  const checked = checkStatement(statement);
  const shape = structureOf(type);
  const input = shape === undefined ? checked : readGoJson(statement, shape, 'statement', CODE).value;
  return JSON.stringify(input);
}

/** Members that in-toto's statement does not have are refused, as by cosign: nobody would see them. */
function checkStatement(statement: JsonValue): JsonValue {
  const { value, dropped } = readProtoJson(statement, STATEMENT, 'statement', CODE);
  const [stranger] = dropped;
  if (stranger !== undefined) {
    throw new FormatError(CODE, 'the statement has a member that statements do not have', { found: stranger });
  }
  const { predicate } = value as { readonly predicate?: JsonValue };
  if (predicate === undefined || typeof predicate === 'string' || jsonKind(predicate) === 'an object') return value;
  throw new FormatError(CODE, 'the predicate is neither an object nor a text', { found: jsonKind(predicate) });
}

function structureOf(type: string): MessageShape | undefined {
  switch (type) {
    case 'link':
      return statementOf(LINK);
    case 'slsaprovenance':
      return statementOf(PROVENANCE_V02_FOR_POLICIES);
    case 'spdx':
    case 'spdxjson':
    case 'cyclonedx':
      return statementOf(ANY);
    case 'vuln':
      return SCAN_STATEMENT;
    default:
      return undefined;
  }
}
