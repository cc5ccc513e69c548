import { readFile } from 'node:fs/promises';
import { decryptPrivateKey, isEncryptedPrivateKey } from '../../core/crypto/encrypted-key.ts';
import { PrivateKey } from '../../core/crypto/private-key.ts';
import { PublicKey } from '../../core/crypto/public-key.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { LimitError, UsageError } from '../../errors.ts';
import { systemCode } from '../files/system-code.ts';
import type { PasswordSource } from './password.ts';

/** Where keys come from: a path, or `env://NAME`. */
export interface KeyReferenceOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const MAX_KEY_BYTES = 64 << 10;

/**
 * The private key that a reference names (`--key`).
 *
 * @param password asked only when the key is encrypted
 * @throws UsageError USAGE_BAD_FLAG for kinds of reference that are not supported, USAGE_FILE, USAGE_PASSWORD; FormatError
 *   FORMAT_PRIVATE_KEY or FORMAT_PEM; LimitError
 */
export async function loadPrivateKey(
  reference: string,
  options: KeyReferenceOptions & { readonly password: PasswordSource },
): Promise<PrivateKey> {
  const pem = await readKeyText(reference, options);
  if (!isEncryptedPrivateKey(pem)) return PrivateKey.fromPem(pem);
  return decryptPrivateKey(pem, await options.password({ what: `the private key ${reference}`, confirm: false }));
}

/**
 * The public key that a reference names: a PEM public key, or the key of a PEM certificate.
 *
 * @throws UsageError USAGE_BAD_FLAG, USAGE_FILE; FormatError FORMAT_PUBLIC_KEY, FORMAT_CERTIFICATE or FORMAT_PEM; LimitError
 */
export async function loadPublicKey(reference: string, options: KeyReferenceOptions): Promise<PublicKey> {
  const pem = await readKeyText(reference, options);
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

async function readKeyText(reference: string, { environment }: KeyReferenceOptions): Promise<string> {
  const [, scheme, rest = ''] = /^([a-z0-9+.-]+):\/\/(.*)$/is.exec(reference) ?? [];
  if (scheme === 'env') return fromEnvironment(rest, environment);
  if (scheme !== undefined || reference.startsWith('pkcs11:')) {
    throw new UsageError('USAGE_BAD_FLAG', 'keys of this kind are not supported', {
      found: `${scheme ?? 'pkcs11'}: reference`,
      expected: 'a path, or env://NAME',
    });
  }
  const bytes = await readKeyFile(reference);
  if (bytes.length <= MAX_KEY_BYTES) return parseUtf8(bytes, 'FORMAT_PEM', `the key file ${reference}`);
  throw new LimitError('LIMIT_SIZE', 'the key file is too large', {
    found: `${bytes.length} bytes`,
    expected: `at most ${MAX_KEY_BYTES}`,
  });
}

function fromEnvironment(name: string, environment: KeyReferenceOptions['environment']): string {
  const value = environment[name];
  if (value !== undefined && value !== '') return value;
  throw new UsageError('USAGE_FILE', `the environment variable ${name} holds no key`, {
    found: value === undefined ? 'no such variable' : 'an empty value',
    expected: 'a PEM text',
  });
}

async function readKeyFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UsageError('USAGE_FILE', `the key file ${path} cannot be read`, { found: systemCode(cause), cause });
  }
}
