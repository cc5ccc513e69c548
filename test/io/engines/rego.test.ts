import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegoResult } from '../../../src/io/engines/engine-answer.ts';
import type { PolicyEngines } from '../../../src/io/engines/policy-engines.ts';
import {
  COSIGN_REGO_QUERY,
  cosignRegoVerdict,
  policyControllerRegoVerdict,
} from '../../../src/io/engines/rego-verdict.ts';
import { policyEngines, refusal } from '../../support/policy-engines.ts';

function rego(
  engines: PolicyEngines,
  text: string,
  { input = '{}', now }: { input?: string; now?: Date } = {},
): Promise<readonly RegoResult[]> {
  const modules = [{ name: 'policy.rego', text }];
  return engines.evaluateRego({ modules, query: COSIGN_REGO_QUERY, input, ...(now === undefined ? {} : { now }) });
}

const rule = (body: string): string => `package signature\nallow { ${body} }`;

/** Policy, input, whether cosign would be satisfied. */
const VERDICTS: readonly (readonly [string, string, boolean])[] = [
  [rule('input.predicateType == "x"'), '{"predicateType":"x"}', true],
  [rule('input.predicateType == "x"'), '{"predicateType":"y"}', false],
  [rule('input.predicateType == "x"'), '{}', false],
  [rule('input.predicateType == "x"'), 'null', false],
  ['package signature\ndefault allow = false', '{}', false],
  ['package signature\nallow = "true"', '{}', false],
  ['package signature\nallow = 1', '{}', false],
  ['package signature\nallow = [true]', '{}', false],
  ['package signature\nallow[x] { x := true }', '{}', false],
  ['package other\nallow { true }', '{}', false],
  ['package signature\ndeny { true }', '{}', false],
  ['package signature\nallow { not deny }\ndeny { input.bad }', '{"bad":false}', true],
  ['package signature\nallow { not deny }\ndeny { input.bad }', '{"bad":true}', false],
  // v0 syntax: no `if`, `contains` only with the import.
  ['package signature\nimport future.keywords.if\nallow if { input.a == 1 }', '{"a":1}', true],
  ['package signature\nimport rego.v1\nallow if input.a == 1', '{"a":1}', true],
  // Numbers keep every digit.
  [rule('input.n == 9007199254740993'), '{"n":9007199254740993}', true],
  [rule('input.n == 9007199254740992'), '{"n":9007199254740993}', false],
  [
    rule('count([x | x := input.subject[_]; x.digest.sha256 == "ab"]) == 1'),
    '{"subject":[{"digest":{"sha256":"ab"}}]}',
    true,
  ],
  [rule('re_match("^a+$", input.s)'), '{"s":"aaab"}', false],
  [rule('semver.compare(input.v, "1.2.3") >= 0'), '{"v":"1.10.0"}', true],
  // A built-in that fails is undefined, as it is for cosign.
  [rule('to_number("x") == 1'), '{}', false],
  [
    rule('time.parse_rfc3339_ns(input.t) < time.parse_rfc3339_ns("2026-01-01T00:00:00Z")'),
    '{"t":"2025-12-31T00:00:00Z"}',
    true,
  ],
  [rule('time.clock([1700000000000000000, "Europe/Zurich"]) == [23, 13, 20]'), '{}', true],
];

test('Rego: verdicts as cosign has them', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  for (const [policy, input, compliant] of VERDICTS) {
    const verdict = cosignRegoVerdict(await rego(engines, policy, { input }));
    assert.equal(verdict.compliant, compliant, `${policy}\n${input}`);
  }
});

/** Policy, code, what the refusal names. */
const REFUSALS: readonly (readonly [string, string, string])[] = [
  ['', 'FORMAT_POLICY', 'empty module'],
  ['package signature\nallow {', 'FORMAT_POLICY', 'rego_parse_error'],
  ['package signature\nallow if { true }', 'FORMAT_POLICY', 'rego_parse_error'],
  [rule('allow'), 'FORMAT_POLICY', 'rego_recursion_error'],
  [rule('input.a == unknown'), 'FORMAT_POLICY', 'rego_unsafe_var_error'],
  [rule('no_such_function(1)'), 'FORMAT_POLICY', 'undefined function no_such_function'],
  [rule('http.send({"method": "get", "url": "http://127.0.0.1:1/"})'), 'FORMAT_POLICY', 'http.send is not available'],
  [rule('net.lookup_ip_addr("localhost")'), 'FORMAT_POLICY', 'net.lookup_ip_addr is not available'],
  [rule('opa.runtime().env.HOME'), 'FORMAT_POLICY', 'opa.runtime is not available'],
  [rule('rand.intn("x", 2) == 1'), 'FORMAT_POLICY', 'rand.intn is not available'],
  [rule('uuid.rfc4122("x") != ""'), 'FORMAT_POLICY', 'uuid.rfc4122 is not available'],
  [rule('time.now_ns() > 0'), 'FORMAT_POLICY', 'time.now_ns is not available'],
  [rule('io.jwt.decode_verify("x", {})'), 'FORMAT_POLICY', 'io.jwt.decode_verify is not available'],
  // Not by a detour either.
  [rule('true with count as http.send'), 'FORMAT_POLICY', 'http.send'],
  ['package signature\nallow { f(1) }\nf(x) { http.send({"url": x}) }', 'FORMAT_POLICY', 'http.send is not available'],
  ['package signature\nallow = 1 { true }\nallow = 2 { true }', 'POLICY_EVALUATION', 'eval_conflict_error'],
];

