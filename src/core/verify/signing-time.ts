import type { UnverifiedBundle } from '../bundle/bundle.ts';
import type { TrustedRoot } from '../trust/trusted-root.ts';
import { windowContains } from '../trust/validity-window.ts';
import type { ContentSignature } from './content-signature.ts';
import type { ProvenEntry } from './log-entries.ts';
import { checkLogWindow } from './signed-entry-timestamp.ts';
import { checkTimeThresholds, missing, promisedTimes, verifyTimestamps, type VerifiedTime } from './trusted-times.ts';
import type { VerificationPolicy } from './verification-policy.ts';

export interface SigningTimeInput {
  readonly bundle: UnverifiedBundle;
  readonly entries: readonly ProvenEntry[];
  readonly signature: ContentSignature;
  readonly trustedRoot: TrustedRoot;
  readonly policy: VerificationPolicy;
  readonly now: Date | undefined;
}

/**
 * Every time that a log or an authority stands for, enough of them for the policy. May be empty for keys only, when the
 * policy asks for none.
 *
 * @throws VerificationError TIMESTAMP_* or LOG_TIME; FormatError FORMAT_TIMESTAMP
 */
export function collectTimes(input: SigningTimeInput): readonly VerifiedTime[] {
  const { bundle, entries, signature, trustedRoot, policy } = input;
  const { content } = bundle;
  // cosign's older storage had the whole envelope stamped; both commit to the signature.
  const envelope = content.kind === 'dsse' && content.stored !== undefined ? [content.stored] : [];
  const messages = [...envelope, signature.signature];
  const stamped = verifyTimestamps(bundle.timestamps, messages, trustedRoot.timestampAuthorities);
  const times = [...promisedTimes(entries), ...stamped.times];
  checkTimeThresholds(times, policy, stamped.failure);
  if (policy.concessions.unsafeIgnoreLogWindow !== true) checkLogWindows(entries, times);
  if (times.length > 0 || bundle.material.kind === 'publicKey') return times;
  // A certificate lives for minutes: without a time there is nothing to hold against its validity.
  if (policy.concessions.unsafeUseCurrentTime !== true || input.now === undefined) {
    throw stamped.failure ?? missing('no trusted time', 'a timestamp by a trusted authority, or a promise by the log');
  }
  const machine = 'this machine';
  return [{ source: 'clock', time: input.now, authority: machine, operator: machine, witness: { kind: 'clock' } }];
}

/** Rekor v2 entries bear no time of their own, so the log's key is held against every time there is. */
function checkLogWindows(entries: readonly ProvenEntry[], times: readonly VerifiedTime[]): void {
  for (const { log, api } of entries) {
    if (api !== 'rekor-v2') continue;
    for (const { time } of times) checkLogWindow(log, time, 'logged the signature');
  }
}

/** Logs of Rekor v2 whose key was not believed at one of the times; for the report, when that was let pass. */
export function logsOutsideWindow(entries: readonly ProvenEntry[], times: readonly VerifiedTime[]): readonly string[] {
  return entries
    .filter(({ log, api }) => api === 'rekor-v2' && times.some(({ time }) => !windowContains(log.validFor, time)))
    .map(({ log }) => log.origin);
}
