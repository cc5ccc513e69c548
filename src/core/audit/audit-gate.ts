import { PolicyError, RemoteError, UsageError } from '../../errors.ts';
import type { AuditEntry, AuditState } from './audit-entry.ts';
import { auditFigures } from './audit-figures.ts';
import type { AuditSnapshot } from './audit-snapshot.ts';

export const COVERAGE_BASES = ['containers', 'digests', 'workloads'] as const;

/** The least share of what is not exempt that has to be verified, by one of the denominators, which disagree. */
export interface CoverageFloor {
  readonly by: (typeof COVERAGE_BASES)[number];
  /** 0 to 100. */
  readonly percent: number;
}

/** What a gate asks for by name; what nobody could tell about may be any of them. */
export const GATED_STATES = ['unsigned', 'untrusted', 'undetermined', 'revoked'] as const;

export type GatedState = (typeof GATED_STATES)[number];

export interface AuditGate {
  readonly floors: readonly CoverageFloor[];
  readonly failOn: readonly GatedState[];
}

const STATES: Readonly<Record<GatedState, AuditState>> = {
  unsigned: 'unsigned',
  untrusted: 'signed-untrusted',
  undetermined: 'undetermined',
  revoked: 'revoked',
};
const PERCENT = 100;

/** `95`, or `digests:95`. @throws UsageError USAGE_BAD_FLAG */
export function coverageFloor(text: string): CoverageFloor {
  const [, name = 'containers', digits = ''] = /^(?:([a-z]+):)?(\d{1,3}(?:\.\d{1,3})?)$/.exec(text) ?? [];
  const by = COVERAGE_BASES.find((base) => base === name);
  const percent = Number(digits);
  if (by !== undefined && digits !== '' && percent <= PERCENT) return { by, percent };
  throw new UsageError('USAGE_BAD_FLAG', '--fail-under is no share of anything', {
    found: text.slice(0, 100),
    expected: `0 to 100, of containers; or of ${COVERAGE_BASES.join(', ')} by name, such as digests:95`,
  });
}

/**
 * A gate that only what is known passes: what is bad fails it, and what nobody could tell, or did not look at, stops it in another way.
 *
 * @throws PolicyError POLICY_DENIED; RemoteError COULD_NOT_CHECK where it depends on what is not known
 */
export function checkAuditGate(snapshot: AuditSnapshot, { floors, failOn }: AuditGate): void {
  if (floors.length === 0 && failOn.length === 0) return;
  const figures = auditFigures(snapshot);
  const { containers, coverage } = figures;
  const known = failOn.filter((state) => state !== 'undetermined' && containers[STATES[state]] > 0);
  if (known.length > 0) {
    throw new PolicyError('POLICY_DENIED', 'something runs that is not to run', {
      found: known.map((state) => stateText(snapshot.entries, STATES[state])).join('; '),
      expected: `nothing that is ${known.join(' or ')}`,
      fix: 'sealwright policy plan',
    });
  }
  const counts = floors.map((floor) => ({ ...floor, ...coverage[floor.by], unknown: figures[floor.by].undetermined }));
  const missed = counts.find(({ percent, verified, unknown, of }) => shareOf(verified + unknown, of) < percent);
  if (missed !== undefined) {
    throw new PolicyError('POLICY_DENIED', 'too little of what runs is verified', {
      found: `${missed.verified} of ${missed.of} ${missed.by} verified, ${missed.unknown} undetermined`,
      expected: `at least ${missed.percent}% of them`,
      fix: 'sealwright policy plan',
    });
  }
  const open = counts.find(({ percent, verified, of }) => shareOf(verified, of) < percent);
  const isPartial = snapshot.notLookedAt.length > 0 || snapshot.entries.length === 0;
  const isUnknown = isPartial || open !== undefined || (failOn.length > 0 && containers.undetermined > 0);
  if (isUnknown) throw couldNotTell(snapshot, open ?? counts[0]);
}

function couldNotTell({ entries, notLookedAt }: AuditSnapshot, floor: CoverageFloor | undefined): RemoteError {
  const found = [
    ...(entries.length === 0 ? ['nothing that runs'] : []),
    ...(entries.some(({ state }) => state === 'undetermined') ? [stateText(entries, 'undetermined')] : []),
    ...(notLookedAt.length === 0 ? [] : [`${notLookedAt.length} things not looked at`]),
  ];
  const what = floor === undefined ? 'all of it is fine' : `${floor.percent}% of ${floor.by} are verified`;
  return new RemoteError('COULD_NOT_CHECK', `nobody can tell whether ${what}`, {
    found: found.join('; '),
    expected: 'an answer about everything that runs',
    fix: 'give the command what it lacks (credentials, leave to list), and take the snapshot again',
  });
}

/** How many, and the first of them. */
function stateText(entries: readonly AuditEntry[], state: AuditState): string {
  const those = entries.filter((entry) => entry.state === state);
  const [first] = those;
  return `${those.length} ${state}${first === undefined ? '' : `, such as ${first.image}`}`;
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? PERCENT : (part / whole) * PERCENT;
}
