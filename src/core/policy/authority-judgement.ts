import { encodeHex } from '../encoding/hex.ts';
import { matchIdentity, matcherText } from '../identity/identity-pattern.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import { PolicyError, VerificationError } from '../../errors.ts';
import type { Authority, ClusterImagePolicy, KeyAuthority, KeylessAuthority } from './cluster-image-policy.ts';

/** Whether one authority is satisfied, and by whom; else why the nearest signature does not satisfy it. */
export type AuthorityJudgement =
  | { readonly isSatisfied: true; readonly signer: string }
  /** `reason` is undefined when there is no verified signature to speak about. */
  | { readonly isSatisfied: false; readonly reason: VerificationError | PolicyError | undefined };

export function judgeAuthority(authority: Authority, signatures: readonly VerifiedBundle[]): AuthorityJudgement {
  switch (authority.kind) {
    case 'static':
      return judgeStatic(authority);
    case 'key':
      return judgeKey(authority, signatures);
    case 'keyless':
      return judgeKeyless(authority, signatures);
  }
}

function judgeStatic({ action, message }: Authority & { kind: 'static' }): AuthorityJudgement {
  if (action === 'pass') return { isSatisfied: true, signer: 'nobody: the policy passes it unseen' };
  const reason = new PolicyError('POLICY_DENIED', `disallowed by static policy: ${message}`);
  return { isSatisfied: false, reason };
}

function judgeKey({ key, requiresLog }: KeyAuthority, signatures: readonly VerifiedBundle[]): AuthorityJudgement {
  const keyId = encodeHex(key.id);
  const own = signatures.filter(({ signer }) => signer.kind === 'key' && signer.keyId === keyId);
  if (own.some(({ logEntries }) => !requiresLog || logEntries.length > 0)) {
    return { isSatisfied: true, signer: `the key ${keyId}` };
  }
  const reason =
    own.length === 0
      ? undefined
      : new VerificationError('LOG_ENTRY_MISSING', 'the signature is in no trusted transparency log', {
          found: `a signature by the key ${keyId} without a log entry`,
          expected: 'a log entry: the authority has a ctlog',
        });
  return { isSatisfied: false, reason };
}

function judgeKeyless({ identities }: KeylessAuthority, signatures: readonly VerifiedBundle[]): AuthorityJudgement {
  let nearest: VerificationError | undefined;
  for (const { signer } of signatures) {
    if (signer.kind !== 'certificate') continue;
    const { certificate, extensions } = signer;
    const subjects = certificate.subjectAltNames.map(({ value }) => value);
    try {
      const { subject, issuer } = matchIdentity(identities, { subjects, issuer: extensions.issuer, extensions });
      return { isSatisfied: true, signer: `${subject}, authenticated by ${issuer}` };
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      if (nearest === undefined || nearness(error) > nearness(nearest)) nearest = error;
    }
  }
  return { isSatisfied: false, reason: nearest };
}

/** A mismatch that comes with the pattern that would match says more than one that only comes near, and that more than others. */
export function nearness({ facts }: VerificationError | PolicyError): number {
  return facts.fix !== undefined ? 2 : facts.closest !== undefined ? 1 : 0;
}

/** What would satisfy a policy, for messages. */
export function acceptedSigners({ name, authorities }: ClusterImagePolicy): string {
  const texts = authorities.flatMap((authority): readonly string[] => {
    switch (authority.kind) {
      case 'static':
        return [];
      case 'key':
        return [`the key ${encodeHex(authority.key.id)}${authority.requiresLog ? ', logged' : ''}`];
      case 'keyless':
        return authority.identities.map(
          ({ subject, issuer }) => `subject ${matcherText(subject)}, issuer ${matcherText(issuer)}`,
        );
    }
  });
  const shown = texts.slice(0, 5);
  if (texts.length > shown.length) shown.push(`${texts.length - shown.length} more`);
  return `${shown.join(' or ') || 'nothing: the policy lets nothing pass'} (policy ${name})`;
}

/** Who did sign, all of them. */
export function foundSigners(signatures: readonly VerifiedBundle[]): readonly string[] {
  const texts = signatures.map(({ signer }) => {
    if (signer.kind === 'key') return `the key ${signer.keyId}`;
    const subjects = signer.certificate.subjectAltNames.map(({ value }) => value).join(', ');
    return `subject ${subjects || '(none)'}, issuer ${signer.issuer || '(none)'}`;
  });
  return [...new Set(texts)];
}
