import type { InclusionProof, TransparencyLogEntry } from '../bundle/log-entry.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { verifyCheckpoint, type Checkpoint } from '../tlog/checkpoint.ts';
import { leafHash, rootFromInclusionProof } from '../tlog/merkle.ts';
import type { LogInstance } from '../trust/log-instance.ts';
import { VerificationError } from '../../errors.ts';

/** Rekor v1 adds its tree's id to the origin, for all of its shards sign with one name. */
const TREE_ID = /^ - [0-9]+$/;

/**
 * Verifies the log's checkpoint, and that its tree holds the leaf.
 *
 * @param leaf the entry's bytes; for Rekor v2 rebuilt by the verifier
 * @throws VerificationError CHECKPOINT_INVALID or INCLUSION_PROOF_INVALID; FormatError FORMAT_CHECKPOINT or FORMAT_PROOF
 */
export function verifyInclusion(
  entry: TransparencyLogEntry,
  proof: InclusionProof,
  leaf: Uint8Array,
  api: 'rekor-v1' | 'rekor-v2',
  log: LogInstance,
): Checkpoint {
  const checkpoint = verifyLogCheckpoint(proof.checkpoint, api, log);
  // Both only repeat the checkpoint; where they do not, somebody has mixed two tree states.
  if (proof.treeSize !== checkpoint.size || !equalBytes(proof.rootHash, checkpoint.root)) {
    throw invalid(
      'the inclusion proof is for another tree than its checkpoint',
      `size ${proof.treeSize}, root ${encodeHex(proof.rootHash)}`,
      `size ${checkpoint.size}, root ${encodeHex(checkpoint.root)}, which the log signed`,
    );
  }
  if (api === 'rekor-v2' && proof.logIndex !== entry.logIndex) {
    throw invalid('the inclusion proof is for another index', `${proof.logIndex}`, `${entry.logIndex}`);
  }
  const root = rootFromInclusionProof({
    leaf: leafHash(leaf),
    index: proof.logIndex,
    size: checkpoint.size,
    hashes: proof.hashes,
  });
  if (!equalBytes(root, checkpoint.root)) {
    throw invalid(
      "the entry is not in the log's tree",
      `a path to root ${encodeHex(root)}`,
      `root ${encodeHex(checkpoint.root)}, which the log signed`,
    );
  }
  return checkpoint;
}

/** A checkpoint by itself: that the log has signed it, under a name of its own. @throws VerificationError; FormatError */
export function verifyLogCheckpoint(text: string, api: 'rekor-v1' | 'rekor-v2', log: LogInstance): Checkpoint {
  const name = log.checkpointNames.find((candidate) => text.includes(`\u2014 ${candidate} `)) ?? log.origin;
  const checkpoint = verifyCheckpoint(text, { name, key: log.publicKey, keyId: log.checkpointKeyId });
  const rest = checkpoint.origin.startsWith(name) ? checkpoint.origin.slice(name.length) : undefined;
  if (rest === '' || (api === 'rekor-v1' && rest !== undefined && TREE_ID.test(rest))) return checkpoint;
  throw new VerificationError('CHECKPOINT_INVALID', 'the checkpoint is of another log', {
    found: `origin ${checkpoint.origin.slice(0, 256)}`,
    expected: api === 'rekor-v1' ? `${name}, with or without a tree id` : name,
  });
}

function invalid(message: string, found: string, expected: string): VerificationError {
  return new VerificationError('INCLUSION_PROOF_INVALID', message, { found, expected });
}
