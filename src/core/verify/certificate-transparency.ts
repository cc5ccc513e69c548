import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import type { Certificate } from '../pki/certificate.ts';
import { OID } from '../pki/oids.ts';
import { parseSctList, precertEntryOf, sctTime, verifySct, type Sct, type SctEntry } from '../pki/sct.ts';
import type { LogInstance } from '../trust/log-instance.ts';
import { windowContains, windowText } from '../trust/validity-window.ts';
import { VerificationError } from '../../errors.ts';

/** A CT log's promise to publish the certificate. */
export interface VerifiedSct {
  readonly log: LogInstance;
  readonly time: Date;
}

/**
 * Verifies the SCTs embedded in a certificate, and those that came beside it. Those of unknown logs, and those that do not hold, do not count; each log
 * counts once.
 *
 * @param issuer   from the verified path, as an embedded SCT signs over its key
 * @param detached SCTs that came beside the certificate
 * @throws VerificationError SCT_MISSING, or SCT_INVALID when one of a known log is there but does not hold; FormatError
 *   FORMAT_SCT
 */
export function verifyScts(
  leaf: Certificate,
  issuer: Certificate,
  ctlogs: readonly LogInstance[],
  threshold: number,
  detached: readonly Sct[] = [],
): readonly VerifiedSct[] {
  const extension = leaf.extension(OID.sctList);
  const embedded = extension === undefined ? [] : parseSctList(extension.value);
  const precert = precertEntryOf(leaf, issuer);
  // What is beside a certificate was issued for the whole of it (RFC 6962 §3.1).
  const whole: SctEntry = { kind: 'x509', certificate: leaf.raw };
  const scts = [...embedded, ...detached];
  const verified = new Map<string, VerifiedSct>();
  let failure: VerificationError | undefined;
  for (const [index, sct] of scts.entries()) {
    const log = ctlogs.find(({ logId }) => equalBytes(logId, sct.logId));
    if (log === undefined) continue;
    const problem = sctFailure(sct, index < embedded.length ? precert : whole, log);
    if (problem === undefined) verified.set(log.operator ?? encodeHex(log.logId), { log, time: sctTime(sct) });
    failure ??= problem;
  }
  if (verified.size >= threshold) return [...verified.values()];
  throw failure ?? missing(scts, verified.size, threshold, ctlogs);
}

function sctFailure(sct: Sct, entry: SctEntry, log: LogInstance): VerificationError | undefined {
  const time = sctTime(sct);
  if (!windowContains(log.validFor, time)) {
    return new VerificationError('SCT_INVALID', "the CT log's key was not believed when it logged the certificate", {
      found: `${log.baseUrl} at ${Number.isNaN(time.getTime()) ? 'an impossible time' : time.toISOString()}`,
      expected: `a time from ${windowText(log.validFor)}`,
    });
  }
  if (verifySct(sct, entry, log.publicKey)) return undefined;
  return new VerificationError('SCT_INVALID', "the CT log's signature over the certificate is wrong", {
    found: `a timestamp of ${time.toISOString()} that the trusted key did not sign`,
    expected: `a signature by ${log.baseUrl} over this certificate`,
  });
}

function missing(
  scts: readonly Sct[],
  verified: number,
  threshold: number,
  ctlogs: readonly LogInstance[],
): VerificationError {
  const strangers = scts.map(({ logId }) => encodeHex(logId)).join(', ');
  return new VerificationError('SCT_MISSING', 'the certificate was not logged in enough trusted CT logs', {
    found:
      scts.length === 0
        ? 'no signed certificate timestamp'
        : `${verified} trusted, among timestamps of the logs ${strangers}`,
    expected: `${threshold} of ${ctlogs.map(({ baseUrl }) => baseUrl).join(', ') || 'a trusted CT log; the trusted root has none'}`,
  });
}
