import { sha256 } from '../crypto/digest.ts';
import { utf8 } from '../encoding/bytes.ts';
import { encodeHex } from '../encoding/hex.ts';
import { AUDIT_STATES, workloadOf, type AuditEntry } from './audit-entry.ts';
import { exposureRank } from './exposure.ts';
import { auditFigures, type AuditFigures } from './audit-figures.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';

/** What stands between a system and being proven: the content of its ticket. */
export interface AuditGap {
  readonly snapshot: AuditSnapshot;
  readonly figures: AuditFigures;
  /** Everything that is neither verified nor exempt; what is known to be bad first, then the most exposed, then what most pods run. */
  readonly entries: readonly AuditEntry[];
  /** Over what is open and not over the moment: the same gap has the same. */
  readonly digest: string;
  /** The rule by which the ticket closes, as far as one snapshot can tell. */
  readonly isClosed: boolean;
}

/** Nothing would be refused, nothing is unknown, and everything was looked at. */
export function auditGap(snapshot: AuditSnapshot): AuditGap {
  const figures = auditFigures(snapshot);
  const entries = snapshot.entries.filter(({ state }) => state !== 'verified' && state !== 'exempt').sort(byExposure);
  const { refused, unknown } = figures.rescheduleRisk;
  const content = {
    entries: entries.map((entry) => [workloadOf(entry), entry.path, entry.image, entry.state, entry.cause ?? '']),
    notLookedAt: snapshot.notLookedAt.map(({ what }) => what).sort(),
  };
  return {
    snapshot,
    figures,
    entries,
    digest: encodeHex(sha256(utf8(JSON.stringify(content)))).slice(0, 32),
    isClosed: refused === 0 && unknown === 0 && snapshot.notLookedAt.length === 0,
  };
}

function byExposure(a: AuditEntry, b: AuditEntry): number {
  const severity = ({ state }: AuditEntry): number => AUDIT_STATES.indexOf(state);
  const place = (entry: AuditEntry): string => JSON.stringify([workloadOf(entry), entry.path, entry.image]);
  return (
    severity(b) - severity(a) ||
    exposureRank(b.exposure) - exposureRank(a.exposure) ||
    b.pods - a.pods ||
    (place(a) < place(b) ? -1 : 1)
  );
}
