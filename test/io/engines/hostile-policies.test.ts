/** Policies and inputs that mean harm. Each must end without a result; and the next evaluation must have one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyEngines } from '../../../src/io/engines/policy-engines.ts';
import { policyEngines, refusal } from '../../support/policy-engines.ts';

/** The whole price of what does not end; what ends by itself is given a minute on a busy machine. */
const DEADLINE_MS = 1500;
const PATIENCE_MS = 60_000;

const rego =
  (body: string, input = '{}') =>
  (engines: PolicyEngines, timeoutMs: number): Promise<unknown> => {
    const modules = [{ name: 'p.rego', text: `package signature\nallow { ${body} }` }];
    return engines.evaluateRego({ modules, query: 'data.signature.allow', input, timeoutMs });
  };
const cue =
  (text: string, input = '{}') =>
  (engines: PolicyEngines, timeoutMs: number): Promise<unknown> =>
    engines.evaluateCue({ files: [{ name: 'p.cue', text }], input, reading: 'cosign', timeoutMs });
const cel =
  (expression: string) =>
  (engines: PolicyEngines, timeoutMs: number): Promise<unknown> => {
    const variables = { x: Array.from({ length: 500 }, (_, index) => index), a: 'a'.repeat(3000) };
    return engines.evaluateCel({ expression, variables, timeoutMs });
  };

interface Attack {
  readonly evaluate: (engines: PolicyEngines, timeoutMs: number) => Promise<unknown>;
  /** Which of them depends on how fast the machine is. */
  readonly codes: readonly string[];
}

const SLOW = ['POLICY_ENGINE_TIMEOUT'];
/** Memory runs out, or the time does while the collector fights for it. */
const LARGE = ['POLICY_ENGINE_FAILED', 'POLICY_ENGINE_TIMEOUT'];
const LIMITED = ['POLICY_EVALUATION'];
const REFUSED = ['FORMAT_POLICY'];

const ATTACKS: Readonly<Record<string, Attack>> = {
  'Rego: a join over all triples': {
    evaluate: rego('x := numbers.range(1, 3000); x[a] + x[b] + x[c] == -1'),
    codes: SLOW,
  },
  'Rego: a comprehension over all pairs': {
    evaluate: rego('x := numbers.range(1, 30000); count([[a, b] | a := x[_]; b := x[_]]) == 1'),
    codes: LARGE,
  },
  'Rego: a range without end': { evaluate: rego('count(numbers.range(1, 1000000000000)) == 1'), codes: LARGE },
  'Rego: a shift beyond memory': { evaluate: rego('bits.lsh(1, 40000000000) == 1'), codes: LARGE },
  'Rego: a number too big': { evaluate: rego('1e1000000000 == 1'), codes: REFUSED },
  'Rego: 200,000 brackets': { evaluate: rego(`${'['.repeat(200_000)}${']'.repeat(200_000)}`), codes: REFUSED },
  'Rego: an input of two million brackets': { evaluate: rego('input', '['.repeat(2_000_000)), codes: ['FORMAT_JSON'] },
  'CUE: a comprehension over all pairs': {
    evaluate: cue('import "list"\nx: list.Range(0, 5000, 1)\ny: [for a in x for b in x {a+b}]'),
    codes: LARGE,
  },
  'CUE: a text that doubles forty times': {
    evaluate: cue(`a0: "x"\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: a${i} + a${i}`).join('\n')}`),
    codes: LARGE,
  },
  'CUE: a text of ten thousand million letters': {
    evaluate: cue('import "strings"\na: len(strings.Repeat("x", 10000000000))'),
    codes: LARGE,
  },
  'CUE: 300,000 brackets': { evaluate: cue(`a: ${'['.repeat(300_000)}${']'.repeat(300_000)}`), codes: LARGE },
  'CUE: a template that calls itself': {
    evaluate: cue(
      'import "text/template"\na: template.Execute("{{define \\"x\\"}}{{template \\"x\\"}}{{end}}{{template \\"x\\"}}", {})',
    ),
    codes: [...REFUSED, ...LARGE],
  },
  'CUE: a definition within itself': { evaluate: cue('#A: {b: #A}\na: #A'), codes: REFUSED },
  'CEL: four loops in one another': {
    evaluate: cel('x.all(a, x.all(b, x.all(c, x.all(d, a + b + c + d >= 0))))'),
    codes: LIMITED,
  },
  'CEL: lists of lists of lists': { evaluate: cel('x.map(a, x.map(b, x.map(c, [a, b, c])))'), codes: LIMITED },
  'CEL: a text that multiplies itself': {
    evaluate: cel('a.replace("a", a).replace("a", a).replace("a", a)'),
    codes: [...LARGE, ...LIMITED],
  },
  'CEL: a range without end': { evaluate: cel('lists.range(100000000).size()'), codes: LIMITED },
  'CEL: 300,000 parentheses': { evaluate: cel(`${'('.repeat(300_000)}1${')'.repeat(300_000)}`), codes: REFUSED },
};

for (const [name, { evaluate, codes }] of Object.entries(ATTACKS)) {
  test(`${name}: no result, and the engine is there for the next`, async (t) => {
    const engines = await policyEngines(t, { processes: 1 });
    if (engines === undefined) return;
    const { code, found } = await refusal(
      evaluate(engines, codes.includes('POLICY_ENGINE_TIMEOUT') ? DEADLINE_MS : PATIENCE_MS),
    );
    assert.ok(codes.includes(code), `${code}: ${found.slice(0, 200)}`);
    assert.ok(!found.includes('goroutine'), 'a stack trace reached the user');
    assert.deepEqual(await engines.evaluateCel({ expression: '1 + 1', variables: {} }), { value: 2, type: 'int' });
  });
}

test('a result larger than the protocol allows is an error, not a part of it', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const text = 'package signature\nallow = sprintf("%5000000d", [1])';
  const evaluation = { modules: [{ name: 'p.rego', text }], query: 'data.signature.allow', input: '{}' };
  assert.deepEqual(await refusal(engines.evaluateRego(evaluation)).then(({ code }) => code), 'POLICY_EVALUATION');
});
