import type { PrivateKey } from '../../core/crypto/private-key.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { signCheckpoint, verifyCheckpoint, type Checkpoint } from '../../core/tlog/checkpoint.ts';
import { signTreeHead, verifyTreeHead } from '../../core/tlog/tree-head.ts';
import { InvariantError, VerificationError } from '../../errors.ts';
import type { LogKind } from './entry-format.ts';

export interface Tree {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** A log's own hand: signs its checkpoints, and knows them again. */
export interface CheckpointSigner {
  /** @param previous the checkpoint before; time never runs backwards from one to the next */
  sign(tree: Tree, previous: string | undefined, now: Date): string;
  verify(checkpoint: string): Checkpoint;
}

/** @throws VerificationError CHECKPOINT_INVALID; FormatError FORMAT_CHECKPOINT */
export function verifyLogCheckpoint(kind: LogKind, checkpoint: string, origin: string, key: PublicKey): Checkpoint {
  const verifier = { name: origin, key };
  if (kind === 'static-ct') return verifyTreeHead(checkpoint, verifier);
  const verified = verifyCheckpoint(checkpoint, verifier);
  if (verified.origin === origin) return verified;
  throw new VerificationError('CHECKPOINT_INVALID', 'the checkpoint is of another log', {
    found: verified.origin.slice(0, 128),
    expected: origin,
  });
}

export function createCheckpointSigner(kind: LogKind, origin: string, key: PrivateKey): CheckpointSigner {
  const verify = (checkpoint: string): Checkpoint => verifyLogCheckpoint(kind, checkpoint, origin, key.publicKey);
  if (kind === 'tlog-tiles') {
    if (key.kind !== 'ed25519') throw new InvariantError('a Rekor v2 log signs with Ed25519');
    return { verify, sign: (tree) => signCheckpoint({ origin, ...tree }, key) };
  }
  if (key.kind !== 'ecdsa-p256') throw new InvariantError('a CT log signs with P-256');
  return {
    verify,
    sign(tree, previous, now) {
      const before =
        previous === undefined ? 0n : verifyTreeHead(previous, { name: origin, key: key.publicKey }).timestamp;
      const time = BigInt(now.getTime());
      // A clock that was set back must not give a later tree an earlier time (RFC 6962 §3.5).
      return signTreeHead({ origin, ...tree, timestamp: time > before ? time : before }, key);
    },
  };
}
