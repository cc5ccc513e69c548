import { createPublicKey, type KeyObject } from 'node:crypto';
import { FormatError } from '../../errors.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodePem, parsePem } from '../encoding/pem.ts';
import { sha256 } from './digest.ts';

export type KeyKind = 'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521' | 'ed25519' | 'rsa';

const CURVE_KINDS: Readonly<Record<string, KeyKind>> = {
  prime256v1: 'ecdsa-p256',
  secp384r1: 'ecdsa-p384',
  secp521r1: 'ecdsa-p521',
};

/** Length of SubjectPublicKeyInfo with a named curve and an uncompressed point, the one form everybody writes. */
const CURVE_SPKI_BYTES: Readonly<Record<string, number>> = { prime256v1: 91, secp384r1: 120, secp521r1: 158 };

const CURVE_BITS: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 };

/** Shorter moduli are refused everywhere (NIST SP 800-131A); longer ones would make verification a denial of service. */
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
const MAX_SPKI_BYTES = 4096;

/** A public key of a kind that Sigstore uses. Immutable; its point or modulus has been checked by OpenSSL. */
export class PublicKey {
  readonly kind: KeyKind;
  /** DER SubjectPublicKeyInfo (RFC 5280 §4.1), exactly as it was given. */
  readonly spki: Uint8Array;
  /** Size of the modulus or of the curve. */
  readonly bits: number;
  /** For this room's use: the key as `node:crypto` wants it. */
  readonly handle: KeyObject;
  #id: Uint8Array | undefined;

  private constructor(spki: Uint8Array, handle: KeyObject, kind: KeyKind, bits: number) {
    this.spki = spki;
    this.handle = handle;
    this.kind = kind;
    this.bits = bits;
  }

  /**
   * @param der SubjectPublicKeyInfo
   * @throws FormatError FORMAT_PUBLIC_KEY when it does not decode, or is of a kind or size that is not accepted
   */
  static fromSpki(der: Uint8Array): PublicKey {
    if (der.length > MAX_SPKI_BYTES) throw unusable(`${der.length} bytes`);
    const handle = load({ key: Buffer.from(der), format: 'der', type: 'spki' });
    const exported = handle.export({ format: 'der', type: 'spki' });
    // One key has one encoding: compressed points, explicit curve parameters and trailing bytes would give it several ids.
    if (!equalBytes(exported, der)) throw unusable('an encoding that is not the canonical one');
    return PublicKey.fromHandle(handle, Uint8Array.from(der));
  }

  /** The deprecated bare RSAPublicKey (RFC 8017 §A.1.1), as one CT log of the staging instance has it. */
  static fromPkcs1(der: Uint8Array): PublicKey {
    if (der.length > MAX_SPKI_BYTES) throw unusable(`${der.length} bytes`);
    return PublicKey.fromHandle(load({ key: Buffer.from(der), format: 'der', type: 'pkcs1' }));
  }

  /** The first PEM block: `PUBLIC KEY`, or `RSA PUBLIC KEY`. */
  static fromPem(text: string): PublicKey {
    const [block] = parsePem(text, 'public key');
    if (block?.label === 'PUBLIC KEY') return PublicKey.fromSpki(block.der);
    if (block?.label === 'RSA PUBLIC KEY') return PublicKey.fromPkcs1(block.der);
    throw unusable(`a PEM block labelled ${block?.label ?? 'nothing'}`);
  }

  /** Wraps a key that `node:crypto` already holds (the public half of a private key). */
  static fromHandle(handle: KeyObject, spki?: Uint8Array): PublicKey {
    const details = handle.asymmetricKeyDetails ?? {};
    const encoded = spki ?? handle.export({ format: 'der', type: 'spki' });
    switch (handle.asymmetricKeyType) {
      case 'ec': {
        const curve = details.namedCurve ?? '';
        const kind = CURVE_KINDS[curve];
        if (kind === undefined) throw unusable(`the curve ${curve}`);
        if (encoded.length !== CURVE_SPKI_BYTES[curve]) throw unusable('a compressed point or explicit parameters');
        return new PublicKey(encoded, handle, kind, CURVE_BITS[curve] ?? 0);
      }
      case 'ed25519':
        return new PublicKey(encoded, handle, 'ed25519', 256);
      case 'rsa': {
        const bits = details.modulusLength ?? 0;
        if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) throw unusable(`an RSA modulus of ${bits} bits`);
        return new PublicKey(encoded, handle, 'rsa', bits);
      }
      default:
        throw unusable(`a key of type ${handle.asymmetricKeyType ?? 'unknown'}`);
    }
  }

  /** SHA-256 of the SubjectPublicKeyInfo: the log id of Rekor v1 and CT logs, the key hint of bundles. 32 bytes. */
  get id(): Uint8Array {
    this.#id ??= sha256(this.spki);
    return this.#id;
  }

  /** The raw 32 bytes of an Ed25519 key, or the uncompressed point of an ECDSA key (SEC 1 §2.3.3). */
  raw(): Uint8Array {
    switch (this.kind) {
      case 'ed25519':
        return this.spki.subarray(this.spki.length - 32);
      case 'ecdsa-p256':
        return this.spki.subarray(this.spki.length - 65);
      case 'ecdsa-p384':
        return this.spki.subarray(this.spki.length - 97);
      case 'ecdsa-p521':
        return this.spki.subarray(this.spki.length - 133);
      case 'rsa':
        throw unusable('an RSA key, which has no raw form');
    }
  }

  equals(other: PublicKey): boolean {
    return equalBytes(this.spki, other.spki);
  }

  toPem(): string {
    return encodePem('PUBLIC KEY', this.spki);
  }
}

function load(input: Parameters<typeof createPublicKey>[0]): KeyObject {
  try {
    return createPublicKey(input);
  } catch (cause) {
    throw unusable('bytes that do not decode to a key', cause);
  }
}

function unusable(found: string, cause?: unknown): FormatError {
  return new FormatError('FORMAT_PUBLIC_KEY', 'the public key cannot be used', {
    found,
    expected: 'ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits',
    ...(cause === undefined ? {} : { cause }),
  });
}
