import { createRequire } from 'node:module';
import type * as Edwards from '@noble/curves/abstract/edwards.js';
import type * as Ed25519 from '@noble/curves/ed25519.js';
import type * as Nist from '@noble/curves/nist.js';
import type * as Salsa from '@noble/ciphers/salsa.js';

/**
 * Cryptography in JavaScript, for what OpenSSL does not offer: loaded when it is first needed, because that takes longer
 * than everything else that verifying an ordinary signature does. Synchronously, as a verification is one sequence of steps.
 */
const require = createRequire(import.meta.url);

export const nistCurves = (): typeof Nist => require('@noble/curves/nist.js') as typeof Nist;
export const ed25519Curve = (): typeof Ed25519 => require('@noble/curves/ed25519.js') as typeof Ed25519;
export const edwardsCurves = (): typeof Edwards => require('@noble/curves/abstract/edwards.js') as typeof Edwards;
export const salsaCipher = (): typeof Salsa => require('@noble/ciphers/salsa.js') as typeof Salsa;
