import type { JsonFields } from '../encoding/json-fields.ts';
import type { CertificateAuthority } from '../trust/trusted-root.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { parseTrustRoot } from './trust-root-parser.ts';

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
    if (end === undefined || end.getTime() - now.getTime() > SOON_MS) return [];
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
