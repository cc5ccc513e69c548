import { DIGEST_LENGTHS, type HashAlgorithm } from '../crypto/digest.ts';
import type { JsonFields } from '../encoding/json-fields.ts';
import { FormatError } from '../../errors.ts';

/** A digest together with the algorithm that made it; its length fits. */
export interface NamedDigest {
  readonly algorithm: HashAlgorithm;
  readonly digest: Uint8Array;
}

const PROTO_NAMES: Readonly<Record<HashAlgorithm, string>> = {
  sha256: 'SHA2_256',
  sha384: 'SHA2_384',
  sha512: 'SHA2_512',
};

/** Name in `dev.sigstore.common.v1.HashAlgorithm`. */
export function protoHashName(algorithm: HashAlgorithm): string {
  return PROTO_NAMES[algorithm];
}

/** Members `algorithm` and `digest`, as protobuf-specs' HashOutput has them. */
export function parseHashOutput(fields: JsonFields): NamedDigest {
  fields.only('algorithm', 'digest');
  const name = fields.string('algorithm');
  const algorithm = hashNamed(name, (known) => PROTO_NAMES[known], fields);
  return checkLength({ algorithm, digest: fields.bytes('digest') }, fields);
}

/** Members `algorithm` ("sha256") and `value` (hexadecimal of either case), as Rekor v1 has them. */
export function parseHexHash(fields: JsonFields): NamedDigest {
  const algorithm = hashNamed(fields.string('algorithm'), (known) => known, fields);
  const hex = fields.string('value');
  const digest = /^[0-9a-fA-F]*$/.test(hex) ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
  return checkLength({ algorithm, digest }, fields);
}

function hashNamed(name: string, spelling: (known: HashAlgorithm) => string, fields: JsonFields): HashAlgorithm {
  const known = (['sha256', 'sha384', 'sha512'] as const).find((algorithm) => spelling(algorithm) === name);
  if (known !== undefined) return known;
  throw new FormatError(fields.code, `${fields.path}.algorithm is not supported`, {
    found: name.slice(0, 64),
    expected: (['sha256', 'sha384', 'sha512'] as const).map(spelling).join(', '),
  });
}

function checkLength(named: NamedDigest, fields: JsonFields): NamedDigest {
  const expected = DIGEST_LENGTHS[named.algorithm];
  if (named.digest.length === expected) return named;
  throw new FormatError(fields.code, `${fields.path} is not a ${named.algorithm} digest`, {
    found: `${named.digest.length} bytes`,
    expected: `${expected} bytes`,
  });
}
