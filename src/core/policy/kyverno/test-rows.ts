import type { ExpectedResult, ResourceName, RuleResult } from './test-file.ts';

/** What a rule came to about an object. */
export interface RuleOutcome {
  readonly policy: string;
  /** As Kyverno names it: for the controllers of pods with `autogen-`. */
  readonly rule: string;
  /** Whether it is a policy without rules. */
  readonly isWhole: boolean;
  readonly result: RuleResult;
  readonly message: string;
}

/** An object and what each rule about it came to. */
export interface TestedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly outcomes: readonly RuleOutcome[];
  /** Policies with rules, which are there for every object, whether or not one of their rules is about it. */
  readonly policies: readonly string[];
}

/** A line of the report, with the words of `kyverno test`. */
export interface TestRow {
  readonly policy: string;
  readonly rule: string;
  readonly resource: string;
  readonly result: 'Pass' | 'Fail';
  /** `Ok`, `Want pass, got fail`, `Excluded` or `Not found`. */
  readonly reason: string;
  readonly message: string;
}

/**
 * The rows for what was expected (Kyverno cmd/cli/kubectl-kyverno/commands/test/output.go).
 *
 * One thing is stricter: an object that is named and is in none of the files fails, where Kyverno then looks at every other.
 */
export function testRows(expected: ExpectedResult, objects: readonly TestedObject[]): readonly TestRow[] {
  const { resources } = expected;
  if (resources.length === 0) return objects.flatMap((object) => rowsFor(expected, object));
  return resources.flatMap((named) => {
    const found = objects.filter((object) => isNamed(named, object));
    if (found.length > 0) return found.flatMap((object) => rowsFor(expected, object));
    return [
      row(expected, expected.rule ?? '', named.text, 'Fail', 'Not found', 'no object of that name is in the resources'),
    ];
  });
}

function isNamed({ name, namespace, apiVersion, kind }: ResourceName, object: TestedObject): boolean {
  return (
    name === object.name &&
    (namespace === undefined || namespace === object.namespace) &&
    (apiVersion === undefined || apiVersion === object.apiVersion) &&
    (kind === undefined || kind === object.kind)
  );
}

function rowsFor(expected: ExpectedResult, object: TestedObject): readonly TestRow[] {
  const resource = [object.apiVersion, object.kind, object.namespace, object.name].join('/');
  const name = expected.policy.split('/').at(-1) ?? '';
  const ofPolicy = object.outcomes.filter(({ policy }) => policy === name);
  const outcomes = ofPolicy.filter((outcome) => isRule(expected.rule, outcome));
  if (outcomes.length > 0) {
    return outcomes.map(({ rule, result, message }) =>
      result === expected.result
        ? row(expected, rule, resource, 'Pass', 'Ok', message)
        : row(expected, rule, resource, 'Fail', `Want ${expected.result}, got ${result}`, message),
    );
  }
  if (object.policies.includes(name)) {
    return [row(expected, expected.rule ?? '', resource, 'Pass', 'Excluded', 'no rule of the policy is about it')];
  }
  return [
    row(expected, expected.rule ?? '', resource, 'Fail', 'Not found', 'the policy is not there, or not about it'),
  ];
}

/** Policies in CEL have no rules, and are found whatever rule is named. */
function isRule(expected: string | undefined, { rule, isWhole }: RuleOutcome): boolean {
  return (
    expected === undefined || isWhole || [expected, `autogen-${expected}`, `autogen-cronjob-${expected}`].includes(rule)
  );
}

function row(
  { policy }: ExpectedResult,
  rule: string,
  resource: string,
  result: TestRow['result'],
  reason: string,
  message: string,
): TestRow {
  return { policy, rule, resource, result, reason, message };
}
