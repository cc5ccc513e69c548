import { existsSync } from 'node:fs';
import { parseAuditSnapshot, type AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import {
  AUDIT_PREDICATE,
  checkSnapshotStatement,
  type SnapshotSignature,
} from '../../core/audit/snapshot-statement.ts';
import { parseBundle } from '../../core/bundle/bundle.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { FormatError, NotFoundError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { verifyBlobAttestation } from '../../workflows/verify/verify-blob-attestation.ts';
import { signerText } from '../report/check-report.ts';
import type { CommandContext } from '../grammar/command.ts';
import { SNAPSHOT_SIGNER_FLAGS, snapshotBundlePath } from '../flags/snapshot-flags.ts';
import { readInputFile } from '../terminal/input-file.ts';
import { unrevoked } from './revocation-choice.ts';
import { patternWarnings, signerPolicy } from './signer-policy.ts';
import { verificationTrust } from './verification-trust.ts';

/** A snapshot as it was read, and who stands for it. */
export interface SnapshotFile {
  readonly path: string;
  /** `sha256:…` of the file. */
  readonly digest: string;
  readonly snapshot: AuditSnapshot;
  readonly signature: SnapshotSignature;
  /** The very bytes that were read and verified. */
  readonly bytes: Uint8Array;
  /** Of the signature beside it; absent for one that is unsigned. */
  readonly bundle?: Uint8Array;
}

type Verify = (digest: Uint8Array, bundle: Uint8Array) => Promise<VerifiedBundle>;

/**
 * How snapshots are read: where flags say who must have signed them, each has to be signed by them, as it is and when it was taken.
 *
 * @returns throws NotFoundError NO_SIGNATURE for one that is unsigned; VerificationError; PolicyError REVOKED; FormatError FORMAT_AUDIT;
 *   UsageError USAGE_FILE
 * @throws as `signerPolicy`, `verificationTrust` and `unrevoked`
 */
export async function snapshotReader(context: CommandContext): Promise<(path: string) => Promise<SnapshotFile>> {
  const isDemanded = SNAPSHOT_SIGNER_FLAGS.some(({ name }) => context.flags.isGiven(name));
  const verify = isDemanded ? await verifier(context) : undefined;
  return async (path) => {
    const bytes = readInputFile(path);
    const digest = sha256(bytes);
    const bundlePath = snapshotBundlePath(path);
    const isSigned = existsSync(bundlePath);
    if (verify !== undefined && !isSigned) {
      throw new NotFoundError('NO_SIGNATURE', 'this is an unsigned snapshot', {
        found: `no ${bundlePath}`,
        expected: 'the signature that --sign leaves beside a snapshot',
        fix: 'sealwright audit snapshot --help',
      });
    }
    // Before anything in the file is believed.
    const bundle = isSigned ? readInputFile(bundlePath) : undefined;
    const verified = bundle === undefined ? undefined : await verify?.(digest, bundle);
    const snapshot = parseAuditSnapshot(bytes);
    return {
      path,
      digest: `sha256:${encodeHex(digest)}`,
      snapshot,
      signature:
        verified === undefined ? { state: isSigned ? 'not-verified' : 'unsigned' } : proven(verified, snapshot),
      bytes,
      ...(bundle === undefined ? {} : { bundle }),
    };
  };
}

async function verifier(context: CommandContext): Promise<Verify> {
  const { environment, now } = context;
  const signers = await signerPolicy(context);
  patternWarnings(context, signers);
  const http = new HttpClient({ proxyEnv: environment });
  try {
    const { trustedRoot, source, own } = await verificationTrust(context, signers, http);
    const policy = await unrevoked(signers, context, http, own);
    context.terminal.progress(`  trust from ${source}`);
    return (digest, bundle) =>
      verifyBlobAttestation({
        artifact: { kind: 'digest', algorithm: 'sha256', digest },
        bundle: parseBundle(bundle),
        type: AUDIT_PREDICATE,
        trustedRoot,
        policy,
        now: now(),
      });
  } finally {
    http.close();
  }
}

function proven(verified: VerifiedBundle, snapshot: AuditSnapshot): SnapshotSignature {
  const { statement, times, logEntries } = verified;
  if (statement === undefined) throw new FormatError('FORMAT_AUDIT', 'what was signed is no statement');
  checkSnapshotStatement(statement, snapshot, times);
  const [time] = times;
  const [entry] = logEntries;
  return {
    state: 'verified',
    by: signerText(verified),
    ...(time === undefined ? {} : { at: time.time.toISOString() }),
    ...(entry === undefined ? {} : { logIndex: entry.logIndex.toString() }),
  };
}
