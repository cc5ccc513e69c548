/** What a check of a plan finds, rule by rule, and what it must not find. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingContacts, type Contact } from '../../../src/core/emergency/emergency-contacts.ts';
import type { EmergencyFacts } from '../../../src/core/emergency/emergency-facts.ts';
import { checkPlan, type PlanInput } from '../../../src/core/emergency/plan-check.ts';
import { PLAN_RULES } from '../../../src/core/emergency/plan-finding.ts';
import { draftsFor } from '../../../src/core/emergency/statement-draft.ts';
import { FACTS } from '../../support/emergency.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const before = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000);
const CONTACTS: readonly Contact[] = missingContacts([], FACTS).map(({ name, role }) => ({
  ...{ name: name === '' ? 'cem' : name, role, reach: '+1 555 0100', backup: 'pager' },
}));
/** Every signer can be named. */
const NAMED: EmergencyFacts = {
  ...FACTS,
  policies: FACTS.policies.map(({ name, signers }) => ({
    name,
    signers: signers.filter(({ kind }) => kind !== 'other'),
  })),
};
const DRILL = { endedAt: before(90), passed: true, isInCluster: true, detail: '', again: 'drill again' };
const { authority, cluster } = NAMED;
assert.ok(authority !== undefined && cluster !== undefined);
const without = ({ cluster: _, ...rest }: EmergencyFacts): EmergencyFacts => rest;
const unruled = ({ authority: _, ...rest }: EmergencyFacts): EmergencyFacts => rest;
const quorum = (relaxing: number): EmergencyFacts => ({
  ...NAMED,
  authority: { ...authority, quorum: { ...authority.quorum, relaxing } },
});

function input(rest: Partial<PlanInput>): PlanInput {
  return {
    plan: { writtenAt: before(300), facts: NAMED },
    facts: NAMED,
    revokedMembers: [],
    contacts: CONTACTS,
    drafts: draftsFor(NAMED),
    staleBlocks: [],
    drills: [DRILL],
    tabletops: [{ heldAt: before(180), open: [] }],
    unreadable: [],
    firstDrill: 'drill first',
    notLookedAt: [],
    drillDays: 90,
    tabletopDays: 180,
    now: NOW,
    ...rest,
  };
}

