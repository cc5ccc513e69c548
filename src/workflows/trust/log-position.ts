import { encodeBase64, parseBase64 } from '../../core/encoding/base64.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { GrowingTree } from '../../core/tlog/growing-tree.ts';
import { HashTile } from '../../core/tlog/hash-tile.ts';
import { partialWidth } from '../../core/tlog/tile-name.ts';
import type { LogInstance } from '../../core/trust/log-instance.ts';
import { FormatError, UsageError } from '../../errors.ts';

const CODE = 'FORMAT_TILE';
const LIMITS = { maxBytes: 256 << 10, maxDepth: 4 };
const MAX_LEVELS = 8;
const SIZE = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * How far a log has been read, for a file. Nothing in it is believed: a tree that is continued from something else never gets the
 * root that the log signs.
 */
export function encodeLogPosition(log: LogInstance, tree: GrowingTree): string {
  const edge = tree.edge.map((tile) => encodeBase64(tile.encode()));
  return `${JSON.stringify({ log: encodeHex(log.logId), size: tree.size.toString(), edge })}\n`;
}

/** @throws FormatError FORMAT_TILE; UsageError USAGE_BAD_FLAG for the position in another log */
export function parseLogPosition(input: Uint8Array | string, log: LogInstance): GrowingTree {
  const fields = new JsonFields(parseJson(input, 'the position in the log', CODE, LIMITS), 'position', CODE);
  fields.only('log', 'size', 'edge');
  if (fields.string('log') !== encodeHex(log.logId)) {
    throw new UsageError('USAGE_BAD_FLAG', 'this is the position in another log', {
      found: fields.string('log').slice(0, 100),
      expected: encodeHex(log.logId),
    });
  }
  const text = fields.string('size');
  if (!SIZE.test(text)) {
    throw new FormatError(CODE, 'the position is no tree size', {
      found: text.slice(0, 40),
      expected: 'a decimal number',
    });
  }
  const size = BigInt(text);
  const edge = fields
    .strings('edge', MAX_LEVELS)
    .map((tile, level) => HashTile.parse(parseBase64(tile, 'the position'), partialWidth(size, level)));
  return new GrowingTree(size, edge);
}
