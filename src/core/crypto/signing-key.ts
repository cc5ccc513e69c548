import type { KeyKind, PublicKey } from './public-key.ts';
import type { SignatureScheme } from './signature.ts';

/**
 * A key that signs, wherever its private half is: in memory, or in a service that never gives it away. What such a service
 * can do is to sign a digest, so nothing here hands out the key itself.
 */
export interface SigningKey {
  readonly publicKey: PublicKey;
  readonly kind: KeyKind;
  /** @param scheme one that {@link KeyKind} can make; @returns DER for ECDSA, raw bytes for the others */
  sign(message: Uint8Array, scheme: SignatureScheme): Uint8Array | Promise<Uint8Array>;
  /** Signs a message that arrives in pieces, in constant memory: for schemes with a digest that can grow. */
  startSignature(scheme: SignatureScheme): GrowingSignature;
}

/** A signature over the bytes of a stream. */
export interface GrowingSignature {
  update(bytes: Uint8Array): unknown;
  /** Ends the signature; the object must not be used afterwards. */
  finish(): Uint8Array | Promise<Uint8Array>;
}
