import {
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  sign,
  type KeyObject,
  type Sign,
} from 'node:crypto';
import { FormatError, InvariantError } from '../../errors.ts';
import { parsePem } from '../encoding/pem.ts';
import { ed25519Curve } from './internal/pure-ciphers.ts';
import { PublicKey, type KeyKind } from './public-key.ts';
import { defaultScheme, hashOf, schemesFor, signingInput, type SignatureScheme } from './signature.ts';
import type { GrowingSignature, SigningKey } from './signing-key.ts';

const CURVES: Readonly<Partial<Record<KeyKind, string>>> = {
  'ecdsa-p256': 'prime256v1',
  'ecdsa-p384': 'secp384r1',
  'ecdsa-p521': 'secp521r1',
};

const PEM_TYPES: Readonly<Record<string, 'pkcs8' | 'sec1' | 'pkcs1'>> = {
  'PRIVATE KEY': 'pkcs8',
  'EC PRIVATE KEY': 'sec1',
  'RSA PRIVATE KEY': 'pkcs1',
};

/** A private key in memory. Never printed, serialised only on purpose by {@link PrivateKey.toPkcs8}. */
export class PrivateKey implements SigningKey {
  readonly publicKey: PublicKey;
  readonly #handle: KeyObject;

  private constructor(handle: KeyObject) {
    this.#handle = handle;
    this.publicKey = PublicKey.fromHandle(createPublicKey(handle));
  }

  /** @param bits modulus size, for RSA only */
  static generate(kind: KeyKind, bits = 2048): PrivateKey {
    if (kind === 'ed25519') return new PrivateKey(generateKeyPairSync('ed25519').privateKey);
    if (kind === 'rsa') return new PrivateKey(generateKeyPairSync('rsa', { modulusLength: bits }).privateKey);
    const namedCurve = CURVES[kind];
    if (namedCurve === undefined) throw new InvariantError(`no curve for ${kind}`);
    return new PrivateKey(generateKeyPairSync('ec', { namedCurve }).privateKey);
  }

  /** @throws FormatError FORMAT_PRIVATE_KEY */
  static fromPkcs8(der: Uint8Array): PrivateKey {
    return PrivateKey.#load(der, 'pkcs8');
  }

  /** Unencrypted PEM: PKCS#8 (RFC 5958), SEC 1 (RFC 5915) or PKCS#1 (RFC 8017 §A.1.2). */
  static fromPem(text: string): PrivateKey {
    // OpenSSL writes a curve's name in a block of its own in front of a SEC 1 key.
    const block = parsePem(text, 'private key').find(({ label }) => label !== 'EC PARAMETERS');
    const type = PEM_TYPES[block?.label ?? ''];
    if (block === undefined || type === undefined) {
      throw new FormatError('FORMAT_PRIVATE_KEY', 'the PEM block is not an unencrypted private key', {
        found: block?.label ?? 'nothing',
        expected: Object.keys(PEM_TYPES).join(', '),
      });
    }
    return PrivateKey.#load(block.der, type);
  }

  static #load(der: Uint8Array, type: 'pkcs8' | 'sec1' | 'pkcs1'): PrivateKey {
    let handle: KeyObject;
    try {
      handle = createPrivateKey({ key: Buffer.from(der), format: 'der', type });
    } catch {
      // The cause is dropped: OpenSSL's text may describe the key.
      throw new FormatError('FORMAT_PRIVATE_KEY', 'the private key does not decode', { expected: `DER of ${type}` });
    }
    return new PrivateKey(handle);
  }

  get kind(): KeyKind {
    return this.publicKey.kind;
  }

  /** Unencrypted PKCS#8 DER. */
  toPkcs8(): Uint8Array {
    return this.#handle.export({ format: 'der', type: 'pkcs8' });
  }

  /** @returns DER for ECDSA, 64 bytes for Ed25519, the modulus length for RSA */
  sign(message: Uint8Array, scheme: SignatureScheme = defaultScheme(this.kind)): Uint8Array {
    if (!schemesFor(this.kind).includes(scheme))
      throw new InvariantError(`a ${this.kind} key cannot sign with ${scheme}`);
    if (scheme === 'ed25519ph') return this.#signEd25519ph(message);
    return sign(hashOf(scheme) ?? null, message, signingInput(scheme, this.#handle));
  }

  /**
   * Signs a message that arrives in pieces, in constant memory.
   *
   * @param scheme one with a digest that can grow: not Ed25519, in neither form
   */
  startSignature(scheme: SignatureScheme = defaultScheme(this.kind)): RunningSignature {
    const hash = hashOf(scheme);
    if (hash === undefined || this.kind === 'ed25519' || !schemesFor(this.kind).includes(scheme)) {
      throw new InvariantError(`a ${this.kind} key cannot sign a stream with ${scheme}`);
    }
    return new RunningSignature(createSign(hash), signingInput(scheme, this.#handle));
  }

  #signEd25519ph(message: Uint8Array): Uint8Array {
    // RFC 8410 §7: the seed is the last 32 bytes of the PKCS#8 encoding.
    const pkcs8 = this.toPkcs8();
    return ed25519Curve().ed25519ph.sign(message, pkcs8.subarray(pkcs8.length - 32));
  }
}

/** A signature that grows with the bytes of a stream. */
export class RunningSignature implements GrowingSignature {
  readonly #sign: Sign;
  readonly #input: ReturnType<typeof signingInput>;

  constructor(sign: Sign, input: ReturnType<typeof signingInput>) {
    this.#sign = sign;
    this.#input = input;
  }

  update(bytes: Uint8Array): this {
    this.#sign.update(bytes);
    return this;
  }

  /** Ends the signature; the object must not be used afterwards. */
  finish(): Uint8Array {
    return this.#sign.sign(this.#input);
  }
}
