import { SealwrightError, VerificationError } from '../../errors.ts';
import type { Certificate } from '../pki/certificate.ts';
import { findSigner, verifyTimestamp } from '../pki/timestamp-verification.ts';
import { parseTimestampResponse, type UnverifiedTimestamp } from '../pki/timestamp-response.ts';
import type { LogInstance } from '../trust/log-instance.ts';
import type { CertificateAuthority } from '../trust/trusted-root.ts';
import type { ProvenEntry } from './log-entries.ts';
import type { VerificationPolicy } from './verification-policy.ts';

/** A time, and whose word it is. */
export interface ToldTime {
  readonly source: 'log' | 'tsa' | 'clock';
  readonly time: Date;
  /** Log origin, or URI or name of the timestamp authority. */
  readonly authority: string;
}

/** A time that somebody other than the signer stands for. `clock` is the caller's own, by concession. */
export interface VerifiedTime extends ToldTime {
  /** Times of one operator count once. */
  readonly operator: string;
  /** Which key or certificate stands behind it, for those who must stop believing it. */
  readonly witness: TimeWitness;
}

export type TimeWitness =
  /** SHA-256 of the log's key. */
  | { readonly kind: 'log'; readonly logId: Uint8Array }
  /** The certificate that signed the time, and its authority's chain. */
  | { readonly kind: 'tsa'; readonly certificates: readonly Certificate[] }
  | { readonly kind: 'clock' };

/**
 * Timestamps that verify under a trusted authority. Those that do not are left out, and thresholds decide: a bundle may
 * carry timestamps of authorities that this verifier does not know.
 *
 * @param messages what may have been stamped: the raw signature, or an envelope as it was stored
 * @returns the times, and the failure to report when they are too few
 */
export function verifyTimestamps(
  responses: readonly Uint8Array[],
  messages: readonly Uint8Array[],
  authorities: readonly CertificateAuthority[],
): { readonly times: readonly VerifiedTime[]; readonly failure: SealwrightError | undefined } {
  const times: VerifiedTime[] = [];
  let failure: SealwrightError | undefined;
  for (const response of responses) {
    try {
      times.push(verifyResponse(response, messages, authorities));
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      failure ??= error;
    }
  }
  return { times, failure };
}

function verifyResponse(
  response: Uint8Array,
  messages: readonly Uint8Array[],
  authorities: readonly CertificateAuthority[],
): VerifiedTime {
  const timestamp = parseTimestampResponse(response);
  let failure: SealwrightError | undefined;
  for (const authority of authorities) {
    if (findSigner(timestamp, authority) === undefined) continue;
    for (const message of messages) {
      try {
        return verifyUnder(timestamp, message, authority);
      } catch (error) {
        if (!(error instanceof SealwrightError)) throw error;
        failure = error;
      }
    }
  }
  throw failure ?? untrusted(timestamp, authorities);
}

function verifyUnder(
  timestamp: UnverifiedTimestamp,
  message: Uint8Array,
  authority: CertificateAuthority,
): VerifiedTime {
  const { time, signer } = believed(() => verifyTimestamp(timestamp, message, authority));
  const [leaf] = authority.chain;
  // Where the root names the very certificate, another one of the same issuer is not the authority.
  if (leaf?.isCa === false && !leaf.equals(signer)) throw untrusted(timestamp, [authority]);
  const name = authority.uri === '' ? authorityName(authority) : authority.uri;
  const witness: TimeWitness = { kind: 'tsa', certificates: [signer, ...authority.chain] };
  return { source: 'tsa', time, authority: name, operator: authority.operator ?? name, witness };
}

/** A fault of the authority's own certificates is the authority's: it must not read as if the signer's had it. */
function believed<Result>(verify: () => Result): Result {
  try {
    return verify();
  } catch (error) {
    if (!(error instanceof VerificationError) || !error.code.startsWith('CERTIFICATE_')) throw error;
    throw new VerificationError('TIMESTAMP_UNTRUSTED', `the timestamp authority cannot be believed: ${error.message}`, {
      ...error.facts,
      cause: error,
    });
  }
}

/** Times that logs have signed for (Rekor v1). */
export function promisedTimes(entries: readonly ProvenEntry[]): readonly VerifiedTime[] {
  return entries.flatMap(({ log, promisedTime }) => (promisedTime === undefined ? [] : [logTime(log, promisedTime)]));
}

export function logTime({ origin, operator, logId }: LogInstance, time: Date): VerifiedTime {
  return { source: 'log', time, authority: origin, operator: operator ?? origin, witness: { kind: 'log', logId } };
}

/** @throws VerificationError TIMESTAMP_MISSING, or why the timestamps that are there do not count */
export function checkTimeThresholds(
  times: readonly VerifiedTime[],
  { thresholds }: VerificationPolicy,
  failure: SealwrightError | undefined,
): void {
  const distinct = (wanted: readonly VerifiedTime[]): number => new Set(wanted.map(({ operator }) => operator)).size;
  const demands = [
    ['timestamps of trusted authorities', times.filter(({ source }) => source === 'tsa'), thresholds.signedTimestamps],
    ['times that a log signed for', times.filter(({ source }) => source === 'log'), thresholds.integratedTimestamps],
    ['trusted times', times, thresholds.observerTimestamps],
  ] as const;
  for (const [what, found, threshold] of demands) {
    if (distinct(found) >= threshold) continue;
    throw failure ?? missing(`${distinct(found)} ${what}`, `at least ${threshold}, by different authorities`);
  }
}

export function missing(found: string, expected: string): VerificationError {
  return new VerificationError('TIMESTAMP_MISSING', 'no trusted time tells when the signature was made', {
    found,
    expected,
  });
}

function untrusted(timestamp: UnverifiedTimestamp, authorities: readonly CertificateAuthority[]): VerificationError {
  return new VerificationError('TIMESTAMP_UNTRUSTED', 'the timestamp was made by an authority that is not trusted', {
    found: `a timestamp of ${timestamp.info.genTime.toISOString()}`,
    expected: authorities.map(authorityName).join(', ') || 'a trusted authority; the trusted root has none',
  });
}

function authorityName({ subject, uri }: CertificateAuthority): string {
  return subject.commonName ?? subject.organization ?? uri;
}
