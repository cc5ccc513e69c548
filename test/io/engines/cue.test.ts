import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CueResult } from '../../../src/io/engines/engine-answer.ts';
import type { CueEvaluation, PolicyEngines } from '../../../src/io/engines/policy-engines.ts';
import { policyEngines, refusal } from '../../support/policy-engines.ts';

type Reading = CueEvaluation['reading'];
const READINGS: readonly Reading[] = ['cosign', 'policy-controller'];

function cue(
  engines: PolicyEngines,
  texts: string | readonly string[],
  input = '{}',
  reading: Reading = 'cosign',
): Promise<CueResult> {
  const files = [texts].flat().map((text, index) => ({ name: `${index}.cue`, text }));
  return engines.evaluateCue({ files, input, reading });
}

/** Policy, document, verdict in both readings, part of the reason. */
const VERDICTS: readonly (readonly [string | readonly string[], string, boolean, string?])[] = [
  ['', '{"a":1}', true],
  ['predicateType: "x"', '{"predicateType":"x"}', true],
  ['predicateType: "x"', '{"predicateType":"y"}', false, 'predicateType: conflicting values "y" and "x"'],
  ['predicateType: "x"', '{"predicateType":1}', false, 'mismatched types string and int'],
  ['predicateType: "x"', '[]', false, 'mismatched types'],
  ['predicateType: "x"', 'null', false, 'mismatched types'],
  // Upstream's trap: a member that the document lacks is supplied by the policy.
  ['predicateType: "x"', '{}', true],
  ['predicateType!: "x"', '{"predicateType":"x"}', true],
  ['predicateType!: "x"', '{"predicateType":"y"}', false, 'conflicting values'],
  ['predicateType?: "x"', '{"predicateType":"y"}', false, 'conflicting values'],
  ['close({a: 1})', '{"a":1,"b":2}', false, 'b: field not allowed'],
  ['{a: 1, ...}', '{"a":1,"b":2}', true],
  ['n: >=18 & <100', '{"n":17}', false, 'invalid value 17 (out of bound >=18)'],
  ['n: >=18 & <100', '{"n":18}', true],
  ['n: 9007199254740993', '{"n":9007199254740993}', true],
  ['n: 9007199254740993', '{"n":9007199254740992}', false, 'conflicting values'],
  ['s: =~"^https://github\\\\.com/acme/"', '{"s":"https://github.com/evil/"}', false, 'out of bound =~'],
  ['a: "x" | "y"', '{"a":"z"}', false, '2 errors in empty disjunction'],
  ['import "list"\na: list.MinItems(2)', '{"a":[1]}', false, 'does not satisfy list.MinItems(2)'],
  ['import "struct"\na: struct.MaxFields(1)', '{"a":{"b":1,"c":2}}', false, 'does not satisfy struct.MaxFields(1)'],
  ['import "time"\na: time.Time', '{"a":"2026-01-01T00:00:00Z"}', true],
  ['import "time"\na: time.Time', '{"a":"yesterday"}', false, 'invalid time "yesterday"'],
  [
    'import "strings"\na: strings.HasPrefix("ghcr.io/acme/")',
    '{"a":"ghcr.io/evil/x"}',
    false,
    'does not satisfy strings.HasPrefix',
  ],
  ['a: [...]\nif len(a) > 2 {e: 1, e: "too many"}', '{"a":[1,2,3]}', false, 'conflicting values'],
  // All files are one instance.
  [['package p\na: int', 'package p\na: <5'], '{"a":4}', true],
  [['package p\na: int', 'package p\na: <5'], '{"a":5}', false, 'out of bound <5'],
  [['package p\n#A: {b: int}', 'package p\na: #A'], '{"a":{"c":1}}', false, 'c: field not allowed'],
];

test('CUE: verdicts, in both readings', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  for (const reading of READINGS) {
    for (const [policy, document, valid, reason = ''] of VERDICTS) {
      const result = await cue(engines, policy, document, reading);
      assert.equal(result.valid, valid, `${reading}: ${JSON.stringify(policy)} ${document} ${JSON.stringify(result)}`);
      if (!result.valid)
        assert.ok(
          `${result.reason}\n${result.details}`.includes(reason),
          `${JSON.stringify(policy)}: ${result.details}`,
        );
    }
  }
});

