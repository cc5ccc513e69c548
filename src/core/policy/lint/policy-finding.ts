import type { PatternFinding } from '../../identity/pattern-finding.ts';

export const FINDING_LEVELS = ['error', 'warning', 'note'] as const;
/** `error`: the policy does something else than it says. `warning`: it lets in more, or less, than is likely to be meant. */
export type FindingLevel = (typeof FINDING_LEVELS)[number];

/** Something that the author of a policy should know. Rules are stable names: programs tell findings apart by them. */
export interface PolicyFinding {
  readonly rule: string;
  readonly level: FindingLevel;
  /** `ClusterImagePolicy shop`; undefined for a file as a whole. */
  readonly subject?: string;
  /** `spec.authorities[0].keyless.identities[0].subjectRegExp`; empty for the object as a whole. */
  readonly path: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** Who gets in though nobody meant it. */
  readonly example?: string;
  readonly instead?: string;
}

/** What opens a policy to everybody, or makes it do nothing. */
const GRAVE: readonly PatternFinding['name'][] = [
  'matches-anything',
  'glob-as-pattern',
  'pattern-as-text',
  'workflow-without-ref',
];

export function findingOfPattern(finding: PatternFinding, subject: string, path: string): PolicyFinding {
  const { name, part, problem, example, instead } = finding;
  return {
    rule: `identity-${name}`,
    level: GRAVE.includes(name) ? 'error' : 'warning',
    subject,
    path,
    message: `${part} ${finding.pattern}: ${problem}`,
    ...(example === undefined || example === finding.pattern ? {} : { example }),
    instead,
  };
}
