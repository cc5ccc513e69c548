import { encodeBase64, parseBase64 } from '../encoding/base64.ts';
import { concatBytes, utf8 } from '../encoding/bytes.ts';
import { sha256 } from '../crypto/digest.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { FormatError, InvariantError } from '../../errors.ts';

/** One signature line: unverified, and possibly by a key that nobody knows. */
export interface NoteSignature {
  readonly name: string;
  /** First four bytes of the key's hash. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** Text and signatures of a C2SP signed note; nothing in it is verified. */
export interface SignedNote {
  /** The signed text, final line feed included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const MAX_NOTE_CHARACTERS = 1 << 20;
const MAX_SIGNATURES = 64;
const KEY_ID_LENGTH = 4;
const ED25519_TYPE = 0x01;
const RSA_TYPE = 'PKIX-RSA-PKCS#1v1.5';

/** Every control character but the line feed is barred from notes. */
const CONTROL = /[^\P{Cc}\n]/u;
const SIGNATURE_LINE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;

/** @throws FormatError FORMAT_CHECKPOINT: notes appear as checkpoints only */
export function parseSignedNote(note: string): SignedNote {
  if (note.length > MAX_NOTE_CHARACTERS) throw malformed(`${note.length} characters`, `at most ${MAX_NOTE_CHARACTERS}`);
  if (CONTROL.test(note)) throw malformed('a control character', 'line feeds only');
  // The text may hold empty lines itself, so the signatures start behind the last one.
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw malformed('no signature block', 'text, an empty line, signature lines');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed(`${lines.length} signatures`, `at most ${MAX_SIGNATURES}`);
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const match = SIGNATURE_LINE.exec(line);
  const [, name = '', encoded = ''] = match ?? [];
  if (match === null) throw malformed('a line that is not a signature', '"\u2014 name base64"');
  const bytes = parseBase64(encoded, 'note signature');
  if (bytes.length <= KEY_ID_LENGTH)
    throw malformed('a signature that is too short', 'four bytes of key id, then a signature');
  return { name, keyId: bytes.subarray(0, KEY_ID_LENGTH), signature: bytes.subarray(KEY_ID_LENGTH) };
}

/** @param text ends in a line feed */
export function encodeSignedNote(text: string, signatures: readonly NoteSignature[]): string {
  if (!text.endsWith('\n') || CONTROL.test(text)) throw new InvariantError('a note must end in a line feed');
  const lines = signatures.map(
    ({ name, keyId, signature }) => `\u2014 ${name} ${encodeBase64(concatBytes(keyId, signature))}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/**
 * The untruncated hash by which notes name a key (C2SP signed-note, with Sigstore's use of ECDSA and RSA). Rekor v2's log
 * id is all of it.
 *
 * @returns 32 bytes
 */
export function noteKeyHash(name: string, key: PublicKey): Uint8Array {
  switch (key.kind) {
    case 'ed25519':
      return sha256(utf8(`${name}\n`), Uint8Array.of(ED25519_TYPE), key.raw());
    case 'rsa':
      return sha256(utf8(`${name}\n`), Uint8Array.of(0xff), utf8(RSA_TYPE), key.spki);
    default:
      return key.id;
  }
}

/** The four bytes that stand in a signature line. */
export function checkpointKeyId(name: string, key: PublicKey): Uint8Array {
  return noteKeyHash(name, key).subarray(0, KEY_ID_LENGTH);
}

function malformed(found: string, expected: string): FormatError {
  return new FormatError('FORMAT_CHECKPOINT', 'the signed note is malformed', { found, expected });
}
