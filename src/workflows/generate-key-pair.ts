import { encryptPrivateKey } from '../core/crypto/encrypted-key.ts';
import { PrivateKey } from '../core/crypto/private-key.ts';
import type { PublicKey } from '../core/crypto/public-key.ts';
import { keyFileNames, writeKeyFiles, type KeyFiles } from '../io/keys/key-files.ts';
import type { PasswordSource } from '../io/keys/password.ts';

export interface GenerateKeyPairRequest {
  /** PREFIX.key and PREFIX.pub are written; cosign's default is `cosign`. */
  readonly prefix: string;
  readonly password: PasswordSource;
  /** Files that are there are replaced. */
  readonly overwrite?: boolean;
  /** ECDSA P-256 when absent. */
  readonly generateKey?: () => PrivateKey;
}

export interface GeneratedKeyPair {
  readonly files: KeyFiles;
  readonly publicKey: PublicKey;
}

/**
 * Makes a key pair as cosign does: the private key encrypted with a password, the public key as PEM.
 *
 * @throws UsageError USAGE_PASSWORD; USAGE_FILE when a file cannot be written or is there already
 */
export async function generateKeyPair(request: GenerateKeyPairRequest): Promise<GeneratedKeyPair> {
  const files = keyFileNames(request.prefix);
  const password = await request.password({ what: `the new private key ${files.privateKey}`, confirm: true });
  const key = request.generateKey?.() ?? PrivateKey.generate('ecdsa-p256');
  const pems = { privateKey: encryptPrivateKey(key, password), publicKey: key.publicKey.toPem() };
  await writeKeyFiles(files, pems, request.overwrite ?? false);
  return { files, publicKey: key.publicKey };
}
