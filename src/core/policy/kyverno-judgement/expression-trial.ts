import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import { FormatError, PolicyError, RemoteError } from '../../../errors.ts';
import type { PolicyContext } from '../judgement/policy-context.ts';
import type { Conditions } from '../kyverno/conditions-evaluation.ts';
import type { ImagePolicyResult } from '../kyverno/image-policy-evaluation.ts';
import type { ImageValidatingPolicy } from '../kyverno/image-validating-policy.ts';
import type { ValidatingException } from '../kyverno/policy-exception.ts';

/** What expressions are tried on: an engine, and the time. */
export type ExpressionTrial = Pick<PolicyContext, 'evaluateImagePolicy' | 'evaluateConditions' | 'now'>;

interface Placed {
  readonly path: string;
  readonly expression: string;
}

/** `matchImageReferences` are compiled when an image is held against them. */
const SOME_IMAGE = 'registry.example/image:1';
/** Variables, and references to other places of the policy. */
const HAS_VARIABLES = /\{\{|\$\(/;

/**
 * Expressions in CEL that do not compile, each with its place. Kyverno compiles them when a policy is made; here they would otherwise
 * be found out by the first image, which is too late for their author.
 *
 * @throws RemoteError POLICY_ENGINE_*, LimitError when nobody can tell
 */
export async function expressionProblems(
  { expressions }: Pick<ImageValidatingPolicy, 'expressions'>,
  trial: ExpressionTrial,
): Promise<readonly string[]> {
  const placed = (list: string, member: string): readonly Placed[] =>
    (expressions[list] as readonly Readonly<Record<string, string>>[]).flatMap((one, index) =>
      (one[member] ?? '') === '' ? [] : [{ path: `spec.${list}[${index}].${member}`, expression: one[member] ?? '' }],
    );
  const names: JsonObject = {
    attestors: expressions['attestors'] ?? [],
    attestations: expressions['attestations'] ?? [],
  };
  const all = [
    ...['matchConditions', 'variables', 'images', 'validations'].flatMap((list) => placed(list, 'expression')),
    ...placed('validations', 'messageExpression'),
  ];
  const problems = await problemsOf(all, names, trial);
  for (const { path, expression } of placed('references', 'expression')) {
    const problem = await compileProblem({ ...names, references: [{ glob: '', expression }] }, trial);
    if (problem !== undefined) problems.push(`${path.replace('references', 'matchImageReferences')}: ${problem}`);
  }
  return problems;
}

/** The same of an exception's match conditions. */
export async function exceptionProblems(
  { conditions }: Pick<ValidatingException, 'conditions'>,
  trial: ExpressionTrial,
): Promise<readonly string[]> {
  const all = conditions.map(({ expression }, index) => ({
    path: `spec.matchConditions[${index}].expression`,
    expression: expression as string,
  }));
  return problemsOf(all, { attestors: [], attestations: [] }, trial);
}

/**
 * Conditions whose variables are no JMESPath, or ask for what they do not get. What depends on the document is not looked into: there
 * is none yet.
 *
 * @throws as `expressionProblems`
 */
export async function conditionProblems(
  path: string,
  conditions: Conditions,
  variables: readonly JsonObject[],
  { evaluateConditions, now }: ExpressionTrial,
): Promise<readonly string[]> {
  const problems = new Set<string>();
  const values = conditions
    .flatMap((block) => [block['any'] ?? [], block['all'] ?? []].flat() as readonly JsonObject[])
    .flatMap(({ key, value, message }): JsonValue[] => [key ?? null, value ?? null, message ?? null]);
  const named = variables.map(({ name }) => `{{ ${name as string} }}`);
  for (const value of [...named, ...values]) {
    if (evaluateConditions === undefined || !HAS_VARIABLES.test(JSON.stringify(value))) continue;
    const block = { all: [{ key: value, operator: 'Equals', value: '' }] };
    const problem = await problemIn(() =>
      evaluateConditions({
        conditions: [block],
        context: variables,
        document: {},
        ...(now === undefined ? {} : { now }),
      }),
    );
    if (problem !== undefined) problems.add(`${path}: ${problem}`);
  }
  return [...problems];
}

/** All at once, and one by one only where that fails. */
async function problemsOf(all: readonly Placed[], names: JsonObject, trial: ExpressionTrial): Promise<string[]> {
  const compiled = (some: readonly Placed[]): Promise<string | undefined> => {
    const variables = some.map(({ expression }, index) => ({ name: `v${index}`, expression }));
    return compileProblem({ ...names, variables }, trial);
  };
  if ((await compiled(all)) === undefined) return [];
  const problems: string[] = [];
  for (const one of all) {
    const problem = await compiled([one]);
    if (problem !== undefined) problems.push(`${one.path}: ${problem}`);
  }
  return problems;
}

/** Variables are compiled before anything is evaluated, and evaluated when something uses them: nothing does. */
function compileProblem(
  policy: JsonObject,
  { evaluateImagePolicy, now }: ExpressionTrial,
): Promise<string | undefined> {
  const none = { matchConditions: [], exceptions: [], variables: [], images: [], references: [], validations: [] };
  return problemIn((): Promise<ImagePolicyResult> | undefined =>
    evaluateImagePolicy?.({
      policy: { ...none, ...policy },
      object: null,
      oldObject: null,
      request: {},
      images: { containers: [SOME_IMAGE] },
      answers: [],
      ignoresMatchErrors: false,
      ...(now === undefined ? {} : { now }),
    }),
  );
}

/** @returns what does not compile; undefined for what does, whatever it comes to */
async function problemIn(evaluate: () => Promise<unknown> | undefined): Promise<string | undefined> {
  try {
    await evaluate();
    return undefined;
  } catch (error) {
    // Nothing is looked up for a trial: what a ConfigMap holds is not there yet either.
    if (error instanceof PolicyError || (error instanceof RemoteError && error.code === 'REMOTE_OFFLINE')) {
      return undefined;
    }
    if (!(error instanceof FormatError) || error.code !== 'FORMAT_POLICY') throw error;
    return `${error.message}${error.facts.found === undefined ? '' : `: ${error.facts.found}`}`;
  }
}
