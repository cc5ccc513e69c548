import type { PublicKey } from '../../core/crypto/public-key.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { matcherText, matchesIdentity, type IdentityMatcher } from '../../core/identity/identity-pattern.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { VerificationError } from '../../errors.ts';
import { policiesOf, type SignaturePolicy } from './signature-policy.ts';

/** One of those who are asked for. */
export type DemandedSigner =
  { readonly kind: 'identity'; readonly identity: IdentityMatcher } | { readonly kind: 'key'; readonly key: PublicKey };

/** Everybody who is asked for, in the order asked; nobody where anybody will do. */
export function demandedSigners(policy: SignaturePolicy): readonly DemandedSigner[] {
  return policiesOf(policy).flatMap(({ signer }): readonly DemandedSigner[] => {
    if (signer.kind === 'key') return [{ kind: 'key', key: signer.key }];
    if (signer.kind === 'unsafeSkipIdentity') return [];
    return signer.identities.map((identity) => ({ kind: 'identity', identity }));
  });
}

/** For messages and reports. */
export function demandedSignerText(demanded: DemandedSigner): string {
  if (demanded.kind === 'key') return `key ${encodeHex(demanded.key.id)}`;
  const { subject, issuer, extensions = {} } = demanded.identity;
  const conditions = Object.entries(extensions).map(([name, matcher]) => `, ${name} ${matcherText(matcher)}`);
  return `subject ${matcherText(subject)}, issuer ${matcherText(issuer)}${conditions.join('')}`;
}

/** Those of the demanded signers that a signature is by; several when what is demanded overlaps. */
export function signersMet(policy: SignaturePolicy, { signer }: VerifiedBundle): readonly DemandedSigner[] {
  return demandedSigners(policy).filter((demanded) => {
    if (demanded.kind === 'key') return signer.kind === 'key' && signer.keyId === encodeHex(demanded.key.id);
    if (signer.kind === 'key') return false;
    const { certificate, extensions, issuer } = signer;
    const subjects = certificate.subjectAltNames.map(({ value }) => value);
    return matchesIdentity(demanded.identity, { subjects, issuer, extensions });
  });
}

/**
 * Why signatures that each count are together not enough; undefined when they are. So many of the demanded signers as the
 * policy requires must be met, each by another signer: who fits two of them fills one place, however often they signed.
 *
 * @param bundles those that passed; at least one
 */
export function signerShortfall(
  policy: SignaturePolicy,
  bundles: readonly VerifiedBundle[],
): VerificationError | undefined {
  const { require = 1 } = policy;
  if (require <= 1) return undefined;
  const demanded = demandedSigners(policy);
  const fitting = new Map<string, Set<number>>();
  for (const bundle of bundles) {
    const places = fitting.get(signerKey(bundle)) ?? new Set();
    for (const met of signersMet(policy, bundle)) places.add(demanded.findIndex((one) => sameDemand(one, met)));
    fitting.set(signerKey(bundle), places);
  }
  const filled = filledPlaces([...fitting.values()]);
  if (filled.size >= require) return undefined;
  const missing = demanded.filter((_, index) => !filled.has(index)).map(demandedSignerText);
  const met = demanded.filter((_, index) => filled.has(index)).map(demandedSignerText);
  return new VerificationError('SIGNERS_MISSING', 'not enough of those who must have signed did', {
    found: `${filled.size} of them: ${met.join('; ') || 'none'}`,
    expected: `${require} of the ${demanded.length} demanded, each by another signer; missing: ${missing.join('; ')}`,
    details: { met, missing, require },
  });
}

/** Demanded signers that none of the signatures is by. */
export function missingSigners(policy: SignaturePolicy, bundles: readonly VerifiedBundle[]): readonly DemandedSigner[] {
  const met = bundles.flatMap((bundle) => signersMet(policy, bundle));
  return demandedSigners(policy).filter((demanded) => !met.some((one) => sameDemand(one, demanded)));
}

function sameDemand(one: DemandedSigner, other: DemandedSigner): boolean {
  if (one.kind === 'key') return other.kind === 'key' && one.key === other.key;
  return other.kind === 'identity' && one.identity === other.identity;
}

/**
 * Who signed, as one text. The repository belongs to it: of a workflow that many call, the subject is everybody's
 * (GitHub's `job_workflow_ref`).
 */
function signerKey({ signer }: VerifiedBundle): string {
  if (signer.kind === 'key') return JSON.stringify([signer.keyId]);
  const { sourceRepositoryIdentifier, sourceRepositoryUri } = signer.extensions;
  const names = signer.certificate.subjectAltNames.map(({ value }) => value);
  return JSON.stringify([signer.issuer, names, sourceRepositoryIdentifier ?? sourceRepositoryUri ?? '']);
}

/** The largest set of places that can be filled by different signers: augmenting paths of bipartite matching. */
function filledPlaces(signers: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  const holder = new Map<number, number>();
  const seat = (signer: number, tried: Set<number>): boolean => {
    for (const place of signers[signer] ?? []) {
      if (tried.has(place)) continue;
      tried.add(place);
      const sitting = holder.get(place);
      if (sitting === undefined || seat(sitting, tried)) {
        holder.set(place, signer);
        return true;
      }
    }
    return false;
  };
  for (const signer of signers.keys()) seat(signer, new Set());
  return new Set(holder.keys());
}
