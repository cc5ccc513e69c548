import { digest } from './digest.ts';
import { ed25519Curve, edwardsCurves } from './internal/pure-ciphers.ts';

/** dom2(1, "") of RFC 8032 §5.1: pre-hashed, with an empty context. */
const DOMAIN = Buffer.concat([Buffer.from('SigEd25519 no Ed25519 collisions'), Buffer.of(1, 0)]);

type Verifier = ReturnType<ReturnType<typeof edwardsCurves>['eddsa']>;
let verifier: Verifier | undefined;

/** Ed25519ph without its hashing: what it verifies over is the digest already. RFC 8032's equation, not ZIP 215's. */
function preHashed(): Verifier {
  verifier ??= edwardsCurves().eddsa(
    ed25519Curve().ed25519.Point,
    (message: Uint8Array) => Uint8Array.from(digest('sha512', message)),
    { domain: (data: Uint8Array) => Uint8Array.from(Buffer.concat([DOMAIN, data])), zip215: false },
  );
  return verifier;
}

/**
 * @param publicKey 32 bytes
 * @param sha512    64 bytes: the digest of the message
 */
export function verifyEd25519phDigest(publicKey: Uint8Array, sha512: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || sha512.length !== 64) return false;
  try {
    return preHashed().verify(signature, sha512, publicKey);
  } catch {
    return false;
  }
}
