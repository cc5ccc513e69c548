import { digestOf, workloadOf } from './audit-entry.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';
import type { NotAudited } from './not-audited.ts';

/** A signature that a log holds, by somebody. */
export interface LoggedSignature {
  readonly kind: 'identity' | 'key';
  /** As snapshots write it. */
  readonly name: string;
  /** The beginning of the certificate, by the authority; keys have no time. */
  readonly time?: Date;
  /** Whether an authority of the trusted root has issued the certificate; a key says nothing about that. */
  readonly isTrusted?: boolean;
}

/** How somebody's signatures are looked at. */
export type Expectation =
  /** A policy passed an image by one of them. */
  | 'accepted'
  /** They are on images, and no policy passed any by them. */
  | 'not-accepted'
  /** They are in the log, on nothing that was looked at. */
  | 'only-logged'
  /** The snapshots do not say. */
  | 'unknown';

/** Somebody who signs, and where that was seen. */
export interface InventoriedSigner {
  readonly kind: 'identity' | 'key';
  readonly name: string;
  readonly expected: Expectation;
  /** Distinct digests with a signature of theirs, in all snapshots. */
  readonly images: number;
  /** Distinct places in all snapshots. */
  readonly workloads: number;
  /** The first and the last snapshot that has them. */
  readonly inSnapshots?: { readonly first: Date; readonly last: Date };
  /** Entries of the log, and the times that certificates say. */
  readonly inLog?: {
    readonly entries: number;
    readonly untrusted: number;
    readonly first?: Date;
    readonly last?: Date;
  };
}

export interface SignerInventory {
  readonly system: string;
  /** Whoever is not expected first, then whoever signs most. */
  readonly signers: readonly InventoriedSigner[];
  readonly notLookedAt: readonly NotAudited[];
}

interface Sighting {
  readonly kind: 'identity' | 'key';
  readonly digests: Set<string>;
  readonly workloads: Set<string>;
  readonly seen: Date[];
  readonly accepted: (boolean | undefined)[];
  readonly logged: LoggedSignature[];
}

const ORDER: readonly Expectation[] = ['not-accepted', 'only-logged', 'unknown', 'accepted'];

/** @param logged undefined where no log was read */
export function inventorySigners(
  snapshots: readonly AuditSnapshot[],
  logged: readonly LoggedSignature[] | undefined,
  notLookedAt: readonly NotAudited[] = [],
): SignerInventory {
  const sightings = new Map<string, Sighting>();
  const of = (kind: Sighting['kind'], name: string): Sighting => {
    const known = sightings.get(name);
    if (known !== undefined) return known;
    const fresh: Sighting = { kind, digests: new Set(), workloads: new Set(), seen: [], accepted: [], logged: [] };
    sightings.set(name, fresh);
    return fresh;
  };
  for (const { takenAt, entries } of snapshots) {
    for (const entry of entries) {
      for (const { kind, name, accepted } of entry.signers) {
        const sighting = of(kind, name);
        sighting.digests.add(digestOf(entry) ?? entry.image);
        sighting.workloads.add(workloadOf(entry));
        sighting.seen.push(takenAt);
        sighting.accepted.push(accepted);
      }
    }
  }
  for (const signature of logged ?? []) of(signature.kind, signature.name).logged.push(signature);
  const unseen = snapshots.flatMap((snapshot) => [...snapshot.notLookedAt, ...undetermined(snapshot)]);
  return {
    system: snapshots.at(-1)?.system ?? '',
    signers: [...sightings].map(([name, sighting]) => inventoried(name, sighting)).sort(mostTellingFirst),
    notLookedAt: [...new Map([...unseen, ...notLookedAt].map((one) => [`${one.what}\n${one.reason}`, one])).values()],
  };
}

function inventoried(name: string, { kind, digests, workloads, seen, accepted, logged }: Sighting): InventoriedSigner {
  const span = spanOf(seen);
  const times = spanOf(logged.flatMap(({ time }) => (time === undefined ? [] : [time])));
  return {
    kind,
    name,
    expected: expectation(accepted),
    images: digests.size,
    workloads: workloads.size,
    ...(span === undefined ? {} : { inSnapshots: span }),
    ...(logged.length === 0
      ? {}
      : {
          inLog: {
            entries: logged.length,
            untrusted: logged.filter(({ isTrusted }) => isTrusted === false).length,
            ...times,
          },
        }),
  };
}

function expectation(accepted: readonly (boolean | undefined)[]): Expectation {
  if (accepted.length === 0) return 'only-logged';
  if (accepted.includes(true)) return 'accepted';
  return accepted.includes(undefined) ? 'unknown' : 'not-accepted';
}

function spanOf(times: readonly Date[]): { readonly first: Date; readonly last: Date } | undefined {
  const sorted = [...times].sort((a, b) => a.getTime() - b.getTime());
  const [first, last] = [sorted.at(0), sorted.at(-1)];
  return first === undefined || last === undefined ? undefined : { first, last };
}

/** Of these nobody knows who has signed them. */
function undetermined({ entries }: AuditSnapshot): readonly NotAudited[] {
  return entries
    .filter(({ state }) => state === 'undetermined')
    .map(({ image, reason, cause }) => ({ what: image, reason: reason ?? cause ?? 'nobody could tell' }));
}

function mostTellingFirst(a: InventoriedSigner, b: InventoriedSigner): number {
  return (
    ORDER.indexOf(a.expected) - ORDER.indexOf(b.expected) ||
    b.images - a.images ||
    (b.inLog?.entries ?? 0) - (a.inLog?.entries ?? 0) ||
    (a.name < b.name ? -1 : 1)
  );
}
