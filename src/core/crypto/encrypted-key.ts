import { scryptSync } from 'node:crypto';
import { FormatError, UsageError } from '../../errors.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { encodePem, parsePem } from '../encoding/pem.ts';
import { salsaCipher } from './internal/pure-ciphers.ts';
import { PrivateKey } from './private-key.ts';
import { randomBytes } from './random.ts';

const PEM_LABEL = 'ENCRYPTED SIGSTORE PRIVATE KEY';
const READ_LABELS = [PEM_LABEL, 'ENCRYPTED COSIGN PRIVATE KEY'];
const SCRYPT = { N: 65536, r: 8, p: 1 };
/** Costs that cosign has written over time. Others are refused: a hostile file must not choose our memory use. */
const READ_COSTS: readonly number[] = [32768, 65536, 131072];
const SALT_BYTES = 32;
const NONCE_BYTES = 24;

/** Whether a PEM text is a key that {@link decryptPrivateKey} reads. */
export function isEncryptedPrivateKey(pem: string): boolean {
  return READ_LABELS.some((label) => pem.includes(`-----BEGIN ${label}-----`));
}

/** cosign's key file: scrypt, then NaCl secretbox over PKCS#8, as JSON in PEM. */
export function encryptPrivateKey(key: PrivateKey, password: Uint8Array): string {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const secret = deriveKey(password, salt, SCRYPT.N);
  const ciphertext = salsaCipher().xsalsa20poly1305(secret, nonce).encrypt(key.toPkcs8());
  const document = {
    kdf: { name: 'scrypt', params: SCRYPT, salt: encodeBase64(salt) },
    cipher: { name: 'nacl/secretbox', nonce: encodeBase64(nonce) },
    ciphertext: encodeBase64(ciphertext),
  };
  return encodePem(PEM_LABEL, utf8(JSON.stringify(document)));
}

/**
 * @throws UsageError USAGE_PASSWORD when the password is wrong (or the ciphertext was changed: secretbox cannot tell)
 * @throws FormatError FORMAT_PRIVATE_KEY when the file is not of this format, or asks for unsupported parameters
 */
export function decryptPrivateKey(pem: string, password: Uint8Array): PrivateKey {
  const [block] = parsePem(pem, 'encrypted private key');
  if (block === undefined || !READ_LABELS.includes(block.label)) {
    throw unsupported(block?.label ?? 'nothing', READ_LABELS.join(' or '));
  }
  const fields = new JsonFields(
    parseJson(block.der, 'encrypted private key', 'FORMAT_PRIVATE_KEY', { maxBytes: 65536, maxDepth: 4 }),
    'key',
    'FORMAT_PRIVATE_KEY',
  );
  const kdf = fields.object('kdf');
  const params = kdf.object('params');
  const cipher = fields.object('cipher');
  const cost = params.integer('N');
  if (
    kdf.string('name') !== 'scrypt' ||
    params.integer('r') !== 8 ||
    params.integer('p') !== 1 ||
    !READ_COSTS.includes(cost)
  ) {
    throw unsupported(`${kdf.string('name')} with N=${cost}`, 'scrypt with N of 32768, 65536 or 131072, r=8, p=1');
  }
  const nonce = cipher.bytes('nonce');
  if (cipher.string('name') !== 'nacl/secretbox' || nonce.length !== NONCE_BYTES) {
    throw unsupported(cipher.string('name'), 'nacl/secretbox with a nonce of 24 bytes');
  }
  const secret = deriveKey(password, kdf.bytes('salt'), cost);
  return PrivateKey.fromPkcs8(openBox(secret, nonce, fields.bytes('ciphertext')));
}

function openBox(secret: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  try {
    return salsaCipher().xsalsa20poly1305(secret, nonce).decrypt(ciphertext);
  } catch {
    throw new UsageError('USAGE_PASSWORD', 'the private key does not open', {
      found: 'a wrong password, or a damaged key file',
      expected: 'the password the key was made with',
      fix: 'set COSIGN_PASSWORD to the password of this key',
    });
  }
}

function deriveKey(password: Uint8Array, salt: Uint8Array, cost: number): Uint8Array {
  // Node's default memory limit is below what these parameters need: 128·N·r bytes, and as much again to be safe.
  return scryptSync(password, salt, 32, { N: cost, r: SCRYPT.r, p: SCRYPT.p, maxmem: 256 * cost * SCRYPT.r });
}

function unsupported(found: string, expected: string): FormatError {
  return new FormatError('FORMAT_PRIVATE_KEY', 'the encrypted private key uses something unsupported', {
    found,
    expected,
  });
}
