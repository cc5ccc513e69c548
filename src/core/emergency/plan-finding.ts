/** `missing`: it never was there. `outdated`: it was true once. `unknown`: nobody could look. */
export type FindingKind = 'missing' | 'outdated' | 'unknown';

export interface PlanFinding {
  readonly kind: FindingKind;
  /** Stable, for programs. */
  readonly rule: PlanRule;
  /** In words: what was found. */
  readonly found: string;
  readonly fix: string;
}

export const PLAN_RULES = [
  'authority-missing',
  'authority-changed',
  'authority-single',
  'authority-locked',
  'trust-changed',
  'contact-missing',
  'contact-unknown',
  'draft-missing',
  'draft-stale',
  'signer-undrafted',
  'cluster-changed',
  'registry-unknown',
  'page-changed',
  'drill-missing',
  'drill-old',
  'drill-failed',
  'drill-partial',
  'record-unreadable',
  'tabletop-missing',
  'tabletop-old',
  'tabletop-open',
  'not-looked-at',
] as const;

export type PlanRule = (typeof PLAN_RULES)[number];

export function finding(kind: FindingKind, rule: PlanRule, found: string, fix: string): PlanFinding {
  return { kind, rule, found, fix };
}
