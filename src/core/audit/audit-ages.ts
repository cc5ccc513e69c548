import type { AuditEntry } from './audit-entry.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';

/** How old things are, in days. Undefined where none of them has a known age. */
export interface Ages {
  readonly medianDays?: number;
  readonly maxDays?: number;
}

/** Long-lived keys that a policy accepts, or that something is signed with. */
export interface KeyFigures extends Ages {
  readonly count: number;
  /** Older than a year, and the same key still. */
  readonly unrotated: number;
  /** Of which neither a signature with a time nor a policy in a cluster says since when. */
  readonly unknownAge: number;
}

export interface ExceptionFigures extends Ages {
  /** That something rests on. */
  readonly count: number;
  /** That have ended and are still there; of older snapshots those alone that something rested on. */
  readonly pastExpiry: number;
}

/** A key with all that is known about its time. */
export interface KnownKey {
  readonly name: string;
  readonly policies: readonly string[];
  /** The earliest of its signatures, and of the policies that accept it: it is at least as old. */
  readonly since?: Date;
  /** The last of its signatures that was seen. */
  readonly lastSigned?: Date;
}

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;

/** By name. */
export function knownKeys({ policies, entries }: Pick<AuditSnapshot, 'policies' | 'entries'>): readonly KnownKey[] {
  const keys = new Map<string, { policies: readonly string[]; first: Date[]; last: Date[] }>();
  const known = (name: string): { policies: readonly string[]; first: Date[]; last: Date[] } => {
    const key = keys.get(name) ?? { policies: [], first: [], last: [] };
    keys.set(name, key);
    return key;
  };
  for (const { name, policies: by, since } of policies.keys ?? []) {
    const key = known(name);
    key.policies = by;
    if (since !== undefined) key.first.push(new Date(since));
  }
  for (const signer of entries.flatMap(({ signers }) => signers)) {
    if (signer.kind !== 'key') continue;
    const key = known(signer.name);
    if (signer.firstSigned !== undefined) key.first.push(new Date(signer.firstSigned));
    if (signer.lastSigned !== undefined) key.last.push(new Date(signer.lastSigned));
  }
  return [...keys]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, key]) => {
      const since = earliest(key.first);
      const lastSigned = latest(key.last);
      return {
        name,
        policies: key.policies,
        ...(since === undefined ? {} : { since }),
        ...(lastSigned === undefined ? {} : { lastSigned }),
      };
    });
}

export function keyFigures(snapshot: Pick<AuditSnapshot, 'policies' | 'entries' | 'takenAt'>): KeyFigures {
  const keys = knownKeys(snapshot);
  const ages = keys.flatMap(({ since }) => (since === undefined ? [] : [daysBetween(since, snapshot.takenAt)]));
  return {
    count: keys.length,
    unrotated: ages.filter((days) => days > YEAR_DAYS).length,
    unknownAge: keys.length - ages.length,
    ...agesOf(ages),
  };
}

/** Ages are those of exceptions in force: how long somebody has lived with them. */
export function exceptionFigures({
  entries,
  exceptions,
  takenAt,
}: Pick<AuditSnapshot, 'entries' | 'exceptions' | 'takenAt'>): ExceptionFigures {
  const used = distinct(entries.flatMap(({ exception }) => exception ?? []));
  const all = distinct(exceptions ?? used);
  const hasEnded = ({ expires }: { readonly expires: string }): boolean => new Date(expires) <= takenAt;
  const ages = all.flatMap((exception) => {
    const { from } = exception;
    const isInForce = from !== undefined && new Date(from) <= takenAt && !hasEnded(exception);
    return isInForce ? [daysBetween(new Date(from), takenAt)] : [];
  });
  return { count: used.length, pastExpiry: all.filter(hasEnded).length, ...agesOf(ages) };
}

/** In whole days: nobody acts on hours of a year. */
export function daysBetween(from: Date, to: Date): number {
  return Math.max(0, Math.floor((to.getTime() - from.getTime()) / DAY_MS));
}

/** The lower of the two in the middle, which some thing really has. */
function agesOf(ages: readonly number[]): Ages {
  const sorted = [...ages].sort((a, b) => a - b);
  const [medianDays, maxDays] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted.at(-1)];
  return medianDays === undefined || maxDays === undefined ? {} : { medianDays, maxDays };
}

function distinct(
  exceptions: readonly NonNullable<AuditEntry['exception']>[],
): readonly NonNullable<AuditEntry['exception']>[] {
  return [...new Map(exceptions.map((exception) => [exception.name, exception])).values()];
}

function earliest(times: readonly Date[]): Date | undefined {
  return [...times].sort((a, b) => a.getTime() - b.getTime())[0];
}

function latest(times: readonly Date[]): Date | undefined {
  return [...times].sort((a, b) => b.getTime() - a.getTime())[0];
}
