import { constants, publicEncrypt } from 'node:crypto';
import { concatBytes, equalBytes } from '../encoding/bytes.ts';
import { digest, DIGEST_LENGTHS, type HashAlgorithm } from './digest.ts';
import type { PublicKey } from './public-key.ts';

const TRAILER = 0xbc;

/**
 * RSASSA-PSS verification over a digest (RFC 8017 §9.1.2), which `node:crypto` cannot do: the bare public-key operation,
 * then the encoding undone by its formula. MGF1 with the same hash, a salt as long as the digest, and no other.
 *
 * @param hashed as many bytes as `hash` yields, which the caller has checked
 */
export function verifyPssDigest(
  key: PublicKey,
  hash: HashAlgorithm,
  hashed: Uint8Array,
  signature: Uint8Array,
): boolean {
  const length = Math.ceil(key.bits / 8);
  if (signature.length !== length) return false;
  const encoded = openRaw(key, signature);
  if (encoded?.length !== length) return false;
  // An encoded message has one bit less than the modulus: a whole byte less when that is where a byte begins (step 1).
  const emBits = key.bits - 1;
  const message = encoded.subarray(length - Math.ceil(emBits / 8));
  if (message.length < length && encoded[0] !== 0) return false;
  const hashLength = DIGEST_LENGTHS[hash];
  const blockLength = message.length - hashLength - 1;
  const paddingLength = blockLength - hashLength - 1;
  if (paddingLength < 0 || message[message.length - 1] !== TRAILER) return false;
  const masked = message.subarray(0, blockLength);
  const h = message.subarray(blockLength, blockLength + hashLength);
  const topMask = 0xff >> (8 * message.length - emBits);
  const [top = 0] = masked;
  if ((top & ~topMask) !== 0) return false;
  const mask = generateMask(hash, h, blockLength);
  const block = masked.map((byte, index) => byte ^ (mask[index] ?? 0));
  block[0] = (block[0] ?? 0) & topMask;
  if (block.subarray(0, paddingLength).some((byte) => byte !== 0) || block[paddingLength] !== 1) return false;
  const salt = block.subarray(paddingLength + 1);
  return equalBytes(digest(hash, concatBytes(new Uint8Array(8), hashed, salt)), h);
}

/** MGF1 (RFC 8017 §B.2.1). */
function generateMask(hash: HashAlgorithm, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 0; blocks.length * DIGEST_LENGTHS[hash] < length; counter++) {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(counter);
    blocks.push(digest(hash, seed, octets));
  }
  return concatBytes(...blocks).subarray(0, length);
}

function openRaw(key: PublicKey, signature: Uint8Array): Uint8Array | undefined {
  try {
    return publicEncrypt({ key: key.handle, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    // A number that is not below the modulus.
    return undefined;
  }
}
