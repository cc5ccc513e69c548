import { sha256 } from '../crypto/digest.ts';
import type { PrivateKey } from '../crypto/private-key.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { verifySignature } from '../crypto/signature.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { concatBytes, equalBytes, utf8 } from '../encoding/bytes.ts';
import { TlsReader, tlsUint64, tlsVector } from '../encoding/tls.ts';
import { VerificationError } from '../../errors.ts';
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { encodeSignedNote } from './signed-note.ts';

/** A CT log's checkpoint, with what its RFC 6962 signature says beyond the note's text. */
export interface CtCheckpoint extends Checkpoint {
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint;
  /** DigitallySigned over the TreeHeadSignature (RFC 6962 §3.5), as `get-sth` gives it. */
  readonly treeHeadSignature: Uint8Array;
}

/** Type of an RFC 6962 tree head signature in a note's key id (C2SP signed-note). */
const TREE_HEAD_TYPE = 0x05;
const VERSION_1 = 0;
const TREE_HASH = 1;
/** sha256 and ecdsa of RFC 5246 §7.4.1.4.1. */
const SHA256_ECDSA = Uint8Array.of(4, 3);

/** A checkpoint whose signature is an RFC 6962 tree head (C2SP static-ct-api). `key` is P-256. */
export function signTreeHead(
  tree: { origin: string; size: bigint; root: Uint8Array; timestamp: bigint },
  key: PrivateKey,
): string {
  const signed = key.sign(treeHeadData(tree), 'ecdsa-sha256');
  const signature = concatBytes(tlsUint64(tree.timestamp), SHA256_ECDSA, tlsVector(2, signed));
  return encodeSignedNote(`${tree.origin}\n${tree.size}\n${encodeBase64(tree.root)}\n`, [
    { name: tree.origin, keyId: treeHeadKeyId(tree.origin, key.publicKey), signature },
  ]);
}

/** @throws VerificationError CHECKPOINT_INVALID; FormatError FORMAT_CHECKPOINT */
export function verifyTreeHead(
  text: string,
  verifier: { readonly name: string; readonly key: PublicKey },
): CtCheckpoint {
  const checkpoint = parseCheckpoint(text);
  const keyId = treeHeadKeyId(verifier.name, verifier.key);
  const [own, ...others] = checkpoint.note.signatures.filter(
    (signature) => signature.name === verifier.name && equalBytes(signature.keyId, keyId),
  );
  if (own === undefined || others.length > 0 || checkpoint.origin !== verifier.name) {
    throw invalid(`signatures by ${checkpoint.note.signatures.map(({ name }) => name).join(', ')}`, verifier.name);
  }
  const reader = new TlsReader(own.signature, 'the tree head signature', 'FORMAT_CHECKPOINT');
  const timestamp = reader.uint64();
  const treeHeadSignature = own.signature.subarray(8);
  const algorithms = reader.take(2);
  const signature = reader.vector(2);
  reader.end();
  const data = treeHeadData({ ...checkpoint, timestamp });
  if (!equalBytes(algorithms, SHA256_ECDSA) || !verifySignature(verifier.key, 'ecdsa-sha256', data, signature)) {
    throw invalid('a tree head signature that does not verify', verifier.name);
  }
  return { ...checkpoint, timestamp, treeHeadSignature };
}

/** TreeHeadSignature (RFC 6962 §3.5). */
function treeHeadData(tree: { size: bigint; root: Uint8Array; timestamp: bigint }): Uint8Array {
  return concatBytes(Uint8Array.of(VERSION_1, TREE_HASH), tlsUint64(tree.timestamp), tlsUint64(tree.size), tree.root);
}

function treeHeadKeyId(origin: string, key: PublicKey): Uint8Array {
  return sha256(utf8(`${origin}\n`), Uint8Array.of(TREE_HEAD_TYPE), key.id).subarray(0, 4);
}

function invalid(found: string, name: string): VerificationError {
  return new VerificationError('CHECKPOINT_INVALID', 'the checkpoint is not signed by the CT log', {
    found,
    expected: `one RFC 6962 tree head signature by ${name}`,
  });
}
