import type { RevocationSelector } from '../revocation/revocation-selector.ts';
import { selectorDigest, selectorText } from '../revocation/revocation-selector.ts';
import { missingContacts, type Contact } from './emergency-contacts.ts';
import { allSigners, type EmergencyFacts } from './emergency-facts.ts';
import type { EmergencyPlan } from './emergency-plan.ts';
import { draftsFor, type StatementDraft } from './statement-draft.ts';

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

/** What was held, newest last or not. */
export interface HeldDrill {
  readonly endedAt: Date;
  readonly passed: boolean;
  /** Whether it asked a cluster. */
  readonly isInCluster: boolean;
  readonly detail: string;
}

export interface HeldTabletop {
  readonly heldAt: Date;
  /** Questions that nobody could answer. */
  readonly open: readonly string[];
}

export interface PlanInput {
  readonly plan: EmergencyPlan;
  /** As the installation is found now. */
  readonly facts: EmergencyFacts;
  /** Names of members whom nobody believes any more. */
  readonly revokedMembers: readonly string[];
  readonly contacts: readonly Contact[];
  readonly drafts: readonly StatementDraft[];
  /** Names of blocks that are not in the page, or are not about this installation. */
  readonly staleBlocks: readonly string[];
  readonly drills: readonly HeldDrill[];
  readonly tabletops: readonly HeldTabletop[];
  /** Records that nobody can believe, each with why. */
  readonly unreadable: readonly string[];
  /** What could not be looked at, each with why. */
  readonly notLookedAt: readonly string[];
  readonly drillDays: number;
  readonly tabletopDays: number;
  readonly now: Date;
}

const DAY_MS = 86_400_000;
const REFRESH = 'sealwright plan init';

/** What is missing in a plan, and what is not true any more: by rule, in a fixed order. */
export function checkPlan(input: PlanInput): readonly PlanFinding[] {
  return [
    ...checkAuthority(input),
    ...checkContacts(input),
    ...checkDrafts(input),
    ...checkPlaces(input),
    ...checkExercises(input),
    ...input.notLookedAt.map((what) => finding('unknown', 'not-looked-at', what, 'name it, or make it readable')),
  ];
}

function checkAuthority({ plan, facts, revokedMembers }: PlanInput): readonly PlanFinding[] {
  const { authority } = facts;
  const findings: PlanFinding[] = [];
  if (plan.facts.trust.digest !== facts.trust.digest) {
    findings.push(finding('outdated', 'trust-changed', 'the trusted root is another one', REFRESH));
  }
  if (authority === undefined) {
    findings.push(finding('missing', 'authority-missing', 'nobody may revoke', 'sealwright revoke init'));
    return findings;
  }
  const { members, quorum } = authority;
  if (plan.facts.authority !== undefined && plan.facts.authority.digest !== authority.digest) {
    findings.push(finding('outdated', 'authority-changed', 'who may revoke has changed', REFRESH));
  }
  if (plan.facts.authority === undefined) {
    findings.push(
      finding('outdated', 'authority-changed', 'the plan was written before anybody could revoke', REFRESH),
    );
  }
  if (members.length < 2) {
    const fix = 'sealwright revoke init with two members, and publish --to DIR --replace-authority';
    findings.push(finding('missing', 'authority-single', 'one person alone may revoke', fix));
  }
  const left = members.filter(({ name }) => !revokedMembers.includes(name));
  const needed = Math.max(quorum.broad, quorum.relaxing);
  if (left.length < needed) {
    const found = `${needed} have to agree, and ${left.length} are believed: ${revokedMembers.join(', ')} revoked`;
    const fix = 'sealwright revoke init with other members, and publish --to DIR --replace-authority';
    findings.push(finding('outdated', 'authority-locked', found, fix));
  }
  return findings;
}

function checkContacts({ facts, contacts }: PlanInput): readonly PlanFinding[] {
  const members = facts.authority?.members ?? [];
  return [
    ...missingContacts(contacts, facts).map(({ name, role }) =>
      finding(
        'missing',
        'contact-missing',
        name === '' ? `nobody is ${role}` : `${name}, ${role}, is not listed`,
        REFRESH,
      ),
    ),
    ...contacts
      .filter(({ name, reach, backup }) => [name, reach, backup].some((text) => text.trim() === ''))
      .map(({ name, role, reach }) =>
        finding(
          'missing',
          'contact-missing',
          `${name === '' ? role : `${name}, ${role}`}: ${name === '' ? 'no name' : reach === '' ? 'no way to reach them' : 'no second way'}`,
          'fill in contacts.json',
        ),
      ),
    ...contacts
      .filter(({ name, role }) => role === 'may revoke' && !members.some((member) => member.name === name))
      .map(({ name }) =>
        finding('outdated', 'contact-unknown', `${name} may not revoke any more`, 'take them out of contacts.json'),
      ),
  ];
}

