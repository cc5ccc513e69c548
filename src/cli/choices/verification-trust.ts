import type { HttpClient } from '../../io/net/http-client.ts';
import { policiesOf, type SignaturePolicy } from '../../workflows/verify/signature-policy.ts';
import type { ResolvedTrust } from '../../workflows/trust/trust-source.ts';
import type { CommandContext } from '../grammar/command.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';
import { areAuthoritiesGiven, withGivenAuthorities } from './given-authorities.ts';
import { NOBODY, trustFor } from './trust-choice.ts';

export interface VerificationTrust extends ResolvedTrust {
  /** Without the authorities that flags name: for what is said about signatures. */
  readonly own: ResolvedTrust;
}

/**
 * Whom to trust while verifying: as everywhere, with the authorities that flags name instead. A key whose signature nobody has
 * to witness is verified without anybody to trust: no instance is asked for its root.
 *
 * @throws as `trustFor` and `withGivenAuthorities`
 */
export async function verificationTrust(
  context: CommandContext,
  policy: SignaturePolicy,
  http: HttpClient,
): Promise<VerificationTrust> {
  const trust = isTrustNeeded(context, policy) ? await trustFor(context, http) : NOBODY;
  const trustedRoot = mayNameAuthorities(context)
    ? await withGivenAuthorities(context, trust.trustedRoot, http)
    : trust.trustedRoot;
  return { ...trust, trustedRoot, own: trust };
}

function mayNameAuthorities({ flags }: CommandContext): boolean {
  return flags.isDeclared('certificate-chain');
}

function isTrustNeeded(context: CommandContext, policy: SignaturePolicy): boolean {
  const isNamed = [...TRUST_FLAGS.map(({ name }) => name), 'revocations'].some((name) => context.flags.isGiven(name));
  if (isNamed || (mayNameAuthorities(context) && areAuthoritiesGiven(context))) return true;
  return policiesOf(policy).some(
    ({ signer, thresholds }) =>
      signer.kind !== 'key' || thresholds.logEntries !== 0 || (thresholds.signedTimestamps ?? 0) > 0,
  );
}
