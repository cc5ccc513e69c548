import { concatBytes } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { tlsUint64, tlsVector } from '../encoding/tls.ts';
import { FormatError } from '../../errors.ts';
import { parseSct, type Sct } from './sct.ts';

const CODE = 'FORMAT_SCT';
const LIMITS = { maxBytes: 64 << 10, maxDepth: 4 };

/**
 * An SCT as a CT log hands it out (RFC 6962 §4.1), which is how one travels beside a certificate instead of inside it.
 *
 * @throws FormatError FORMAT_SCT or FORMAT_BASE64; LimitError
 */
export function parseSctResponse(input: Uint8Array | string): Sct {
  const fields = new JsonFields(parseJson(input, 'the signed certificate timestamp', CODE, LIMITS), 'sct', CODE);
  const version = fields.only('sct_version', 'id', 'timestamp', 'extensions', 'signature').integer('sct_version');
  const timestamp = fields.int64('timestamp');
  const id = fields.bytes('id');
  if (version !== 0 || timestamp < 0n || id.length !== 32) {
    throw new FormatError(CODE, 'the signed certificate timestamp is malformed', {
      found: `version ${version}, a log id of ${id.length} bytes, time ${timestamp}`,
      expected: 'version 0, a log id of 32 bytes, milliseconds since 1970 (RFC 6962 §4.1)',
    });
  }
  // Its members are those of the TLS encoding, the signature with its algorithms in front.
  const extensions = tlsVector(2, fields.optionalBytes('extensions') ?? new Uint8Array(0));
  return parseSct(concatBytes(Uint8Array.of(version), id, tlsUint64(timestamp), extensions, fields.bytes('signature')));
}
