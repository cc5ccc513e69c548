import type { TransparencyLogEntry } from '../bundle/log-entry.ts';
import { verifySignature } from '../crypto/signature.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import type { LogInstance } from '../trust/log-instance.ts';
import { windowContains, windowText } from '../trust/validity-window.ts';
import { VerificationError } from '../../errors.ts';

/**
 * The bytes under Rekor v1's promise: RFC 8785 of four members, in which nothing needs an escape.
 */
export function signedEntryTimestampData(entry: TransparencyLogEntry): Uint8Array {
  const { body, integratedTime, logId, logIndex } = entry;
  return utf8(
    `{"body":"${encodeBase64(body)}","integratedTime":${integratedTime},"logID":"${encodeHex(logId)}","logIndex":${logIndex}}`,
  );
}

/**
 * Verifies the promise, and that the log's key was believed when it was made.
 *
 * @returns the time at which the log says it took the entry in
 * @throws VerificationError SET_INVALID or LOG_TIME
 */
export function verifySignedEntryTimestamp(entry: TransparencyLogEntry, promise: Uint8Array, log: LogInstance): Date {
  if (!verifySignature(log.publicKey, log.scheme, signedEntryTimestampData(entry), promise)) {
    throw new VerificationError('SET_INVALID', "the log's signed entry timestamp is wrong", {
      found: `a promise for entry ${entry.logIndex} that its key did not sign`,
      expected: `a signature by ${log.origin} over this entry, its index and time`,
    });
  }
  const time = new Date(Number(entry.integratedTime) * 1000);
  checkLogWindow(log, time, 'took the entry in');
  return time;
}

/** @throws VerificationError LOG_TIME */
export function checkLogWindow(log: LogInstance, time: Date, event: string): void {
  if (windowContains(log.validFor, time)) return;
  throw new VerificationError('LOG_TIME', `the log's key was not believed when it ${event}`, {
    found: `${log.origin} at ${time.toISOString()}`,
    expected: `a time from ${windowText(log.validFor)}`,
  });
}
