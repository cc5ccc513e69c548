import { parseEntryBody, type EntryBody } from '../bundle/entry-body.ts';
import type { TransparencyLogEntry } from '../bundle/log-entry.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import type { LogInstance } from '../trust/log-instance.ts';
import { VerificationError } from '../../errors.ts';
import { checkEntryBinding, checkRebuiltBody, rebuildBody, type SignedContent } from './entry-binding.ts';
import { verifyInclusion } from './log-inclusion.ts';
import { verifySignedEntryTimestamp } from './signed-entry-timestamp.ts';

/** An entry that a trusted log has proven to hold, and that is about the signature at hand. */
export interface ProvenEntry {
  readonly log: LogInstance;
  readonly api: EntryBody['api'];
  readonly entry: TransparencyLogEntry;
  /** Size of the tree whose checkpoint proves the entry, when there was a proof. */
  readonly treeSize: bigint | undefined;
  /** A time the log has signed for; Rekor v1 only. */
  readonly promisedTime: Date | undefined;
}

/**
 * Verifies the entries of every log that is trusted. Entries of unknown logs are skipped: they prove nothing, and a bundle
 * may carry more than one verifier knows. Whatever a known log's entry gets wrong refuses the bundle.
 *
 * @throws VerificationError LOG_ENTRY_*, SET_INVALID, LOG_TIME, CHECKPOINT_INVALID, INCLUSION_PROOF_*, LOG_UNTRUSTED;
 *   FormatError FORMAT_LOG_ENTRY, FORMAT_CHECKPOINT or FORMAT_PROOF
 */
export function verifyLogEntries(
  entries: readonly TransparencyLogEntry[],
  logs: readonly LogInstance[],
  signed: SignedContent,
  threshold: number,
): readonly ProvenEntry[] {
  refuseDuplicates(entries);
  const proven: ProvenEntry[] = [];
  const strangers: TransparencyLogEntry[] = [];
  for (const entry of entries) {
    const body = parseEntryBody(entry);
    const log = logs.find(({ logId }) => equalBytes(logId, entry.logId));
    if (log === undefined) strangers.push(entry);
    else proven.push(verifyEntry(entry, body, log, signed));
  }
  const distinct = new Set(proven.map(({ log }) => log.operator ?? encodeHex(log.logId))).size;
  if (distinct < threshold) throw tooFew(distinct, threshold, strangers, logs);
  return proven;
}

function verifyEntry(
  entry: TransparencyLogEntry,
  body: EntryBody,
  log: LogInstance,
  signed: SignedContent,
): ProvenEntry {
  const { inclusionPromise: promise, inclusionProof: proof } = entry;
  if (proof === undefined && (promise === undefined || body.api === 'rekor-v2')) {
    throw new VerificationError('INCLUSION_PROOF_MISSING', 'the log entry has no inclusion proof', {
      found: `entry ${entry.logIndex} of ${log.origin}, without a proof`,
      expected: 'an inclusion proof with a checkpoint; it is never fetched',
    });
  }
  const time = promise === undefined ? undefined : verifySignedEntryTimestamp(entry, promise, log);
  // Compared before the tree is asked, so that the error says which part is another's.
  checkEntryBinding(body, signed);
  let leaf = entry.body;
  if (body.api === 'rekor-v2') {
    leaf = rebuildBody(signed);
    checkRebuiltBody(entry.body, leaf);
  }
  const checkpoint = proof === undefined ? undefined : verifyInclusion(entry, proof, leaf, body.api, log);
  return {
    log,
    api: body.api,
    entry,
    treeSize: checkpoint?.size,
    promisedTime: body.api === 'rekor-v1' && entry.integratedTime > 0n ? time : undefined,
  };
}

/** The same entry twice would count, or be taken, for two. */
function refuseDuplicates(entries: readonly TransparencyLogEntry[]): void {
  for (const [index, entry] of entries.entries()) {
    const twin = entries
      .slice(0, index)
      .find(
        (other) =>
          equalBytes(other.logId, entry.logId) &&
          (other.logIndex === entry.logIndex || equalBytes(other.body, entry.body)),
      );
    if (twin === undefined) continue;
    throw new VerificationError('LOG_ENTRY_DUPLICATE', 'the bundle has one log entry twice', {
      found: `indexes ${twin.logIndex} and ${entry.logIndex} of log ${encodeHex(entry.logId)}`,
      expected: 'different entries',
    });
  }
}

function tooFew(
  proven: number,
  threshold: number,
  strangers: readonly TransparencyLogEntry[],
  logs: readonly LogInstance[],
): VerificationError {
  const known = logs.map(({ origin }) => origin).join(', ');
  if (strangers.length === 0 || proven > 0) {
    return new VerificationError('LOG_ENTRY_MISSING', 'the signature is not in enough transparency logs', {
      found: `entries proven in ${proven} logs`,
      expected: `${threshold} of ${known || 'no trusted log at all'}`,
    });
  }
  const ids = strangers.map(({ logId }) => encodeHex(logId)).join(', ');
  return new VerificationError('LOG_UNTRUSTED', 'the signature is in no transparency log that is trusted', {
    found: `entries of log ${ids}`,
    expected: `an entry of ${known || 'a trusted log; the trusted root has none'}`,
  });
}