function checkDrafts({ facts, drafts }: PlanInput): readonly PlanFinding[] {
  const wanted = draftsFor(facts);
  const has = (list: readonly StatementDraft[], selector: RevocationSelector): boolean =>
    list.some((draft) => selectorDigest(draft.selector) === selectorDigest(selector));
  return [
    ...wanted
      .filter(({ selector }) => !has(drafts, selector))
      .map(({ selector }) => finding('missing', 'draft-missing', `no draft about ${selectorText(selector)}`, REFRESH)),
    ...drafts
      .filter(({ selector }) => !has(wanted, selector))
      .map(({ name, selector }) =>
        finding(
          'outdated',
          'draft-stale',
          `${name} is about ${selectorText(selector)}, which nothing here accepts any more`,
          REFRESH,
        ),
      ),
    ...allSigners(facts).flatMap((signer) =>
      signer.kind === 'other'
        ? [
            finding(
              'missing',
              'signer-undrafted',
              `a policy accepts ${signer.text}, which no statement can name`,
              'name signers exactly in the policy',
            ),
          ]
        : [],
    ),
  ];
}

function checkPlaces({ plan, facts, staleBlocks }: PlanInput): readonly PlanFinding[] {
  const before = plan.facts.cluster?.server;
  const now = facts.cluster?.server;
  const unknown = facts.registries.filter((host) => !plan.facts.registries.includes(host));
  return [
    ...(now === undefined || before === now
      ? []
      : [
          finding(
            'outdated',
            'cluster-changed',
            `the plan is about ${before ?? 'no cluster'}, this is ${now}`,
            REFRESH,
          ),
        ]),
    ...unknown.map((host) => finding('outdated', 'registry-unknown', `images run from ${host}`, REFRESH)),
    ...staleBlocks.map((name) =>
      finding('outdated', 'page-changed', `plan.md: ${name} is not what it would be now`, `${REFRESH}, or --force`),
    ),
  ];
}

function checkExercises(input: PlanInput): readonly PlanFinding[] {
  const { facts, unreadable, drillDays, tabletopDays, now } = input;
  // A clock that was ahead must not keep an exercise fresh until it is right.
  const hasCome = (time: Date): boolean => time.getTime() - now.getTime() <= DAY_MS;
  const drills = input.drills.filter(({ endedAt }) => hasCome(endedAt));
  const tabletops = input.tabletops.filter(({ heldAt }) => hasCome(heldAt));
  const early = input.drills.length + input.tabletops.length - drills.length - tabletops.length;
  const findings = [...unreadable, ...(early === 0 ? [] : [`${early} of a time that has not come yet`])].map((what) =>
    finding('unknown', 'record-unreadable', what, 'hold it again, or take the file away'),
  );
  const drill = newest(drills, ({ endedAt }) => endedAt);
  const drillFix = 'sealwright revoke drill with --out records/drill-DATE.json in the folder of the plan';
  if (drill === undefined) findings.push(finding('missing', 'drill-missing', 'no drill was ever held', drillFix));
  else {
    const days = daysSince(drill.endedAt, now);
    if (days > drillDays)
      findings.push(finding('outdated', 'drill-old', `the last drill is ${days} days old`, drillFix));
    if (!drill.passed) {
      findings.push(finding('outdated', 'drill-failed', `the last drill failed: ${drill.detail}`, drillFix));
    }
    if (facts.cluster !== undefined && !drill.isInCluster) {
      findings.push(
        finding('missing', 'drill-partial', 'the last drill did not ask the cluster', `${drillFix}, and -n NAMESPACE`),
      );
    }
  }
  const tabletop = newest(tabletops, ({ heldAt }) => heldAt);
  const tableFix = 'sealwright tabletop stolen-identity --participant NAME --record';
  if (tabletop === undefined) {
    findings.push(finding('missing', 'tabletop-missing', 'no tabletop was ever held', tableFix));
    return findings;
  }
  const days = daysSince(tabletop.heldAt, now);
  if (days > tabletopDays) {
    findings.push(finding('outdated', 'tabletop-old', `the last tabletop is ${days} days old`, tableFix));
  }
  return [
    ...findings,
    ...tabletop.open.map((question) =>
      finding('missing', 'tabletop-open', `nobody could answer: ${question}`, 'find out, and hold it again'),
    ),
  ];
}

function newest<Value>(list: readonly Value[], time: (value: Value) => Date): Value | undefined {
  return [...list].sort((left, right) => time(right).getTime() - time(left).getTime())[0];
}

function daysSince(time: Date, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - time.getTime()) / DAY_MS));
}

function finding(kind: FindingKind, rule: PlanRule, found: string, fix: string): PlanFinding {
  return { kind, rule, found, fix };
}
