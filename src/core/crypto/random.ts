import { randomBytes as nodeRandomBytes } from 'node:crypto';

/** Bytes from the operating system's generator. */
export function randomBytes(count: number): Uint8Array {
  return nodeRandomBytes(count);
}
