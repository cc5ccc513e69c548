import { SealwrightError } from '../../errors.ts';
import type { DrillRecord } from '../revocation/drill-record.ts';
import type { RevocationHistory } from '../revocation/revocation-history.ts';
import { verifySignedDrill } from '../revocation/signed-drill.ts';
import { MAX_SKEW_MS } from '../revocation/snapshot-freshness.ts';
import type { StatementTrust } from '../revocation/verified-statement.ts';
import { timeToRevoke } from './time-to-revoke.ts';

export const DRILL_STATES = ['never-drilled', 'drilled', 'failed', 'stale', 'undetermined'] as const;

/** What an installation knows of its last drill. */
export interface DrillStanding {
  /** `undetermined`: there is a record, and nobody can tell whether it is one; never taken for a drill that was held. */
  readonly state: (typeof DRILL_STATES)[number];
  /** One sentence. */
  readonly text: string;
  readonly isDue: boolean;
  /** The last drill; absent unless its record is believed. */
  readonly last?: DrillRecord;
}

/** Whom a record is believed by, and which members nobody believes any more. */
export interface DrillBelief extends StatementTrust {
  readonly history: RevocationHistory;
}

/** @param text a record as somebody has put it there; undefined where there is none */
export function drillStanding(text: string | undefined, belief: DrillBelief, now: Date): DrillStanding {
  if (text === undefined) return timeToRevoke(undefined, now);
  try {
    const drill = verifySignedDrill(text, belief, belief.history);
    // A clock that was ahead must not keep a drill fresh until it is right.
    if (drill.record.endedAt.getTime() - now.getTime() > MAX_SKEW_MS) {
      return undetermined('its record is of a time that has not come yet');
    }
    return timeToRevoke(drill, now);
  } catch (error) {
    return undeterminedBy(error);
  }
}

/** @throws what is nobody's failure but the program's own */
export function undeterminedBy(error: unknown): DrillStanding {
  if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
  return undetermined(`${error.code} ${error.message}`);
}

export function undetermined(why: string): DrillStanding {
  return { state: 'undetermined', text: `undetermined: ${why}`, isDue: true };
}
