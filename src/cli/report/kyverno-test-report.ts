import type { TestRow } from '../../core/policy/kyverno/test-rows.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { columns } from './columns.ts';
import { attribute, content, junitXml } from './junit-xml.ts';

/** What came out of one test file. */
export interface TestReport {
  readonly file: string;
  readonly name: string;
  readonly rows: readonly TestRow[];
}

const SCHEMA = 'urn:sealwright:kyverno-test:v1';

/** As `kyverno test` has it: a row for each rule and object. */
export function printTestRows({ flags, terminal, now }: CommandContext, reports: readonly TestReport[]): void {
  switch (flags.string('output')) {
    case 'json':
      terminal.result(JSON.stringify(documentOf(reports, now()), null, 2));
      break;
    case 'junit':
      terminal.result(junitXml('sealwright policy test', reports.map(suiteOf), now().toISOString()));
      break;
    default:
      terminal.result(columns([['ID', 'POLICY', 'RULE', 'RESOURCE', 'RESULT', 'REASON'], ...tableRows(reports)]));
  }
}

function tableRows(reports: readonly TestReport[]): readonly (readonly string[])[] {
  const rows = reports.flatMap((report) => report.rows);
  return rows.map(({ policy, rule, resource, result, reason }, index) => [
    String(index + 1),
    policy,
    rule || '-',
    resource,
    result,
    reason,
  ]);
}

function documentOf(reports: readonly TestReport[], at: Date): object {
  const rows = reports.flatMap((report) => report.rows);
  const failed = rows.filter(({ result }) => result === 'Fail').length;
  return {
    schema: SCHEMA,
    program: { name: 'sealwright', version: packageVersion() },
    decidedAt: at.toISOString(),
    passed: rows.length - failed,
    failed,
    tests: reports,
  };
}

function suiteOf({ file, name, rows }: TestReport): Parameters<typeof junitXml>[1][number] {
  return {
    name: name === '' ? file : name,
    cases: rows.map(({ policy, rule, resource, result, reason, message }) => ({
      name: `${policy}${rule === '' ? '' : `/${rule}`} ${resource}`,
      body:
        result === 'Pass'
          ? []
          : [`<failure type="POLICY_DENIED" message=${attribute(reason)}>${content(message)}</failure>`],
    })),
  };
}
