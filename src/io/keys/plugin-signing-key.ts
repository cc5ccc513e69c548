import { RunningDigest, digest, type HashAlgorithm } from '../../core/crypto/digest.ts';
import { PublicKey, type KeyKind } from '../../core/crypto/public-key.ts';
import { hashOf, schemesFor, verifyDigestSignature, type SignatureScheme } from '../../core/crypto/signature.ts';
import type { GrowingSignature, SigningKey } from '../../core/crypto/signing-key.ts';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import { InvariantError, RemoteError, UsageError } from '../../errors.ts';
import { callPlugin, GO_HASHES, NO_RPC_OPTIONS, pluginBytes, type PluginKey } from './plugin-program.ts';

/**
 * A key that stays in its service. Only digests are sent there, so the artifact never leaves, and however large it is, the
 * request is small. Each signature is checked with the public key before it is used.
 */
export class PluginSigningKey implements SigningKey {
  readonly publicKey: PublicKey;
  readonly #key: PluginKey;

  private constructor(key: PluginKey, publicKey: PublicKey) {
    this.#key = key;
    this.publicKey = publicKey;
  }

  /** Asks the service for the public key. @throws UsageError; RemoteError; FormatError FORMAT_PUBLIC_KEY */
  static async open(key: PluginKey): Promise<PluginSigningKey> {
    return new PluginSigningKey(key, await fetchPluginPublicKey(key));
  }

  get kind(): KeyKind {
    return this.publicKey.kind;
  }

  async sign(message: Uint8Array, scheme: SignatureScheme): Promise<Uint8Array> {
    const hash = this.#hash(scheme);
    return this.#signDigest(hash, digest(hash, message), scheme);
  }

  startSignature(scheme: SignatureScheme): GrowingSignature {
    const hash = this.#hash(scheme);
    const running = new RunningDigest(hash);
    return {
      update: (bytes) => running.update(bytes),
      finish: () => this.#signDigest(hash, running.digest(), scheme),
    };
  }

  #hash(scheme: SignatureScheme): HashAlgorithm {
    if (!schemesFor(this.kind).includes(scheme)) {
      throw new InvariantError(`a ${this.kind} key cannot sign with ${scheme}`);
    }
    const hash = hashOf(scheme);
    if (hash !== undefined) return hash;
    throw new UsageError('USAGE_BAD_CONFIG', 'a key service is sent digests, and plain Ed25519 signs none', {
      found: `${scheme} by a key of ${this.#key.name}`,
      expected: 'an ECDSA or RSA key, or a log, for which Ed25519 signs in its pre-hashed form',
    });
  }

  async #signDigest(hash: HashAlgorithm, value: Uint8Array, scheme: SignatureScheme): Promise<Uint8Array> {
    const answer = await callPlugin(this.#key, {
      method: 'signMessage',
      hashFunc: GO_HASHES[hash],
      arguments: {
        signOptions: {
          rpcOptions: NO_RPC_OPTIONS,
          messageOptions: { digest: encodeBase64(value), hashFunc: GO_HASHES[hash] },
        },
      },
    });
    const signature = pluginBytes(this.#key, answer, 'signature');
    if (verifyDigestSignature(this.publicKey, scheme, value, signature)) return signature;
    throw new RemoteError('REMOTE_BODY', `sigstore-kms-${this.#key.name} signed something else`, {
      found: `${signature.length} bytes that are no ${scheme} signature by its own public key`,
      expected: 'a signature over the digest that it was sent',
    });
  }
}

/** @throws UsageError USAGE_BAD_FLAG; RemoteError; FormatError FORMAT_PUBLIC_KEY */
export async function fetchPluginPublicKey(key: PluginKey): Promise<PublicKey> {
  const answer = await callPlugin(key, {
    method: 'publicKey',
    hashFunc: GO_HASHES.sha256,
    arguments: { publicKeyOptions: { rpcOptions: NO_RPC_OPTIONS } },
  });
  return PublicKey.fromPem(Buffer.from(pluginBytes(key, answer, 'publicKeyPEM')).toString('utf8'));
}

/**
 * Has the service make a key of the kind that it prefers (`generate-key-pair --kms`).
 *
 * @returns its public half
 * @throws as {@link fetchPluginPublicKey}
 */
export async function createPluginKey(key: PluginKey): Promise<PublicKey> {
  const hashFunc = GO_HASHES.sha256;
  const preferred = await callPlugin(key, { method: 'defaultAlgorithm', hashFunc, arguments: {} });
  const algorithm = preferred.optionalString('defaultAlgorithm') ?? '';
  const answer = await callPlugin(key, { method: 'createKey', hashFunc, arguments: { algorithm } });
  return PublicKey.fromPem(Buffer.from(pluginBytes(key, answer, 'publicKeyPEM')).toString('utf8'));
}
