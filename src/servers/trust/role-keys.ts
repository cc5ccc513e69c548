import { Key, Signature, type Metadata, type Root, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import type { PrivateKey } from '../../core/crypto/private-key.ts';
import type { PublicKey } from '../../core/crypto/public-key.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { UsageError } from '../../errors.ts';

/** The four top-level roles (TUF §2.1), each with a key of its own. */
export const ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type Role = (typeof ROLES)[number];
export type RoleKeys = Readonly<Record<Role, PrivateKey>>;

type AnyMetadata = Metadata<Root> | Metadata<Snapshot> | Metadata<Targets> | Metadata<Timestamp>;

const ED25519_SPKI_PREFIX = 12;

/**
 * A public key as go-tuf, python-tuf and tuf-js all read it: Ed25519 in hexadecimal, P-256 as PEM.
 *
 * @throws UsageError USAGE_BAD_CONFIG for another kind of key
 */
export function tufKey(key: PublicKey): Key {
  switch (key.kind) {
    case 'ed25519':
      return describe('ed25519', 'ed25519', encodeHex(key.spki.subarray(ED25519_SPKI_PREFIX)));
    case 'ecdsa-p256':
      return describe('ecdsa', 'ecdsa-sha2-nistp256', key.toPem());
    default:
      throw new UsageError('USAGE_BAD_CONFIG', 'no TUF client takes this kind of key', {
        found: key.kind,
        expected: 'ed25519 or ecdsa-p256',
      });
  }
}

/** @param text hexadecimal or PEM: nothing that canonical JSON would escape (it leaves line feeds as they are) */
function describe(keyType: string, scheme: string, text: string): Key {
  const canonical = `{"keytype":"${keyType}","keyval":{"public":"${text}"},"scheme":"${scheme}"}`;
  return new Key({ keyID: encodeHex(sha256(utf8(canonical))), keyType, scheme, keyVal: { public: text } });
}

/** Adds this key's signature, in place of one that it made before (TUF §4.2). */
export function signMetadata(metadata: AnyMetadata, key: PrivateKey): void {
  const { keyID } = tufKey(key.publicKey);
  metadata.sign((canonical) => new Signature({ keyID, sig: encodeHex(key.sign(canonical)) }));
}
