import { sha256 } from '../crypto/digest.ts';
import type { PrivateKey } from '../crypto/private-key.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { defaultScheme, verifySignature } from '../crypto/signature.ts';
import { encodeBase64, parseBase64 } from '../encoding/base64.ts';
import { equalBytes, utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { RecentMap } from '../encoding/recent-map.ts';
import { FormatError, VerificationError } from '../../errors.ts';
import { HASH_LENGTH } from './merkle.ts';
import { checkpointKeyId, encodeSignedNote, parseSignedNote, type SignedNote } from './signed-note.ts';

/** A log's statement about its tree (C2SP tlog-checkpoint). Unverified until {@link verifyCheckpoint} returned it. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly extensions: readonly string[];
  readonly note: SignedNote;
}

/** The key a log signs its checkpoints with, and the name it does it under. */
export interface CheckpointVerifier {
  /** The name in the signature line. */
  readonly name: string;
  readonly key: PublicKey;
  /** Four bytes, when the trusted root gives others than the key and name imply. */
  readonly keyId?: Uint8Array;
}

const SIZE = /^(0|[1-9][0-9]{0,18})$/;

/** @throws FormatError FORMAT_CHECKPOINT */
export function parseCheckpoint(text: string): Checkpoint {
  const note = parseSignedNote(text);
  const [origin = '', size = '', root = '', ...extensions] = note.text.slice(0, -1).split('\n');
  if (origin === '') throw malformed('no origin', 'a first line with the name of the log');
  if (!SIZE.test(size)) throw malformed('a second line that is no tree size', 'a decimal number without leading zeros');
  const treeSize = BigInt(size);
  if (treeSize >= 1n << 63n) throw malformed(size, 'a tree size below 2^63');
  const bytes = parseBase64(root, 'checkpoint root');
  if (bytes.length !== HASH_LENGTH) throw malformed(`a root of ${bytes.length} bytes`, `${HASH_LENGTH} bytes`);
  if (extensions.includes('')) throw malformed('an empty extension line', 'no empty lines in the text');
  return { origin, size: treeSize, root: bytes, extensions, note };
}

/**
 * Checks the log's own signature, wherever its line stands. Lines by unknown names or keys are ignored, as witnesses add
 * them; a line that bears the log's name and key id must verify (C2SP signed-note).
 *
 * @throws VerificationError CHECKPOINT_INVALID; FormatError FORMAT_CHECKPOINT
 */
export function verifyCheckpoint(text: string, verifier: CheckpointVerifier): Checkpoint {
  const checkpoint = parseCheckpoint(text);
  const keyId = verifier.keyId ?? checkpointKeyId(verifier.name, verifier.key);
  const own = checkpoint.note.signatures.filter(
    (signature) => signature.name === verifier.name && equalBytes(signature.keyId, keyId),
  );
  if (own.length === 0) {
    throw new VerificationError('CHECKPOINT_INVALID', 'the checkpoint is not signed by the log', {
      found: `signatures by ${checkpoint.note.signatures.map(({ name }) => name).join(', ')}`,
      expected: `a signature by ${verifier.name} with the key id of its trusted key`,
    });
  }
  const message = utf8(checkpoint.note.text);
  if (!own.every(({ signature }) => isSignedByCached(verifier.key, message, signature))) {
    throw new VerificationError('CHECKPOINT_INVALID', "the log's signature on the checkpoint is wrong", {
      expected: `a signature by the trusted key of ${verifier.name}`,
    });
  }
  return checkpoint;
}

/**
 * Checkpoint signatures that held, by key, text and signature: all entries of a batch come with one checkpoint, and an
 * image's signatures are often of one batch. Only successes are kept: forgeries cannot push them out.
 */
const SIGNED = new RecentMap<true>(1024);

function isSignedByCached(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const triple = `${encodeHex(key.id)}${encodeHex(sha256(message))}${encodeHex(signature)}`;
  if (SIGNED.get(triple) === true) return true;
  if (!verifySignature(key, defaultScheme(key.kind), message, signature)) return false;
  SIGNED.set(triple, true);
  return true;
}

/** A checkpoint signed by the log alone. */
export function signCheckpoint(tree: { origin: string; size: bigint; root: Uint8Array }, key: PrivateKey): string {
  const text = `${tree.origin}\n${tree.size}\n${encodeBase64(tree.root)}\n`;
  const keyId = checkpointKeyId(tree.origin, key.publicKey);
  return encodeSignedNote(text, [{ name: tree.origin, keyId, signature: key.sign(utf8(text)) }]);
}

function malformed(found: string, expected: string): FormatError {
  return new FormatError('FORMAT_CHECKPOINT', 'the checkpoint is malformed', { found, expected });
}
