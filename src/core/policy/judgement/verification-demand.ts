import type { PublicKey } from '../../crypto/public-key.ts';
import { hashOf, schemesFor, type SignatureScheme } from '../../crypto/signature.ts';
import { encodeHex } from '../../encoding/hex.ts';
import type { TrustedRoot } from '../../trust/trusted-root.ts';
import type { Thresholds } from '../../verify/verification-policy.ts';
import type { KeyHash, SigningAuthority } from '../cluster-image/cluster-image-policy.ts';
import type { EvidenceDemand, VerificationDemand } from './evidence-demand.ts';
import type { PolicyMaterial } from './policy-material.ts';

/** What an authority wants to know about an image. */
export function authorityDemand(authority: SigningAuthority): EvidenceDemand {
  const { source, attestations } = authority;
  return {
    ...(source === undefined ? {} : { source }),
    wantsAttestations: attestations.length > 0,
    ...(standsByItself(authority) ? { standsByItself: true } : {}),
    verification: (material) => verificationDemand(authority, material),
  };
}

function standsByItself(authority: SigningAuthority): boolean {
  const { kind, log, timestamp } = authority;
  return (
    (kind === 'key' || authority.trustRoot !== undefined) &&
    [log, timestamp].every((named) => named === undefined || named.trustRoot !== undefined)
  );
}

/** Any certificate of the webhook's own trusted root, and what cosign asks for beside it. */
export function plainDemand(trustedRoot: TrustedRoot): VerificationDemand {
  return { name: 'certificate', trustedRoot, signer: { kind: 'unsafeSkipIdentity' }, thresholds: {}, concessions: {} };
}

/**
 * What policy-controller asks for (pkg/webhook/validator.go): a certificate needs a log entry unless a timestamp authority
 * is named, or a TrustRoot without a log, under which the certificate has to be valid at the times proven or else now; a key
 * needs a log entry where the authority has a `ctlog`. A timestamp authority that is named has to have stamped; the original
 * lets a key's signature pass without.
 *
 * @throws SealwrightError for a key or TrustRoot that could not be had
 */
export function verificationDemand(authority: SigningAuthority, material: PolicyMaterial): VerificationDemand {
  const trustedRoot = material.trustedRoot(authority);
  const { kind, log, timestamp } = authority;
  const stamped = timestamp === undefined ? {} : { signedTimestamps: 1, logEntries: 0 };
  if (kind === 'key') {
    const key = material.key(authority.key);
    const thresholds = { logEntries: log === undefined ? 0 : 1, observerTimestamps: 0, ...stamped };
    const schemes = keySchemes(key, authority.hash);
    const name = `key ${encodeHex(key.id)} ${authority.hash} ${JSON.stringify(thresholds)}`;
    return { name, trustedRoot, signer: { kind: 'key', key, schemes }, thresholds, concessions: {} };
  }
  const isTimeless = authority.trustRoot !== undefined && log === undefined && timestamp === undefined;
  const thresholds: Partial<Thresholds> = {
    ...(authority.ignoresSct ? { scts: 0 } : {}),
    ...(isTimeless ? { logEntries: 0, observerTimestamps: 0 } : {}),
    ...stamped,
  };
  const concessions = isTimeless ? { unsafeUseCurrentTime: true } : {};
  const rest = JSON.stringify([thresholds, concessions]);
  return {
    name: rest === '[{},{}]' ? 'certificate' : `certificate ${rest}`,
    trustedRoot,
    signer: { kind: 'unsafeSkipIdentity' },
    thresholds,
    concessions,
  };
}

/** SHA-256, the default, stands beside what the kind of key signs with of itself: newer cosign goes by that. */
export function keySchemes(key: PublicKey, hash: KeyHash): readonly SignatureScheme[] {
  const schemes = schemesFor(key.kind).filter((scheme) => !scheme.startsWith('rsa-pss'));
  if (key.kind === 'ed25519') return schemes;
  const [first] = schemes;
  return schemes.filter((scheme) => hashOf(scheme) === hash || (hash === 'sha256' && scheme === first));
}