test('Rego: what does not compile, or asks for the world, is refused by name', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  for (const [policy, code, names] of REFUSALS) {
    const refused = await refusal(rego(engines, policy));
    assert.equal(refused.code, code, policy);
    assert.ok(refused.found.includes(names), `${policy}: ${refused.found}`);
  }
});

test('Rego: the time is the one that the caller gives, and none without', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const policy = rule('time.now_ns() == time.parse_rfc3339_ns("2026-11-25T12:00:00.5Z")');
  for (const [time, compliant] of [
    ['2026-11-25T12:00:00.500Z', true],
    ['2026-11-25T12:00:00.501Z', false],
  ] as const) {
    const results = await rego(engines, policy, { now: new Date(time) });
    assert.equal(cosignRegoVerdict(results).compliant, compliant, time);
  }
  assert.equal((await refusal(rego(engines, policy))).code, 'FORMAT_POLICY');
});

for (const input of ['', '{', '{} {}', '{"a":}', 'nul', '{"a":1e999999999}']) {
  test(`Rego: input that is not one JSON document is no input: ${input}`, async (t) => {
    const engines = await policyEngines(t);
    if (engines === undefined) return;
    const { code } = await refusal(rego(engines, rule('input.a + 1 == 1'), { input }));
    // The last is JSON, and a number that OPA panics over.
    assert.equal(code, input.includes('1e9') ? 'POLICY_ENGINE_FAILED' : 'FORMAT_JSON');
  });
}

test('Rego: modules are one policy, and another policy of the same name is not mixed up with it', async (t) => {
  const engines = await policyEngines(t, { processes: 1 });
  if (engines === undefined) return;
  const verdict = async (...texts: string[]): Promise<boolean> => {
    const modules = texts.map((text, index) => ({ name: `${index}.rego`, text }));
    return cosignRegoVerdict(await engines.evaluateRego({ modules, query: COSIGN_REGO_QUERY, input: '{}' })).compliant;
  };
  const rules = 'package signature\nallow { data.trusted.yes }';
  assert.equal(await verdict(rules, 'package trusted\nyes = true'), true);
  assert.equal(await verdict(rules, 'package trusted\nyes = false'), false);
  assert.equal(await verdict(rules), false);
  assert.equal(await verdict(rules, 'package trusted\nyes = true'), true);
});

const answer = (value: unknown): readonly RegoResult[] => [
  { expressions: [true], bindings: { isCompliant: value as never } },
];
const QUERY = "policy is not compliant for query 'isCompliant = data.sigstore.isCompliant'";

/** What `isCompliant` is, and the reason for a refusal; undefined where it complies. */
const RULE_RESULTS: readonly (readonly [string, readonly RegoResult[], string | undefined])[] = [
  ['true', answer(true), undefined],
  ['one that complies', answer([{ result: true, error: '', warning: '' }]), undefined],
  ['one that says nothing else', answer([{ result: true }]), undefined],
  ['the first that complies decides', answer([{ result: false, error: 'e' }, { result: true }]), undefined],
  ['nothing at all', [], QUERY],
  ['false', answer(false), QUERY],
  ['a string', answer('true'), QUERY],
  ['an object', answer({ result: true }), QUERY],
  ['null', answer(null), QUERY],
  ['no rule that holds', answer([]), QUERY],
  ['an error', answer([{ result: false, error: 'too old' }]), `${QUERY} with errors: too old`],
  ['the last error', answer([{ error: 'a' }, { error: 'b' }]), `${QUERY} with errors: b`],
  ['a warning', answer([{ result: true, warning: 'w' }, { result: true }]), 'warning: w'],
  ['a result that is not boolean', answer([{ result: 'true' }]), `${QUERY} due to parsing errors: {"result":"true"}`],
  [
    'an error that is no text',
    answer([{ result: true, error: 1 }]),
    `${QUERY} due to parsing errors: {"result":true,"error":1}`,
  ],
  ['elements that are no objects', answer([true]), `${QUERY} due to parsing errors: true`],
  ['another spelling', answer([{ Result: true }]), `${QUERY} with errors: `],
];

for (const [name, results, reason] of RULE_RESULTS) {
  test(`policy-controller's isCompliant: ${name}`, () => {
    const verdict = policyControllerRegoVerdict(results);
    assert.deepEqual(verdict.compliant ? undefined : verdict.reasons[0], reason);
  });
}

for (const [name, results, reason] of [
  ['two results', [...answer(true), ...answer(true)], 'expression value, true, is not true'],
  ['bindings', answer(true), 'expression value, true, is not true'],
  ['two expressions', [{ expressions: [true, true], bindings: {} }], 'expression value, true, is not true'],
  ['a value other than true', [{ expressions: [{ a: 1 }], bindings: {} }], 'expression value, {"a":1}, is not true'],
] as const) {
  test(`cosign refuses ${name}`, () => {
    const verdict = cosignRegoVerdict(results);
    assert.equal(verdict.compliant ? undefined : verdict.reasons[0], reason);
  });
}
