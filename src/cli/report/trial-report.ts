import type { SealwrightError } from '../../errors.ts';
import type { ImageRecord } from '../../workflows/admission/decision-record.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { columns } from './columns.ts';
import { errorDocument } from './report-document.ts';
import { attribute, content, junitXml, type TestCase } from './junit-xml.ts';

/** What would be decided about one image. */
export interface Trial {
  readonly object?: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly outcome: TrialOutcome;
  readonly record: ImageRecord;
  readonly denials: readonly SealwrightError[];
  readonly warnings: readonly SealwrightError[];
}

export type TrialOutcome = 'allow' | 'warn' | 'deny' | 'could-not-check';

const SCHEMA = 'urn:sealwright:policy-test:v1';
const WORDS: Readonly<Record<TrialOutcome, string>> = {
  allow: 'admitted',
  warn: 'WARNED',
  deny: 'REFUSED',
  'could-not-check': 'UNKNOWN',
};
const NONE = '-';

/** In the form that `--output` names: for people a table, for programs without a wish what policy-tester prints. */
export function printTrials({ flags, terminal, now }: CommandContext, trials: readonly Trial[]): void {
  switch (flags.string('output') ?? (terminal.isResultSeen ? 'table' : 'policy-tester')) {
    case 'json':
      terminal.result(JSON.stringify(trialDocument(trials, now()), null, 2));
      break;
    case 'junit':
      terminal.result(trialsAsJunit(trials, now()));
      break;
    case 'table':
      terminal.result(columns([['VERDICT', 'IMAGE', 'OBJECT', 'POLICY', 'SIGNER', 'WHY'], ...trials.flatMap(rows)]));
      break;
    default:
      for (const line of testerLines(trials)) terminal.result(line);
  }
}

/** With policy-tester's own members, `errors` and `warnings`, as texts. */
function trialDocument(trials: readonly Trial[], at: Date): object {
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    decidedAt: at.toISOString(),
    ...testerOutput(trials),
    results: trials.map(({ object, outcome, record, denials, warnings }) => ({
      ...(object === undefined ? {} : { object }),
      outcome,
      ...record,
      denials: denials.map(errorDocument),
      warnings: warnings.map(errorDocument),
    })),
  };
}

/** Nothing where all is well, and else one line (cmd/tester/main.go). */
function testerLines(trials: readonly Trial[]): readonly string[] {
  const output = testerOutput(trials);
  return output.errors === undefined ? [] : [JSON.stringify(output)];
}

function testerOutput(trials: readonly Trial[]): { errors?: readonly string[]; warnings?: readonly string[] } {
  const errors = trials.flatMap(({ record }) => record.denials);
  const warnings = trials.flatMap(({ record }) => record.warnings);
  return { ...(errors.length === 0 ? {} : { errors }), ...(warnings.length === 0 ? {} : { warnings }) };
}

function rows({ object, outcome, record, denials, warnings }: Trial): readonly (readonly string[])[] {
  const image = record.resolved ?? record.image;
  const where = object === undefined ? NONE : objectText(object);
  const why = [...denials, ...warnings].map(({ code, message }) => `${code} ${message}`).join('; ');
  const judged = record.policies.map(({ policy, signer }) => [policy, signer ?? NONE] as const);
  return (judged.length === 0 ? [[NONE, NONE] as const] : judged).map(([policy, signer], index) => [
    index === 0 ? WORDS[outcome] : '',
    index === 0 ? image : '',
    index === 0 ? where : '',
    policy,
    signer,
    index === 0 ? why || NONE : '',
  ]);
}

/** A suite for each object, or for all that stand in none, and a case for each image. */
function trialsAsJunit(trials: readonly Trial[], at: Date): string {
  const suites = new Map<string, TestCase[]>();
  for (const trial of trials) {
    const name = trial.object === undefined ? 'images' : objectText(trial.object);
    suites.set(name, [...(suites.get(name) ?? []), trialCase(trial)]);
  }
  const all = [...suites].map(([name, cases]) => ({ name, cases }));
  return junitXml('sealwright policy test', all, at.toISOString());
}

function trialCase({ outcome, record, denials, warnings }: Trial): TestCase {
  const element = outcome === 'could-not-check' ? 'error' : 'failure';
  const refused = denials.map(({ code, message, facts }) => {
    const { found, expected, closest, fix } = facts;
    const details = Object.entries({ found, expected, closest, fix }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: ${visibleText(value)}`],
    );
    return `<${element} type=${attribute(code)} message=${attribute(message)}>${content(details.join('\n'))}</${element}>`;
  });
  const told = warnings.map(
    ({ code, message }) => `<system-out>${content(visibleText(`${code} ${message}`))}</system-out>`,
  );
  return { name: `${record.image} is admitted`, body: [...refused, ...told] };
}

/** The outcome as one word. */
export function trialText({ outcome }: Pick<Trial, 'outcome'>): string {
  return WORDS[outcome];
}

function objectText({ kind, namespace, name }: NonNullable<Trial['object']>): string {
  return `${kind} ${namespace}/${name === '' ? '(no name yet)' : name}`;
}