test('CUE: a required field that is absent refuses for cosign; for policy-controller it stays open, and is named', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const reason = 'predicate.data: field is required but not present';
  for (const document of ['{}', '{"predicate":{}}']) {
    const final = await cue(engines, 'predicate: {data!: int}', document, 'cosign');
    assert.deepEqual(final, { valid: false, reason, details: `${reason}:\n    0.cue:1:13` }, document);
    const open = await cue(engines, 'predicate: {data!: int}', document, 'policy-controller');
    assert.deepEqual(open, { valid: true, open: reason }, document);
  }
});

/** Policy, document, code, what the refusal names. */
const REFUSALS: readonly (readonly [string | readonly string[], string, string, string])[] = [
  ['a: {', '{}', 'FORMAT_POLICY', "expected '}'"],
  ['a: b', '{}', 'FORMAT_POLICY', 'reference "b" not found'],
  // Files without a package see nothing of each other.
  [['#A: {b: int}', 'a: #A'], '{}', 'FORMAT_POLICY', 'reference "#A" not found'],
  ['a: 1\na: 2', '{}', 'FORMAT_POLICY', 'conflicting values'],
  ['import "list"\na: 1', '{}', 'FORMAT_POLICY', 'imported and not used'],
  [['package p', 'package q'], '{}', 'FORMAT_POLICY', 'found packages "p" and "q"'],
  ['#f: {n: int, out: (#f & {n: n+1}).out}\na: (#f & {n: 1}).out', '{}', 'FORMAT_POLICY', 'structural cycle'],
  ['import "example.com/x"\na: x.y', '{}', 'FORMAT_POLICY', 'the import "example.com/x" is not available'],
  ['import "example.com/x@v0"\na: x.y', '{}', 'FORMAT_POLICY', 'the import "example.com/x@v0" is not available'],
  ['import "./x"\na: x.y', '{}', 'FORMAT_POLICY', 'the import "./x" is not available'],
  ['import "../x:y"\na: y.y', '{}', 'FORMAT_POLICY', 'the import "../x:y" is not available'],
  ['import "no/such"\na: such.y', '{}', 'FORMAT_POLICY', 'builtin package "no/such" undefined'],
  ['import "tool/exec"\na: exec.Run', '{}', 'FORMAT_POLICY', 'the import "tool/exec" is not available'],
  ['import "tool/http"\na: http.Get', '{}', 'FORMAT_POLICY', 'the import "tool/http" is not available'],
  ['import "tool/file"\na: file.Read', '{}', 'FORMAT_POLICY', 'the import "tool/file" is not available'],
  [
    '@extern(embed)\npackage p\na: _ @embed(file="/etc/passwd")',
    '{}',
    'FORMAT_POLICY',
    'the attribute @extern is not available',
  ],
  ['@if(prod)\npackage p\na: 1', '{}', 'FORMAT_POLICY', 'the attribute @if is not available'],
  ['@ignore()\npackage p\na: 1', '{}', 'FORMAT_POLICY', 'the attribute @ignore is not available'],
  ['a: 1', '', 'FORMAT_JSON', 'not JSON'],
  ['a: 1', '{"a":1', 'FORMAT_JSON', 'not JSON'],
  ['a: 1', '{"a":1} {}', 'FORMAT_JSON', 'not JSON'],
  // CUE itself would read this one.
  ['a: 1', 'a: 1', 'FORMAT_JSON', 'not JSON'],
  // A member twice must agree with itself.
  ['a: 1', '{"a":1,"a":2}', 'FORMAT_JSON', 'conflicting values'],
];

test('CUE: what does not build, or asks for the world, is refused by name', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  for (const reading of READINGS) {
    for (const [policy, document, code, names] of REFUSALS) {
      const refused = await refusal(cue(engines, policy, document, reading));
      assert.equal(refused.code, code, `${JSON.stringify(policy)}: ${refused.found}`);
      assert.ok(refused.found.includes(names), `${JSON.stringify(policy)}: ${refused.found}`);
    }
  }
});

for (const name of ['policy_test.cue', 'policy_tool.cue']) {
  test(`CUE: ${name}, which CUE would leave out without a word, is refused`, async (t) => {
    const engines = await policyEngines(t);
    if (engines === undefined) return;
    const files = [{ name, text: 'a: 1' }];
    const refused = await refusal(engines.evaluateCue({ files, input: '{"a":2}', reading: 'cosign' }));
    assert.equal(refused.code, 'FORMAT_POLICY');
    assert.ok(refused.found.includes(name));
  });
}
