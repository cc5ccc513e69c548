import type { SignatureScheme } from '../../core/crypto/signature.ts';
import type { KeyKind } from '../../core/crypto/public-key.ts';
import { UsageError } from '../../errors.ts';
import type { SigningCredentials } from './signing-credentials.ts';

/** Rekor v1 verifies every envelope so, whatever the key (rekor-tlog.md §4; docs/decisions/0060). */
const TAKEN_BY_V1: Readonly<Record<KeyKind, SignatureScheme>> = {
  'ecdsa-p256': 'ecdsa-sha256',
  'ecdsa-p384': 'ecdsa-sha256',
  'ecdsa-p521': 'ecdsa-sha256',
  ed25519: 'ed25519',
  rsa: 'rsa-pkcs1-sha256',
};

/**
 * The same credentials for signing an envelope: with a log of version 1, in the one way that it takes.
 *
 * @throws UsageError USAGE_BAD_CONFIG where another way was chosen
 */
export function envelopeCredentials(credentials: SigningCredentials): SigningCredentials {
  const { key, scheme, services, isSchemeChosen } = credentials;
  // All of them are of one version.
  const [log] = services.logs;
  const taken = TAKEN_BY_V1[key.kind];
  if (log?.majorApiVersion !== 1 || scheme === taken) return credentials;
  if (isSchemeChosen === true) {
    throw new UsageError('USAGE_BAD_CONFIG', 'logs of version 1 take an envelope by this key in one way only', {
      found: `${scheme}, to be logged at ${log.url}`,
      expected: taken,
      fix: 'leave out --signing-algorithm, or add --no-log',
    });
  }
  return { ...credentials, scheme: taken };
}
