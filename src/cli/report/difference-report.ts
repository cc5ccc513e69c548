import type { PolicyDifference } from '../../core/policy/conversion/policy-difference.ts';
import type { NotLookedAt } from '../../workflows/planning/cluster-workloads.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { errorDocument } from './report-document.ts';
import { trialText, type Trial } from './trial-report.ts';

/** One image about which two sets of policies decide differently. */
export interface DecisionChange {
  readonly old: Trial;
  readonly now: Trial;
}

export interface DifferenceReport {
  readonly policies: readonly PolicyDifference[];
  /** How many images were decided about by both. */
  readonly decided: number;
  readonly decisions: readonly DecisionChange[];
  readonly notLookedAt: readonly NotLookedAt[];
}

const SCHEMA = 'urn:sealwright:policy-diff:v1';
const MARKS = { added: '+', removed: '-', changed: '~' } as const;

export function printDifference({ flags, terminal, now }: CommandContext, report: DifferenceReport): void {
  if (flags.string('output') === 'json') {
    terminal.result(JSON.stringify(documentOf(report, now()), null, 2));
    return;
  }
  for (const line of differenceLines(report)) terminal.result(visibleText(line));
}

export function differenceLines({ policies, decided, decisions, notLookedAt }: DifferenceReport): readonly string[] {
  return [
    ...policies.flatMap(({ policy, kind, changes }) => [
      `${MARKS[kind]} ${policy} ${kind}`,
      ...changes.map(({ effect, text }) => `    ${effect.padEnd(9)} ${text}`),
    ]),
    ...(policies.length === 0 ? ['the policies admit the same'] : []),
    ...(decided === 0
      ? []
      : ['', `${decisions.length} of ${decided} decisions change${decisions.length === 0 ? '' : ':'}`]),
    ...decisions.flatMap(({ old, now }) => [
      `  ${trialText(old)} → ${trialText(now)}  ${now.record.resolved ?? now.record.image}${place(now)}`,
      ...[...now.denials, ...now.warnings].map(({ code, message }) => `    ${code}  ${message}`),
    ]),
    ...notLookedAt.map(({ what, error }) => `not looked at: ${what}: ${error.code} ${error.message}`),
  ];
}

function place({ object }: Trial): string {
  return object === undefined ? '' : `  ${object.kind} ${object.namespace}/${object.name}`;
}

function documentOf({ policies, decided, decisions, notLookedAt }: DifferenceReport, at: Date): object {
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    comparedAt: at.toISOString(),
    policies,
    decided,
    decisions: decisions.map(({ old, now }) => ({
      ...(now.object === undefined ? {} : { object: now.object }),
      image: now.record.resolved ?? now.record.image,
      before: { outcome: old.outcome, errors: [...old.denials, ...old.warnings].map(errorDocument) },
      after: { outcome: now.outcome, errors: [...now.denials, ...now.warnings].map(errorDocument) },
    })),
    notLookedAt: notLookedAt.map(({ what, error }) => ({ what, error: errorDocument(error) })),
  };
}
