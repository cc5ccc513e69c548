import { encryptPrivateKey } from '../../core/crypto/encrypted-key.ts';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { UsageError } from '../../errors.ts';
import { createGitlabVariables } from '../../io/keys/gitlab-variables.ts';
import {
  checkNameIsFree,
  isTaken,
  keyFileNames,
  writeKeyFiles,
  writePublicKeyFile,
  type KeyFiles,
} from '../../io/keys/key-files.ts';
import { parseKeyReference } from '../../io/keys/key-reference.ts';
import type { KeySources } from '../../io/keys/key-text.ts';
import type { PasswordSource } from '../../io/keys/password.ts';
import { createPluginKey } from '../../io/keys/plugin-signing-key.ts';
import { openClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { createImmutableSecret } from '../../io/kubernetes/secret.ts';

export interface GenerateKeyPairRequest {
  /** PREFIX.key and PREFIX.pub are written; cosign's default is `cosign`. */
  readonly prefix: string;
  readonly password: PasswordSource;
  /** Files that are there are replaced. */
  readonly overwrite?: boolean;
  /** As cosign, in place of `overwrite`: asked when the private key's file is there; throws to leave everything as it is. */
  readonly confirmOverwrite?: (file: string) => void;
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
  await writeKeyFiles(files, pems, await isOverwriteAllowed(request, files));
  return { files, publicKey: key.publicKey };
}

/** @throws what `confirmOverwrite` throws */
export async function isOverwriteAllowed(
  { overwrite = false, confirmOverwrite }: Pick<GenerateKeyPairRequest, 'overwrite' | 'confirmOverwrite'>,
  { privateKey }: KeyFiles,
): Promise<boolean> {
  if (confirmOverwrite === undefined) return overwrite;
  if (await isTaken(privateKey)) confirmOverwrite(privateKey);
  return true;
}

export interface GenerateKeyPairAtRequest {
  /** `k8s://NAMESPACE/SECRET`, `gitlab://OWNER`, or `NAME://KEY` of a key service. */
  readonly reference: string;
  /** Only PREFIX.pub is written here. */
  readonly prefix: string;
  readonly password: PasswordSource;
  readonly sources: KeySources;
  /** PREFIX.pub is its owner's alone, and replaces one that is there. */
  readonly asCosign?: boolean;
}

/**
 * Makes a key pair whose private half lives elsewhere: in an immutable secret, in CI variables, or in a key service that
 * never gives it away. The public half is written to a file as well.
 *
 * @returns the public half, and its file
 * @throws UsageError USAGE_BAD_FLAG for references that no key can be made at, USAGE_PASSWORD, USAGE_FILE, USAGE_BAD_CONFIG;
 *   NotFoundError; RemoteError
 */
export async function generateKeyPairAt(
  request: GenerateKeyPairAtRequest,
): Promise<{ readonly publicKey: PublicKey; readonly file: string }> {
  const { reference, sources, asCosign = false } = request;
  const parsed = parseKeyReference(reference);
  const file = keyFileNames(request.prefix).publicKey;
  if (!asCosign) await checkNameIsFree(file);
  const fresh = async (): Promise<{ key: PrivateKey; pem: string; password: Uint8Array }> => {
    const password = await request.password({ what: `the new private key ${reference}`, confirm: true });
    const key = PrivateKey.generate('ecdsa-p256');
    return { key, pem: encryptPrivateKey(key, password), password };
  };
  let publicKey: PublicKey;
  switch (parsed.kind) {
    case 'kubernetes': {
      const access = await openClusterAccess(sources.environment);
      const { key, pem, password } = await fresh();
      ({ publicKey } = key);
      await createImmutableSecret(access, parsed, {
        'cosign.key': Buffer.from(pem),
        'cosign.pub': Buffer.from(publicKey.toPem()),
        'cosign.password': password,
      });
      break;
    }
    case 'gitlab': {
      const { key, pem, password } = await fresh();
      ({ publicKey } = key);
      const variables = {
        COSIGN_PASSWORD: Buffer.from(password).toString('utf8'),
        COSIGN_PRIVATE_KEY: pem,
        COSIGN_PUBLIC_KEY: publicKey.toPem(),
      };
      await createGitlabVariables(parsed.owner, variables, sources);
      break;
    }
    case 'plugin':
      publicKey = await createPluginKey({ ...parsed, environment: sources.environment });
      break;
    default:
      throw new UsageError('USAGE_BAD_FLAG', 'no key pair can be made there', {
        found: reference.slice(0, 200),
        expected:
          'k8s://NAMESPACE/SECRET, gitlab://PROJECT, or NAME://KEY of a key service; files by --output-key-prefix',
      });
  }
  await writePublicKeyFile(file, publicKey.toPem(), asCosign);
  return { publicKey, file };
}
