import { parseBundle } from '../bundle/bundle.ts';
import { equalBytes } from '../encoding/bytes.ts';
import type { JsonValue } from '../encoding/json.ts';
import type { TrustedRoot } from '../trust/trusted-root.ts';
import { verifyBundle } from '../verify/verify-bundle.ts';
import type { VerifiedBundle } from '../verify/verified-bundle.ts';
import { SealwrightError, VerificationError } from '../../errors.ts';
import { memberId, type AuthorityMember, type RevocationAuthority } from './revocation-authority.ts';
import type { RevocationHistory } from './revocation-history.ts';
import { RevocationIndex, revokedError } from './revocation-index.ts';
import type { SelectorKind } from './revocation-selector.ts';
import { parseRevocationStatement, type RevocationStatement } from './revocation-statement.ts';

const AUTHORITIES: readonly SelectorKind[] = ['ca', 'log', 'tsa'];

/** A statement with those who have signed it, each in a bundle of his own over the same bytes. */
export interface VerifiedStatement {
  readonly statement: RevocationStatement;
  /** Names of members; distinct. */
  readonly approvals: readonly string[];
  readonly bundles: readonly VerifiedBundle[];
}

/** What is believed of the world. */
export interface StatementTrust {
  readonly authority: RevocationAuthority;
  readonly trustedRoot: TrustedRoot;
}

/**
 * @param bundles JSON of Sigstore bundles
 * @param history of the statements before it, which decide how many must agree, and whom nobody believes any more
 * @throws VerificationError REVOCATION_QUORUM when too few members have signed, or what each signature lacks; PolicyError REVOKED for
 *   one by a certificate whose authorities are revoked; FormatError; LimitError
 */
export function verifyStatement(
  bundles: readonly JsonValue[],
  { authority, trustedRoot }: StatementTrust,
  history: RevocationHistory,
): VerifiedStatement {
  const members = believedMembers(authority, history);
  const signed = bundles.map((bundle) => verifyByMember(JSON.stringify(bundle), members, trustedRoot, history));
  const [first] = signed;
  if (first?.verified.statement === undefined) throw tooFew([], 1, members);
  for (const { verified } of signed) checkSame(first.verified, verified);
  const statement = parseRevocationStatement(first.verified.statement);
  const approvals = [...new Set(signed.map(({ member }) => member.name))];
  const wanted = authority.quorum[history.quorumFor(statement)];
  if (approvals.length < wanted) throw tooFew(approvals, wanted, members);
  return { statement, approvals, bundles: signed.map(({ verified }) => verified) };
}

/** Who still speaks for the authority. */
export function believedMembers(
  { members }: RevocationAuthority,
  history: RevocationHistory,
): readonly AuthorityMember[] {
  return members.filter((member) => !isRevoked(member, history));
}

export interface SignedByMember {
  readonly member: AuthorityMember;
  readonly verified: VerifiedBundle;
}

/**
 * Logged like every signature: a statement that nobody could have seen does not count.
 *
 * @throws VerificationError, FormatError, LimitError with what it lacks as the signature of one of them; PolicyError REVOKED for one by
 *   a certificate whose authorities are revoked
 */
export function verifyByMember(
  text: string,
  members: readonly AuthorityMember[],
  trustedRoot: TrustedRoot,
  history: RevocationHistory,
): SignedByMember {
  const bundle = parseBundle(text);
  let failure: SealwrightError | undefined;
  for (const member of members) {
    const { signer } = member;
    // A key needs no time of signing; whether it is believed is decided by the history, not by a window.
    const thresholds = signer.kind === 'key' ? { observerTimestamps: 0 } : {};
    const artifact = { kind: 'unsafeSkipArtifact' } as const;
    try {
      const verified = verifyBundle({ bundle, artifact, trustedRoot, signer, thresholds });
      checkAuthorities(member, verified, history);
      return { member, verified };
    } catch (error) {
      if (!(error instanceof SealwrightError)) throw error;
      // That it is by none of the others is the ordinary case; what else it lacks says more.
      const isAnother = error.code === 'KEY_MISMATCH' || error.code === 'IDENTITY_MISMATCH';
      if (failure === undefined || !isAnother) failure = error;
    }
  }
  throw failure ?? tooFew([], 1, members);
}

function checkSame(first: VerifiedBundle, other: VerifiedBundle): void {
  const payload = ({ content }: VerifiedBundle): Uint8Array =>
    content.kind === 'dsse' ? content.envelope.payload : new Uint8Array(0);
  if (equalBytes(payload(first), payload(other))) return;
  throw new VerificationError('REVOCATION_QUORUM', 'those who agree have signed different statements', {
    expected: 'the same bytes under every signature',
  });
}

/**
 * Whoever has stolen an authority issues himself the certificate of any member. A key of a member's own needs nobody who vouches for
 * it, and whoever could not take back a mistake about the only log would be locked out.
 */
function checkAuthorities(
  { name, signer }: AuthorityMember,
  verified: VerifiedBundle,
  history: RevocationHistory,
): void {
  if (signer.kind === 'key') return;
  const lost = history.inForce.filter(({ selector }) => AUTHORITIES.includes(selector.kind));
  const revocation = new RevocationIndex(lost).signature(verified);
  if (revocation !== undefined) throw revokedError(`the approval by ${name}`, revocation);
}

/** A member whose key has been revoked approves of nothing after that. */
function isRevoked(member: AuthorityMember, history: RevocationHistory): boolean {
  const { signer } = member;
  return history.inForce.some(({ selector }) => {
    if (selector.kind === 'key') return memberId(member) === `key ${selector.keyId}`;
    if (selector.kind !== 'identity' || signer.kind !== 'identities') return false;
    return signer.identities.some(
      ({ issuer, subject }) =>
        issuer.kind === 'exact' &&
        issuer.value === selector.issuer &&
        subject.kind === 'exact' &&
        selector.subject.matches(subject.value),
    );
  });
}

function tooFew(found: readonly string[], wanted: number, members: readonly AuthorityMember[]): VerificationError {
  return new VerificationError(
    'REVOCATION_QUORUM',
    'too few members of the revocation authority have signed the statement',
    {
      found: found.join(', ') || 'nobody',
      expected: `${wanted} of ${members.map(({ name }) => name).join(', ') || 'nobody: every member is revoked'}`,
    },
  );
}
