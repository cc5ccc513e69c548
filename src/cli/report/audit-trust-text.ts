import type { Ages, ExceptionFigures, KeyFigures } from '../../core/audit/audit-ages.ts';
import { ENFORCEMENTS, type EnforcementFigures } from '../../core/audit/enforcement-reach.ts';
import type { SigningLag } from '../../core/audit/signing-lag.ts';
import type { SignerFigures } from '../../core/audit/audit-figures.ts';
import { percent } from './percent-text.ts';

/** What trust rests on, as far as figures tell: who signs, how loosely that is asked, and how old keys and exceptions are. */
export interface TrustFigures {
  readonly signers: SignerFigures;
  readonly keyBasedShare: number;
  readonly keys: KeyFigures;
  readonly exceptions: ExceptionFigures;
  readonly signingLag: SigningLag;
  /** Absent where nobody looked. */
  readonly enforcement?: EnforcementFigures;
}

/** Each figure with its name, in one order: in a terminal, in a report before and after. */
export function trustRows({
  signers,
  keyBasedShare,
  keys,
  exceptions,
  signingLag,
  enforcement,
}: TrustFigures): readonly (readonly [string, string])[] {
  return [
    ['namespaces', enforcementText(enforcement)],
    ['signers', signersText(signers)],
    ['widest pattern', widestText(signers)],
    ['keys', `${percent(keyBasedShare)} of what is verified rests on a key alone; ${keysText(keys)}`],
    ['exceptions', exceptionsText(exceptions)],
    ['build to signature', lagText(signingLag)],
  ];
}

function enforcementText(figures: EnforcementFigures | undefined): string {
  if (figures === undefined) return 'not looked at';
  const { counts, failOpen } = figures;
  const words = ENFORCEMENTS.filter((one) => one === 'enforced' || counts[one] > 0).map(
    (one) => `${counts[one]} ${one}`,
  );
  return [
    ...words,
    ...(failOpen === 0 ? [] : [`${failOpen} let everything in while the webhook does not answer`]),
  ].join(', ');
}

/** Namespaces in which something without a proof may get in, or of which nobody can tell, with why. */
export function openNamespaces({ enforcement }: TrustFigures): readonly string[] {
  return (enforcement?.namespaces ?? [])
    .filter((one) => one.enforcement !== 'enforced' && one.enforcement !== 'idle')
    .map(({ name, enforcement: word, reason }) => `${name}: ${word}${reason === undefined ? '' : `, ${reason}`}`);
}

/** Of distinct images; what nobody says is no 0. */
function lagText({ known, unknown, medianSeconds, maxSeconds }: SigningLag): string {
  const found =
    medianSeconds === undefined || maxSeconds === undefined
      ? []
      : [`${medianSeconds} s in the middle, ${maxSeconds} s at most, of ${known} images`];
  return [...found, ...(unknown === 0 && known > 0 ? [] : [`unknown of ${unknown}`])].join('; ');
}

function signersText({ distinct, people, top, topShare }: SignerFigures): string {
  const first = top === undefined ? '' : `; ${percent(topShare)} by ${top}`;
  return `${distinct}, ${people} of them people${first}`;
}

function widestText({ widest }: SignerFigures): string {
  if (widest === undefined) return 'none';
  return `${widest.pattern} of ${widest.policy}, ${widest.fixed} characters fixed`;
}

export function keysText({ count, unrotated, unknownAge, ...ages }: KeyFigures): string {
  const parts = [
    `${count} keys`,
    ...agesText(ages),
    ...(unrotated === 0 ? [] : [`${unrotated} older than a year`]),
    ...(unknownAge === 0 ? [] : [`${unknownAge} of unknown age`]),
  ];
  return parts.join(', ');
}

function exceptionsText({ count, pastExpiry, ...ages }: ExceptionFigures): string {
  return [`${count}`, ...agesText(ages), `${pastExpiry} past their end`].join(', ');
}

function agesText({ medianDays, maxDays }: Ages): readonly string[] {
  return medianDays === undefined || maxDays === undefined
    ? []
    : [`${medianDays} days old in the middle, ${maxDays} at most`];
}
