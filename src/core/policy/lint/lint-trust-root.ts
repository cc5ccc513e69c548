import type { JsonFields } from '../../encoding/json-fields.ts';
import type { PolicyFinding } from './policy-finding.ts';
import type { CertificateAuthority, TrustedRoot } from '../../trust/trusted-root.ts';
import type { SealwrightError } from '../../../errors.ts';
import { parseTrustRoot, type TrustRootSource } from '../cluster-image/trust-root-parser.ts';

const SOON_MS = 30 * 86_400_000;

/** What of a `TrustRoot` is believed no longer, or soon. @throws FormatError FORMAT_POLICY */
export function lintTrustRoot(fields: JsonFields, subject: string, now: Date): readonly PolicyFinding[] {
  const source = parseTrustRoot(fields.object('spec'), subject);
  if (source.kind !== 'keys') return [];
  const { certificateAuthorities, timestampAuthorities } = source.trustedRoot;
  return [
    ...lintAuthorities(certificateAuthorities, 'certificateAuthorities', subject, now),
    ...lintAuthorities(timestampAuthorities, 'timestampAuthorities', subject, now),
  ];
}

function lintAuthorities(
  authorities: readonly Pick<CertificateAuthority, 'chain'>[],
  list: string,
  subject: string,
  now: Date,
): readonly PolicyFinding[] {
  return authorities.flatMap(({ chain }, index): readonly PolicyFinding[] => {
    const [end] = chain.map(({ notAfter }) => notAfter).sort((a, b) => a.getTime() - b.getTime());
    if (end === undefined || !isSoon(end, now)) return [];
    const hasEnded = end <= now;
    return [
      {
        rule: hasEnded ? 'trust-root-expired' : 'trust-root-expires',
        level: hasEnded ? 'error' : 'warning',
        subject,
        path: `spec.sigstoreKeys.${list}[${index}].certChain`,
        message: `a certificate of the chain ${hasEnded ? 'ended' : 'ends'} at ${end.toISOString()}: what is signed after that does not pass`,
        instead: 'the chain that is in use, beside this one for as long as older signatures shall pass',
      },
    ];
  });
}

/** What a TUF repository vouches for, and until when each of its roles does. */
export interface LintedRepository {
  readonly kind: Exclude<TrustRootSource['kind'], 'keys'>;
  readonly trustedRoot: TrustedRoot;
  readonly expirations: ReadonlyMap<string, Date>;
}

/**
 * The same for a `TrustRoot` whose keys are in a TUF repository. One at a URL is signed again by its keepers, most roles every few days:
 * only those that are signed by hand are found before they end. In an archive nothing is ever signed again.
 */
export function lintTrustRepository(
  { kind, trustedRoot, expirations }: LintedRepository,
  subject: string,
  now: Date,
): readonly PolicyFinding[] {
  const roles = [...expirations].filter(([role]) => kind === 'repository' || role === 'root' || role === 'targets');
  const instead =
    kind === 'remote'
      ? 'a repository whose keepers sign it again in time: ask them'
      : 'an archive of the repository as it is now, or remote with its URL';
  const [first] = roles.sort(([, a], [, b]) => a.getTime() - b.getTime());
  const aging: readonly PolicyFinding[] =
    first === undefined || !isSoon(first[1], now)
      ? []
      : [
          {
            rule: 'trust-root-expires',
            level: 'warning',
            subject,
            path: `spec.${kind}`,
            message: `its ${first[0]} metadata ends at ${first[1].toISOString()}: then nothing of it is believed any more`,
            instead,
          },
        ];
  const lists = [
    ['certificate authorities', trustedRoot.certificateAuthorities],
    ['timestamp authorities', trustedRoot.timestampAuthorities],
  ] as const;
  return [...aging, ...lists.flatMap(([what, list]) => lintSuccession(list, what, `spec.${kind}`, subject, now))];
}

/** A repository that could not be read, which is not the same as one that is fine. */
export function unreadTrustRoot(
  { code, message, facts: { found } }: SealwrightError,
  kind: LintedRepository['kind'],
  subject: string,
): PolicyFinding {
  const hasExpired = code === 'TRUST_STALE';
  const why = `${message}${found === undefined ? '' : ` (${found})`}`;
  return {
    rule: hasExpired ? 'trust-root-expired' : 'trust-root-unread',
    level: hasExpired || code.startsWith('TUF_') ? 'error' : 'warning',
    subject,
    path: `spec.${kind}`,
    message: hasExpired ? `nothing of it is believed any more: ${why}` : `could not be checked: ${code} ${why}`,
  };
}

/** Authorities that have ended stand beside those in use, for older signatures: only when all end is it a finding. */
function lintSuccession(
  authorities: readonly CertificateAuthority[],
  what: string,
  path: string,
  subject: string,
  now: Date,
): readonly PolicyFinding[] {
  const ends = authorities.map(({ chain, validFor }) =>
    Math.min(...chain.map(({ notAfter }) => notAfter.getTime()), validFor.end?.getTime() ?? Number.POSITIVE_INFINITY),
  );
  const last = Math.max(...ends);
  if (ends.length === 0 || !Number.isFinite(last) || !isSoon(new Date(last), now)) return [];
  const hasEnded = last <= now.getTime();
  return [
    {
      rule: hasEnded ? 'trust-root-expired' : 'trust-root-expires',
      level: hasEnded ? 'error' : 'warning',
      subject,
      path,
      message: `the last of its ${what} ${hasEnded ? 'ended' : 'ends'} at ${new Date(last).toISOString()}: what is signed after that does not pass`,
      instead: 'a repository with the authorities that are in use',
    },
  ];
}

function isSoon(end: Date, now: Date): boolean {
  return end.getTime() - now.getTime() <= SOON_MS;
}
