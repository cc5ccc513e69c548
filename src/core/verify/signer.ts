import type { UnverifiedBundle } from '../bundle/bundle.ts';
import type { PublicKey } from '../crypto/public-key.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { matchIdentity, type MatchedIdentity } from '../identity/identity-pattern.ts';
import type { Certificate } from '../pki/certificate.ts';
import { readFulcioExtensions } from '../pki/fulcio-extensions.ts';
import type { TrustedRoot } from '../trust/trusted-root.ts';
import { windowContains, windowText, type ValidityWindow } from '../trust/validity-window.ts';
import { InvariantError, VerificationError } from '../../errors.ts';
import { checkLeafValidity, verifyCertificatePath } from './certificate-path.ts';
import { verifyScts } from './certificate-transparency.ts';
import type { CheckList } from './check-list.ts';
import type { VerifiedSigner } from './internal/sealed-bundle.ts';
import type { ProvenEntry } from './log-entries.ts';
import { logTime, type VerifiedTime } from './trusted-times.ts';
import type { SignerPolicy, VerificationPolicy } from './verification-policy.ts';

/**
 * The key to verify with: the policy's own, or the one in the bundle's certificate, which only a later step trusts. A
 * bundle of the other kind is refused, never reinterpreted.
 *
 * @throws VerificationError KEY_MISMATCH
 */
export function signingKey({ material, version }: UnverifiedBundle, signer: SignerPolicy): PublicKey {
  if (signer.kind === 'key') {
    if (material.kind === 'publicKey') return signer.key;
    // Before bundles, a certificate for somebody's own key lay beside its signatures, and the key sufficed to verify them.
    if (version === undefined && equalBytes(material.certificate.publicKey.id, signer.key.id)) return signer.key;
    throw new VerificationError('KEY_MISMATCH', 'the bundle was signed with a certificate, not with the key given', {
      found: 'a certificate',
      expected: `the key ${encodeHex(signer.key.id)}`,
      fix: 'verify with --certificate-identity and --certificate-oidc-issuer instead of --key',
    });
  }
  if (material.kind === 'certificate') return material.certificate.publicKey;
  throw new VerificationError('KEY_MISMATCH', 'the bundle was signed with a key, and no key is given', {
    found: `a key${material.hint === '' ? '' : ` with the hint ${material.hint}`}`,
    expected: 'a certificate that names its holder',
    fix: 'verify with --key',
  });
}

/**
 * Why a signature does not hold under the caller's key, where the bundle's hint tells: it names another key by its id.
 * Consulted after the failure only, for nobody has signed the hint.
 */
export function explainKeyFailure(error: unknown, { material }: UnverifiedBundle, key: PublicKey): unknown {
  if (!(error instanceof VerificationError) || error.code !== 'SIGNATURE_INVALID') return error;
  const own = encodeBase64(key.id);
  if (material.kind !== 'publicKey' || material.hint.length !== own.length || material.hint === own) return error;
  return new VerificationError('KEY_MISMATCH', 'the signature was made with another key', {
    found: `key hint ${material.hint}`,
    expected: own,
    cause: error,
  });
}

export interface SignerInput {
  readonly bundle: UnverifiedBundle;
  readonly key: PublicKey;
  readonly times: readonly VerifiedTime[];
  readonly entries: readonly ProvenEntry[];
  readonly trustedRoot: TrustedRoot;
  readonly policy: VerificationPolicy;
}

/** @throws VerificationError CERTIFICATE_*, SCT_*, IDENTITY_MISMATCH or KEY_TIME; FormatError FORMAT_SCT or FORMAT_CERTIFICATE */
export function verifySigner(
  input: SignerInput,
  checks: CheckList,
): { readonly signer: VerifiedSigner; readonly identity: MatchedIdentity | undefined } {
  const { material } = input.bundle;
  const { signer } = input.policy;
  if (material.kind === 'certificate' && signer.kind !== 'key') return verifyCertificate(input, material, checks);
  if (signer.kind !== 'key') throw new InvariantError('a bundle signed with a key got past a policy without one');
  if (signer.validFor !== undefined) checkKeyWindow(signer.validFor, input.times);
  checks.key(input.key);
  return { signer: { kind: 'key', keyId: encodeHex(input.key.id) }, identity: undefined };
}

function verifyCertificate(
  { times, entries, trustedRoot, policy }: SignerInput,
  material: UnverifiedBundle['material'] & { kind: 'certificate' },
  checks: CheckList,
): { readonly signer: VerifiedSigner; readonly identity: MatchedIdentity | undefined } {
  const { certificate, intermediates } = material;
  checkClaimedTimes(certificate, entries);
  const path = verifyCertificatePath(certificate, intermediates, trustedRoot.certificateAuthorities, times);
  checks.certificateChain(path, times);

  const [, issuer] = path;
  if (issuer === undefined) throw new InvariantError('a certificate path without an issuer');
  const { scts: threshold } = policy.thresholds;
  checks.scts(
    threshold === 0 ? [] : verifyScts(certificate, issuer, trustedRoot.ctlogs, threshold, material.scts),
    threshold,
  );

  const extensions = readFulcioExtensions(certificate);
  const subjects = certificate.subjectAltNames.map(({ value }) => value);
  const identity =
    policy.signer.kind === 'identities'
      ? matchIdentity(policy.signer.identities, { subjects, issuer: extensions.issuer, extensions })
      : undefined;
  checks.identity(identity);
  const subject = identity?.subject ?? subjects[0] ?? '';
  return {
    signer: {
      kind: 'certificate',
      certificate,
      authorities: path.slice(1),
      subject,
      issuer: extensions.issuer ?? '',
      extensions,
    },
    identity,
  };
}

/** A time that no promise covers is nobody's word, and still must not contradict the certificate. */
function checkClaimedTimes(certificate: Certificate, entries: readonly ProvenEntry[]): void {
  for (const { api, entry, log, promisedTime } of entries) {
    if (api === 'rekor-v2' || promisedTime !== undefined || entry.integratedTime === 0n) continue;
    const time = new Date(Number(entry.integratedTime) * 1000);
    checkLeafValidity(certificate, logTime(log, time));
  }
}

function checkKeyWindow(validFor: ValidityWindow, times: readonly VerifiedTime[]): void {
  const outside = times.find(({ time }) => !windowContains(validFor, time));
  if (outside === undefined) return;
  throw new VerificationError('KEY_TIME', 'the key was not believed at the time of signing', {
    found: `${outside.time.toISOString()}, by ${outside.authority}`,
    expected: `a time from ${windowText(validFor)}`,
  });
}
