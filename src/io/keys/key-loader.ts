import { decryptPrivateKey, isEncryptedPrivateKey } from '../../core/crypto/encrypted-key.ts';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import { PublicKey } from '../../core/crypto/public-key.ts';
import type { SigningKey } from '../../core/crypto/signing-key.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { UsageError } from '../../errors.ts';
import { parseKeyReference } from './key-reference.ts';
import { readKeyText, type KeySources } from './key-text.ts';
import type { PasswordSource } from './password.ts';

/**
 * The key to sign with that a reference names (`--key`): in memory, or behind a key service's program.
 *
 * @param sources `password` is asked only when the key is encrypted and its password is not kept beside it
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE, USAGE_PASSWORD, USAGE_BAD_CONFIG; NotFoundError; RemoteError; FormatError
 *   FORMAT_PRIVATE_KEY, FORMAT_PUBLIC_KEY or FORMAT_PEM; LimitError
 */
export async function loadSigningKey(
  reference: string,
  sources: KeySources & { readonly password: PasswordSource },
): Promise<SigningKey> {
  const parsed = parseKeyReference(reference);
  if (parsed.kind === 'plugin') {
    const { PluginSigningKey } = await import('./plugin-signing-key.ts');
    return PluginSigningKey.open({ ...parsed, environment: sources.environment });
  }
  const { pem, password } = await readKeyText(parsed, 'private', sources);
  if (!isEncryptedPrivateKey(pem)) return PrivateKey.fromPem(pem);
  const asked = { what: `the private key ${reference}`, confirm: false };
  return decryptPrivateKey(pem, password ?? (await sources.password(asked)));
}

/**
 * The public key that a reference names: a PEM public key, the key of a PEM certificate, or what a key service says.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE, USAGE_BAD_CONFIG; NotFoundError; RemoteError; FormatError FORMAT_PUBLIC_KEY,
 *   FORMAT_CERTIFICATE or FORMAT_PEM; LimitError
 */
export async function loadPublicKey(reference: string, sources: KeySources): Promise<PublicKey> {
  const parsed = parseKeyReference(reference);
  if (parsed.kind === 'plugin') {
    const { fetchPluginPublicKey } = await import('./plugin-signing-key.ts');
    return fetchPluginPublicKey({ ...parsed, environment: sources.environment });
  }
  const { pem } = await readKeyText(parsed, 'public', sources);
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return Certificate.fromPem(pem).publicKey;
  if (isEncryptedPrivateKey(pem) || pem.includes('PRIVATE KEY-----')) {
    throw new UsageError('USAGE_BAD_FLAG', 'a private key was given where a public key verifies', {
      found: `${reference} holds a private key`,
      expected: 'the public key, which anybody may have',
      fix: `--key ${reference.replace(/\.key$/, '.pub')}`,
    });
  }
  return PublicKey.fromPem(pem);
}
