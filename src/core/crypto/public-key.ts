import { createPublicKey, type KeyObject } from 'node:crypto';
import { FormatError } from '../../errors.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodePem, parsePem } from '../encoding/pem.ts';
import { sha256 } from './digest.ts';

export type KeyKind = 'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521' | 'ed25519' | 'rsa';

interface SpkiForm {
  readonly kind: KeyKind;
  readonly bits: number;
  /** Everything before the key itself. */
  readonly prefix: Uint8Array;
  readonly length: number;
}

/**
 * The one SubjectPublicKeyInfo that everybody writes for each kind: a named curve and an uncompressed point (RFC 5480 §2),
 * a bare Ed25519 key (RFC 8410 §4). Compressed points and explicit parameters would give one key several ids. Comparing
 * a prefix costs nothing; exporting the key again to compare would cost three times what loading it does.
 */
const SPKI_FORMS: readonly SpkiForm[] = [
  spkiForm('ecdsa-p256', 256, 64, '3059301306072a8648ce3d020106082a8648ce3d03010703420004'),
  spkiForm('ecdsa-p384', 384, 96, '3076301006072a8648ce3d020106052b8104002203620004'),
  spkiForm('ecdsa-p521', 521, 132, '30819b301006072a8648ce3d020106052b810400230381860004'),
  spkiForm('ed25519', 256, 32, '302a300506032b6570032100'),
];

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
    const spki = Uint8Array.from(der);
    const handle = load({ key: Buffer.from(spki.buffer), format: 'der', type: 'spki' });
    const form = formOf(spki);
    if (form !== undefined) return new PublicKey(spki, handle, form.kind, form.bits);
    const exported = handle.export({ format: 'der', type: 'spki' });
    if (!equalBytes(exported, spki)) throw unusable('an encoding that is not the canonical one');
    return PublicKey.fromHandle(handle, spki);
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
    const encoded = spki ?? Uint8Array.from(handle.export({ format: 'der', type: 'spki' }));
    const form = formOf(encoded);
    if (form !== undefined) return new PublicKey(encoded, handle, form.kind, form.bits);
    const type = handle.asymmetricKeyType ?? 'unknown';
    if (type === 'ec') throw unusable('another curve, a compressed point or explicit parameters');
    if (type !== 'rsa') throw unusable(`a key of type ${type}`);
    const bits = handle.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) throw unusable(`an RSA modulus of ${bits} bits`);
    return new PublicKey(encoded, handle, 'rsa', bits);
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

function spkiForm(kind: KeyKind, bits: number, keyBytes: number, prefixHex: string): SpkiForm {
  const prefix = Buffer.from(prefixHex, 'hex');
  return { kind, bits, prefix, length: prefix.length + keyBytes };
}

function formOf(spki: Uint8Array): SpkiForm | undefined {
  return SPKI_FORMS.find(
    ({ prefix, length }) => spki.length === length && equalBytes(spki.subarray(0, prefix.length), prefix),
  );
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
