import type { EmergencyFacts } from '../../core/emergency/emergency-facts.ts';
import { scenarioOf, type ScenarioName } from '../../core/emergency/emergency-scenario.ts';
import type { TabletopStep } from '../../core/emergency/tabletop-record.ts';
import { isBroad, type RevocationSelector } from '../../core/revocation/revocation-selector.ts';
import { shellCommand } from '../terminal/shell-word.ts';

/** What an emergency is about, as far as the commands need it. */
export interface EmergencyCase {
  readonly scenario: ScenarioName;
  /** Undefined for an image, of which nobody knows the digest before. */
  readonly selector?: RevocationSelector;
  /** The draft's file; for an image, what stands for its name. */
  readonly about: string;
  readonly facts: Pick<EmergencyFacts, 'authority' | 'cluster'>;
}

const INCIDENT = 'incident.json';

/** How many members have to agree. */
export function approvalsNeeded({ selector, facts: { authority } }: EmergencyCase): number {
  if (authority === undefined) return 0;
  return selector === undefined || !isBroad(selector) ? authority.quorum.narrow : authority.quorum.broad;
}

/** Who does what, in which order: the same in the plan, and at the table. */
export function emergencySteps(input: EmergencyCase): readonly TabletopStep[] {
  const { scenario, selector, about, facts } = input;
  const { hasBeginning, severity } = scenarioOf(scenario);
  const subject = selector === undefined ? [about] : ['--draft', about];
  const from = hasBeginning ? ['--from', 'TIME-OF-THE-THEFT'] : [];
  const others = Math.max(0, approvalsNeeded(input) - 1);
  const counted = selector === undefined || !isBroad(selector) ? [] : ['--expect-count', 'COUNT-OF-THE-PLAN'];
  const sign = [
    'revoke',
    'sign',
    '--key',
    'KEY',
    '--reason',
    'WHAT HAPPENED',
    '--severity',
    severity,
    ...from,
    ...counted,
  ];
  return [
    step('incident lead', 'see what it would stop, and what nobody knows', '5 minutes', [
      'revoke',
      'plan',
      ...from,
      ...subject,
    ]),
    ...atTheSource(selector),
    step('a member', 'say it: signed, and logged', '2 seconds', [...sign, '--out', INCIDENT, ...subject]),
    ...(others === 0
      ? []
      : [
          step(`${others} more ${others === 1 ? 'member' : 'members'}`, 'read it, and agree', '15 minutes', [
            ...['revoke', 'approve', '--key', 'KEY', INCIDENT],
          ]),
        ]),
    step('keeper of the snapshot key', 'tell every verifier', '5 seconds; webhooks within 30', [
      ...['revoke', 'publish', '--snapshot-key', 'KEY', INCIDENT],
    ]),
    ...(facts.cluster === undefined
      ? []
      : [
          step('platform on call', 'find the copies that run', '2 minutes', ['revoke', 'watch', '--once']),
          step('platform on call', 'end them, within their disruption budgets', 'as many minutes as they are tens', [
            ...['revoke', 'watch', '--level', 'evict', '--dry-run=false'],
          ]),
        ]),
    step('platform on call', 'have verifiers of others deny it too', '15 minutes', ['revoke', 'export', '--to', 'vap']),
    ...evidence(selector),
    { who: 'communications', what: 'tell who is concerned, with the texts of the plan', within: '1 hour' },
  ];
}

/** After the repair: what makes good again what was not. */
export function repairSteps({ authority }: Pick<EmergencyFacts, 'authority'>): readonly TabletopStep[] {
  const needed = authority?.quorum.relaxing ?? 0;
  return [
    step('incident lead', 'sign anew what was rebuilt, and verify it as the webhook does', 'before anything else', [
      ...['verify', '--policy', 'POLICIES', 'IMAGE'],
    ]),
    step(
      'a member',
      'end the window: what is signed from then on counts again',
      'once the cause is gone, and no sooner',
      [
        'revoke',
        'sign',
        '--key',
        'KEY',
        '--reason',
        'REPAIRED',
        '--draft',
        'DRAFT',
        '--from',
        'AS-BEFORE',
        '--to',
        'TIME-OF-THE-REPAIR',
        '--supersedes',
        'ID',
        '--out',
        'repair.json',
      ],
    ),
    step('a member', 'or, where it was a mistake, take it back altogether', 'never in a hurry', [
      ...['revoke', 'sign', '--key', 'KEY', '--reason', 'A MISTAKE', '--reinstate', 'ID', '--out', 'repair.json'],
    ]),
    step(`members, ${needed} in all`, 'agree', 'the same day', ['revoke', 'approve', '--key', 'KEY', 'repair.json']),
    step('keeper of the snapshot key', 'tell every verifier', '5 seconds', [
      ...['revoke', 'publish', '--snapshot-key', 'KEY', 'repair.json'],
    ]),
  ];
}

/** Records where `plan check` looks for them. */
export function exerciseSteps({ cluster }: Pick<EmergencyFacts, 'cluster'>, folder: string): readonly TabletopStep[] {
  const namespace = cluster === undefined ? [] : ['-n', 'CANARY-NAMESPACE'];
  return [
    step('members', 'revoke a canary for real, and time it', 'every 90 days', [
      ...['revoke', 'drill', '--key', 'KEY', '--key', 'KEY', '--to', 'DIR', '--snapshot-key', 'KEY', ...namespace],
      ...['--push', 'REGISTRY/CANARY', '--canary-key', 'KEY', '--out', `${folder}/records/drill-DATE.json`],
    ]),
    step('everybody of this plan', 'walk through an emergency at a table', 'every 180 days', [
      ...['tabletop', 'stolen-identity', '--plan', folder, '--participant', 'NAME', '--record'],
    ]),
    step('platform on call', 'look whether the plan is still true', 'every day, in CI', ['plan', 'check', folder]),
  ];
}

/** A certificate authority of our own refuses the identity at once; a revocation is about what was signed. */
function atTheSource(selector: RevocationSelector | undefined): readonly TabletopStep[] {
  if (selector?.kind !== 'identity') return [];
  const { issuer, subject } = selector;
  const command = ['ca', 'suspend', '--dir', 'DIR', '--issuer', issuer, '--reason', 'WHAT HAPPENED', subject.source];
  return [step('platform on call', 'give it no more certificates', '5 minutes', command)];
}

function evidence(selector: RevocationSelector | undefined): readonly TabletopStep[] {
  const who =
    selector?.kind === 'identity'
      ? ['--issuer', selector.issuer, '--identity', selector.subject.source]
      : selector?.kind === 'key'
        ? ['--public-key', selector.keyId]
        : undefined;
  if (who === undefined) return [];
  const command = ['log', 'search', ...who, '--after', 'TIME-OF-THE-THEFT'];
  return [step('incident lead', 'list what it has signed, and keep the list', '1 hour', command)];
}

function step(who: string, what: string, within: string, words: readonly string[]): TabletopStep {
  return { who, what, within, command: shellCommand(['sealwright', ...words]) };
}
