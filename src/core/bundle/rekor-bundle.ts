import { encodeBase64 } from '../encoding/base64.ts';
import { encodeHex, parseHex } from '../encoding/hex.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import type { TransparencyLogEntry } from './log-entry.ts';

const CODE = 'FORMAT_LOG_ENTRY';
const LIMITS = { maxBytes: 16 << 20, maxDepth: 16 };
/** End of the year 9999, the last second that a Date can be written for in four digits. */
const MAX_TIME = 253402300799n;

/**
 * A Rekor v1 entry as cosign kept it beside a signature: the body and the log's promise, without a proof (cosign.md §3.2).
 *
 * @throws FormatError FORMAT_LOG_ENTRY, FORMAT_BASE64 or FORMAT_HEX; LimitError
 */
export function parseRekorBundle(input: Uint8Array | string): TransparencyLogEntry {
  return rekorBundleFrom(new JsonFields(parseJson(input, "the log's promise", CODE, LIMITS), 'rekorBundle', CODE));
}

/**
 * What cosign stores of a file that `--rekor-response` names: the promise in its older bundle, as far as the types of its members
 * go, whatever they say.
 *
 * @returns the annotation's text; undefined when the file has no promise
 * @throws FormatError FORMAT_LOG_ENTRY or FORMAT_BASE64; LimitError
 */
export function parseUncheckedPromise(input: Uint8Array | string): string | undefined {
  const file = new JsonFields(parseJson(input, 'the file', CODE, LIMITS), 'file', CODE);
  if (!file.has('rekorBundle')) return undefined;
  const promise = file.object('rekorBundle');
  const payload = promise.has('Payload') ? promise.object('Payload') : undefined;
  return JSON.stringify({
    SignedEntryTimestamp: promise.has('SignedEntryTimestamp')
      ? encodeBase64(promise.bytes('SignedEntryTimestamp'))
      : null,
    Payload: {
      body: payload?.value('body') ?? null,
      integratedTime: payload?.optionalInteger('integratedTime') ?? 0,
      logIndex: payload?.optionalInteger('logIndex') ?? 0,
      logID: payload?.optionalString('logID') ?? '',
    },
  });
}

/** The promise in a larger document. Wrong types carry that document's code. */
export function rekorBundleFrom(fields: JsonFields): TransparencyLogEntry {
  fields.only('SignedEntryTimestamp', 'Payload');
  const payload = fields.object('Payload').only('body', 'integratedTime', 'logIndex', 'logID');
  const body = payload.bytes('body');
  const kindVersion = new JsonFields(parseJson(body, "the log entry's body", CODE, LIMITS), 'body', CODE);
  const logId = parseHex(payload.string('logID'), `${payload.path}.logID`);
  const logIndex = payload.int64('logIndex');
  const integratedTime = payload.int64('integratedTime');
  if (logId.length !== 32 || logIndex < 0n || integratedTime < 0n || integratedTime > MAX_TIME) {
    throw new FormatError(CODE, `${payload.path} has an impossible value`, {
      found: `log id of ${logId.length} bytes, index ${logIndex}, time ${integratedTime}`,
      expected: 'a log id of 32 bytes, an index from 0 on, seconds since 1970',
    });
  }
  return {
    logIndex,
    logId,
    kind: kindVersion.string('kind'),
    version: kindVersion.string('apiVersion'),
    integratedTime,
    inclusionPromise: fields.bytes('SignedEntryTimestamp'),
    body,
  };
}

/** @param entry of Rekor v1: with a promise, which its proof is dropped for */
export function rekorBundleJson(
  entry: TransparencyLogEntry & { readonly inclusionPromise: Uint8Array },
): Readonly<Record<string, unknown>> {
  return {
    SignedEntryTimestamp: encodeBase64(entry.inclusionPromise),
    Payload: {
      body: encodeBase64(entry.body),
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: encodeHex(entry.logId),
    },
  };
}
