import { encryptPrivateKey, isEncryptedPrivateKey } from '../../core/crypto/encrypted-key.ts';
import { checkKeyQuality } from '../../core/crypto/key-quality.ts';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { UsageError } from '../../errors.ts';
import { keyFileNames, writeKeyFiles } from '../../io/keys/key-files.ts';
import { readKeyFile } from '../../io/keys/key-text.ts';
import type { PasswordSource } from '../../io/keys/password.ts';
import { isOverwriteAllowed, type GeneratedKeyPair, type GenerateKeyPairRequest } from './generate-key-pair.ts';

export interface ImportKeyPairRequest extends Pick<GenerateKeyPairRequest, 'overwrite' | 'confirmOverwrite'> {
  /** A file with a PEM private key: PKCS#1, SEC 1 or PKCS#8, unencrypted. */
  readonly path: string;
  /** PREFIX.key and PREFIX.pub are written. */
  readonly prefix: string;
  readonly password: PasswordSource;
  /** Takes a file that anybody on this machine may write. */
  readonly allowWorldWritable?: boolean;
}

/**
 * Takes over a key that another program made: checked for what would make it unfit, then encrypted like one of our own.
 *
 * @throws UsageError USAGE_FILE, USAGE_PASSWORD, USAGE_BAD_FLAG for a key that is encrypted already; FormatError
 *   FORMAT_PEM, FORMAT_PRIVATE_KEY, FORMAT_PUBLIC_KEY; LimitError
 */
export async function importKeyPair(request: ImportKeyPairRequest): Promise<GeneratedKeyPair> {
  const { path } = request;
  const pem = parseUtf8(await readKeyFile(path, request), 'FORMAT_PEM', `the key file ${path}`);
  if (isEncryptedPrivateKey(pem)) throw alreadyEncrypted(`a key of cosign's own format in ${path}`, `--key ${path}`);
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw alreadyEncrypted('a key under a password of its own', `openssl pkey -in ${path} -out decrypted.pem`);
  }
  const key = PrivateKey.fromPem(pem);
  checkKeyQuality(key);
  const files = keyFileNames(request.prefix);
  const password = await request.password({ what: `the imported private key ${files.privateKey}`, confirm: true });
  const pems = { privateKey: encryptPrivateKey(key, password), publicKey: key.publicKey.toPem() };
  await writeKeyFiles(files, pems, await isOverwriteAllowed(request, files));
  return { files, publicKey: key.publicKey };
}

function alreadyEncrypted(found: string, fix: string): UsageError {
  return new UsageError('USAGE_BAD_FLAG', 'the key to import is encrypted', {
    found,
    expected: 'an unencrypted PEM key: PKCS#1, SEC 1 or PKCS#8',
    fix,
  });
}
