import type { AuditEntry } from './audit-entry.ts';

/**
 * What may be done about a copy that runs although it is revoked, from saying so to ending it. That no new one comes in its place is
 * what admission does, by the same revocations.
 */
export const LADDER = ['report', 'label', 'evict', 'delete'] as const;

export type Rung = (typeof LADDER)[number];

/** A pod with an image that is revoked. */
export interface RunningCopy {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly owner: string;
  /** Images in it that are revoked, each with why. */
  readonly images: readonly { readonly image: string; readonly reason: string }[];
  /** false where all that is said of them is `quarantine`, which leaves alone what runs. */
  readonly mayEnd: boolean;
}

/** What came of one rung. */
export interface RungOutcome {
  readonly rung: Rung;
  readonly result:
    | 'done'
    /** The API server would do it: nothing was changed. */
    | 'would-do'
    /** A PodDisruptionBudget allows no eviction now. */
    | 'budget'
    /** Whoever runs this may not do it. */
    | 'forbidden'
    | 'failed'
    /** It had gone before. */
    | 'gone';
  readonly detail?: string;
}

export interface CopyOutcome extends RunningCopy {
  /** Why nothing is done about it. */
  readonly leftAlone?: string;
  readonly rungs: readonly RungOutcome[];
}

/** Entries of one pod by how it is judged: under all revocations, and under those that end what runs. */
export function revokedImages(all: readonly AuditEntry[]): RunningCopy['images'] {
  return all.filter(({ state }) => state === 'revoked').map(({ image, reason = '' }) => ({ image, reason }));
}

/** Up to which rung a copy is taken, and why not further. */
export function rungsFor(
  { namespace, mayEnd }: Pick<RunningCopy, 'namespace' | 'mayEnd'>,
  level: Rung,
  needed: ReadonlySet<string>,
): { readonly rungs: readonly Rung[]; readonly leftAlone?: string } {
  const upTo = (top: Rung): readonly Rung[] => LADDER.slice(1, LADDER.indexOf(top) + 1);
  if (needed.has(namespace)) {
    return {
      rungs: [],
      leftAlone: `the cluster needs what runs in ${namespace}; --force-namespace ${namespace} means it`,
    };
  }
  const rungs = upTo(level);
  if (mayEnd || !rungs.includes('evict')) return { rungs };
  return { rungs: upTo('label'), leftAlone: 'quarantine leaves alone what runs' };
}
