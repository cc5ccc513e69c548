import type { RevocationSelector } from '../revocation/revocation-selector.ts';
import { selectorDigest, selectorText } from '../revocation/revocation-selector.ts';
import { missingContacts, type Contact } from './emergency-contacts.ts';
import { allSigners, type EmergencyFacts } from './emergency-facts.ts';
import type { EmergencyPlan } from './emergency-plan.ts';
import { draftsFor, type StatementDraft } from './statement-draft.ts';
import { checkExercises, type HeldExercises } from './exercise-check.ts';
import { finding, type PlanFinding } from './plan-finding.ts';

export interface PlanInput extends HeldExercises {
  readonly plan: EmergencyPlan;
  /** As the installation is found now. */
  readonly facts: EmergencyFacts;
  /** Names of members whom nobody believes any more. */
  readonly revokedMembers: readonly string[];
  readonly contacts: readonly Contact[];
  readonly drafts: readonly StatementDraft[];
  /** Names of blocks that are not in the page, or are not about this installation. */
  readonly staleBlocks: readonly string[];
  /** What could not be looked at, each with why. */
  readonly notLookedAt: readonly string[];
}

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
