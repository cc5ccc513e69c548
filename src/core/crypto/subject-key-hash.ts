import { createHash } from 'node:crypto';
import type { PublicKey } from './public-key.ts';

/**
 * SHA-1 of the bits of subjectPublicKey (RFC 5280 §4.2.1.2, method 1), 20 bytes. A label by which certificates name each
 * other's keys; nothing is ever decided by it, which is why SHA-1 may stand here and nowhere else.
 */
export function subjectKeyHash(key: PublicKey): Uint8Array {
  const bits = key.kind === 'rsa' ? rsaPublicKey(key) : key.raw();
  return createHash('sha1').update(bits).digest();
}

function rsaPublicKey(key: PublicKey): Uint8Array {
  return key.handle.export({ format: 'der', type: 'pkcs1' });
}
