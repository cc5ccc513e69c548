import type { SelectorKind } from '../revocation/revocation-selector.ts';

/** What may happen, the usual ones first. */
export interface EmergencyScenario {
  readonly name: ScenarioName;
  readonly title: string;
  readonly kind: SelectorKind;
  /** How one notices. */
  readonly trigger: string;
  readonly severity: 'high' | 'critical';
  /** What a statement about it leaves alone. */
  readonly staysGood: string;
  /** What has to be done beside it. */
  readonly alsoDo: string;
  /** Whether a time of the theft spares what was signed before. */
  readonly hasBeginning: boolean;
}

export const SCENARIO_NAMES = [
  'hostile-image',
  'stolen-identity',
  'leaked-key',
  'ca-compromise',
  'log-compromise',
  'tsa-compromise',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export const SCENARIOS: readonly EmergencyScenario[] = [
  {
    name: 'hostile-image',
    title: 'One bad image',
    kind: 'digest',
    trigger: 'a finding in an image that runs: malware, a secret, a build that nobody ordered',
    severity: 'high',
    staysGood: 'everything else, whoever has signed it',
    alsoDo: 'offer a digest to run instead (`--replacement`); see that the tag does not come back',
    hasBeginning: false,
  },
  {
    name: 'stolen-identity',
    title: 'The identity or workflow of a build was stolen',
    kind: 'identity',
    trigger: 'a signature in the log that no run of the pipeline accounts for; a token or account taken over',
    severity: 'critical',
    staysGood: 'what was signed before the theft and, once repaired, after it',
    alsoDo:
      'stop its certificates (`ca suspend`), end its sessions at the identity provider, list what it signed (`log search`)',
    hasBeginning: true,
  },
  {
    name: 'leaked-key',
    title: 'A long-lived key leaked',
    kind: 'key',
    trigger: 'a private key or its password in a repository, a log, an image, or somebody else’s hands',
    severity: 'critical',
    staysGood: 'what a trusted witness had seen before the leak; nothing, of signatures without a time',
    alsoDo: 'sign what runs anew by another signer, take the key out of every policy',
    hasBeginning: true,
  },
  {
    name: 'ca-compromise',
    title: 'A certificate authority was compromised',
    kind: 'ca',
    trigger: 'a certificate in the CT log that no token accounts for; the authority’s key or host taken over',
    severity: 'critical',
    staysGood: 'what a log or a timestamp authority had seen before',
    alsoDo:
      'set up another authority and a trusted root with it; members who approve by certificates of it cannot any more',
    hasBeginning: true,
  },
  {
    name: 'log-compromise',
    title: 'A transparency log was compromised',
    kind: 'log',
    trigger: 'two checkpoints that do not agree; an entry that is gone; the log’s key or host taken over',
    severity: 'critical',
    staysGood: 'what a timestamp authority had seen before; its own times count no more',
    alsoDo: 'start another shard, keep the last checkpoint that a witness has seen',
    hasBeginning: true,
  },
  {
    name: 'tsa-compromise',
    title: 'A timestamp authority was compromised',
    kind: 'tsa',
    trigger: 'a timestamp of a time that cannot be; the authority’s key or host taken over',
    severity: 'critical',
    staysGood: 'signatures with another trusted time, and keys that need none',
    alsoDo: 'set up another authority; do not judge any window by its clock',
    hasBeginning: true,
  },
];

export function scenarioOf(name: ScenarioName): EmergencyScenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new TypeError(`no scenario is called ${name}`);
  return found;
}
