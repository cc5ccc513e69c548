import { dirname, resolve } from 'node:path';
import { parseManifestObjects } from '../../core/policy/workload/manifest-objects.ts';
import type { KyvernoTest, TestOperation, TestUser } from '../../core/policy/kyverno/test-file.ts';
import {
  parseKyvernoTest,
  parseKyvernoTestUser,
  parseKyvernoTestValues,
} from '../../core/policy/kyverno/test-file-parser.ts';
import { testRows, type TestedObject } from '../../core/policy/kyverno/test-rows.ts';
import { PolicyError } from '../../errors.ts';
import { findNamedFiles } from '../../io/files/named-files.ts';
import { judgeByRule } from '../../workflows/planning/kyverno-test-run.ts';
import { chosenPolicies } from '../choices/policy-choice.ts';
import { openRehearsal } from '../choices/rehearsal-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';
import { printTestRows, type TestReport } from '../report/kyverno-test-report.ts';

const FILE_NAME = 'kyverno-test.yaml';

/**
 * Runs Kyverno's test files, and prints the rows of `kyverno test`.
 *
 * @throws PolicyError POLICY_DENIED when something came out otherwise than expected; UsageError USAGE_FILE; FormatError FORMAT_POLICY
 *   for what a file asks for and is not done here; what decisions need throws
 */
export async function runKyvernoTests(context: CommandContext, places: readonly string[]): Promise<void> {
  const files = (await Promise.all(places.map((place) => findNamedFiles(place, FILE_NAME)))).flat();
  const reports: TestReport[] = [];
  for (const file of files) reports.push(await runFile(context, file));
  printTestRows(context, reports);
  const rows = reports.flatMap((report) => report.rows);
  const failed = rows.filter(({ result }) => result === 'Fail');
  const [first] = failed;
  if (first === undefined) return;
  throw new PolicyError('POLICY_DENIED', `${failed.length} of ${rows.length} rows came out otherwise than expected`, {
    found: `${first.policy} ${first.rule} ${first.resource}: ${first.reason}`,
    expected: 'what the results of the test file say',
  });
}

async function runFile(context: CommandContext, file: string): Promise<TestReport> {
  const test = parseKyvernoTest(readTextFile(file), file);
  const near = (path: string): string => resolve(dirname(file), path);
  const values = test.variables === undefined ? test.values : valuesOf(test, near(test.variables));
  const user: TestUser | undefined =
    test.userInfo === undefined ? undefined : parseKyvernoTestUser(readTextFile(near(test.userInfo)), test.userInfo);
  const objects = test.resources.flatMap((path) => parseManifestObjects(readTextFile(near(path)), path));
  const { policies } = await chosenPolicies(context, test.policies.map(near), test.exceptions.map(near));
  const opened = await openRehearsal(context, [policies]);
  try {
    const judged = new Map<TestOperation, readonly TestedObject[]>();
    const asked = new Set(test.results.map(({ operation }) => operation ?? values.operation ?? 'CREATE'));
    for (const operation of asked) {
      const { rehearsal, access } = opened;
      const input = { policies: policies.policies, references: policies.references, objects, values, operation };
      judged.set(operation, await judgeByRule({ ...input, user, rehearsal, access }));
    }
    const rows = test.results.flatMap((expected) =>
      testRows(expected, judged.get(expected.operation ?? values.operation ?? 'CREATE') ?? []),
    );
    return { file, name: test.name, rows };
  } finally {
    await opened.close();
  }
}

/** Those of the file, and what stands in the test beside it. */
function valuesOf(test: KyvernoTest, path: string): KyvernoTest['values'] {
  const own = parseKyvernoTestValues(readTextFile(path), path);
  return {
    operation: test.values.operation ?? own.operation,
    namespaces: new Map([...own.namespaces, ...test.values.namespaces]),
  };
}