const CASES: readonly (readonly [name: string, rest: Partial<PlanInput>, rules: readonly string[]])[] = [
  ['a plan that is whole', {}, []],
  [
    'nobody may revoke',
    { facts: unruled(NAMED), contacts: CONTACTS.filter(({ role }) => role !== 'may revoke') },
    ['authority-missing'],
  ],
  ['somebody may revoke since', { plan: { writtenAt: NOW, facts: unruled(NAMED) } }, ['authority-changed']],
  [
    'another authority',
    { facts: { ...NAMED, authority: { ...authority, digest: 'a'.repeat(64) } } },
    ['authority-changed'],
  ],
  [
    'one person alone',
    {
      facts: {
        ...NAMED,
        authority: {
          ...authority,
          members: authority.members.slice(0, 1),
          quorum: { narrow: 1, broad: 1, relaxing: 1 },
        },
      },
      contacts: CONTACTS.filter(({ name }) => name !== 'ben'),
    },
    ['authority-single'],
  ],
  ['a member of two is revoked, and two have to agree', { revokedMembers: ['ben'] }, ['authority-locked']],
  [
    'a member of two is revoked, and one suffices',
    {
      revokedMembers: ['ben'],
      facts: { ...NAMED, authority: { ...authority, quorum: { narrow: 1, broad: 1, relaxing: 1 } } },
    },
    [],
  ],
  ['nobody could reinstate', { revokedMembers: ['ben'], facts: { ...quorum(2) } }, ['authority-locked']],
  [
    'another trusted root',
    { facts: { ...NAMED, trust: { ...NAMED.trust, digest: 'b'.repeat(64) } } },
    ['trust-changed'],
  ],
  ['a member whom nobody listed', { contacts: CONTACTS.filter(({ name }) => name !== 'ann') }, ['contact-missing']],
  [
    'a role without anybody',
    { contacts: CONTACTS.filter(({ role }) => role !== 'communications') },
    ['contact-missing'],
  ],
  [
    'one way to reach somebody',
    { contacts: CONTACTS.map((one) => (one.name === 'ann' ? { ...one, backup: ' ' } : one)) },
    ['contact-missing'],
  ],
  [
    'somebody who has left',
    { contacts: [...CONTACTS, { name: 'dan', role: 'may revoke', reach: 'x', backup: 'y' }] },
    ['contact-unknown'],
  ],
  [
    'a person of no role that is needed',
    { contacts: [...CONTACTS, { name: 'dan', role: 'lawyer', reach: 'x', backup: 'y' }] },
    [],
  ],
  ['no drafts', { drafts: draftsFor(NAMED).slice(1) }, ['draft-missing']],
  [
    'a draft of an identity that no policy accepts',
    { facts: { ...NAMED, policies: [] } },
    ['draft-stale', 'draft-stale'],
  ],
  ['a signer whom nothing can name', { facts: FACTS }, ['signer-undrafted']],
  [
    'another cluster',
    { facts: { ...NAMED, cluster: { ...cluster, server: 'https://other.example' } } },
    ['cluster-changed'],
  ],
  ['a cluster where there was none', { plan: { writtenAt: NOW, facts: without(NAMED) } }, ['cluster-changed']],
  [
    'no cluster, now and before',
    {
      facts: without(NAMED),
      plan: { writtenAt: NOW, facts: without(NAMED) },
      drills: [{ ...DRILL, isInCluster: false }],
    },
    [],
  ],
  ['a new registry', { facts: { ...NAMED, registries: ['ghcr.io', 'registry.example'] } }, ['registry-unknown']],
  ['a registry that is left', { facts: { ...NAMED, registries: [] } }, []],
  ['a changed page', { staleBlocks: ['repair'] }, ['page-changed']],
  ['no drill', { drills: [] }, ['drill-missing']],
  ['a drill a day too old', { drills: [{ ...DRILL, endedAt: before(91) }] }, ['drill-old']],
  ['an old drill beside a new one', { drills: [{ ...DRILL, endedAt: before(400), passed: false }, DRILL] }, []],
  [
    'a failure after a success',
    { drills: [DRILL, { ...DRILL, endedAt: before(1), passed: false, detail: 'denied' }] },
    ['drill-failed'],
  ],
  [
    'a success after a failure',
    {
      drills: [
        { ...DRILL, passed: false },
        { ...DRILL, endedAt: before(1) },
      ],
    },
    [],
  ],
  ['a drill beside the cluster', { drills: [{ ...DRILL, isInCluster: false }] }, ['drill-partial']],
  ['a drill of next year', { drills: [{ ...DRILL, endedAt: before(-365) }] }, ['record-unreadable', 'drill-missing']],
  ['a drill of this evening elsewhere', { drills: [{ ...DRILL, endedAt: before(-0.5) }] }, []],
  ['a record that is none', { unreadable: ['x.json: FORMAT_PLAN'] }, ['record-unreadable']],
  ['no tabletop', { tabletops: [] }, ['tabletop-missing']],
  ['a tabletop a day too old', { tabletops: [{ heldAt: before(181), open: [] }] }, ['tabletop-old']],
  [
    'open questions',
    { tabletops: [{ heldAt: before(1), open: ['who?', 'where?'] }] },
    ['tabletop-open', 'tabletop-open'],
  ],
  [
    'questions that were open once',
    {
      tabletops: [
        { heldAt: before(9), open: ['who?'] },
        { heldAt: before(1), open: [] },
      ],
    },
    [],
  ],
  ['what nobody could look at', { notLookedAt: ['the policies: down'] }, ['not-looked-at']],
];

for (const [name, rest, rules] of CASES) {
  test(`${rules.length === 0 ? 'well' : 'found'}: ${name}`, () => {
    const findings = checkPlan(input(rest));
    assert.deepEqual(
      findings.map(({ rule }) => rule),
      rules,
      JSON.stringify(findings),
    );
    assert.ok(findings.every(({ found, fix }) => found !== '' && fix !== ''));
  });
}

test('every rule has a case that it finds', () => {
  const covered = new Set(CASES.flatMap(([, , rules]) => rules));
  assert.deepEqual(
    PLAN_RULES.filter((rule) => !covered.has(rule)),
    [],
  );
});
