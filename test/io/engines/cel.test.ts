import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { policyEngines, refusal } from '../../support/policy-engines.ts';

type Variables = Readonly<Record<string, JsonValue>>;
const POD = {
  object: {
    metadata: { name: 'web', labels: { team: 'shop' }, annotations: { 'example.com/a': 'b' } },
    spec: {
      replicas: 3,
      containers: [
        { name: 'a', image: 'ghcr.io/acme/a@sha256:ab' },
        { name: 'b', image: 'evil.io/b:1' },
      ],
    },
  },
  images: { containers: ['ghcr.io/acme/a@sha256:ab', 'evil.io/b:1'], initContainers: [] },
} as const satisfies Variables;

/** Expression and value over {@link POD}. */
const VALUES: readonly (readonly [string, JsonValue])[] = [
  ['images.containers.all(i, i.startsWith("ghcr.io/acme/"))', false],
  ['images.containers.exists(i, i.startsWith("ghcr.io/acme/"))', true],
  ['images.initContainers.all(i, false)', true],
  ['object.spec.containers.map(c, c.name)', ['a', 'b']],
  ['object.spec.containers.filter(c, !c.image.contains("@sha256:")).map(c, c.image).join(", ")', 'evil.io/b:1'],
  ['has(object.metadata.labels) && object.metadata.labels.team == "shop"', true],
  ['has(object.metadata.finalizers)', false],
  ['object.metadata.?finalizers.orValue([]).size()', 0],
  ['object.metadata.annotations["example.com/a"]', 'b'],
  ['object.spec.replicas > 2.5 && object.spec.replicas < 4', true],
  ['type(object.spec.replicas) == int', true],
  // Kubernetes' libraries.
  ['quantity("1Gi").isGreaterThan(quantity("900Mi"))', true],
  ['ip("10.0.0.1").family()', 4],
  ['cidr("10.0.0.0/8").containsIP("11.0.0.1")', false],
  ['url("https://ghcr.io:443/x").getHost()', 'ghcr.io:443'],
  ['isSemver("1.2")', false],
  ['semver("1.10.0").isGreaterThan(semver("1.9.0"))', true],
  ['[3, 1, 2].max()', 3],
  ['[1, 2, 3].isSorted() && [1, 2].sum() == 3', true],
  ['"ab12".find("[0-9]+")', '12'],
  ['format.named("dns1123Label").value().validate("Not_a_label").hasValue()', true],
  // cel-go's own.
  ['"%s has %d".format([object.metadata.name, object.spec.replicas])', 'web has 3'],
  ['base64.encode(b"ab")', 'YWI='],
  ['sets.contains([1, 2], [1])', true],
  ['math.greatest(1, 2)', 2],
  ['cel.bind(n, object.metadata.name, n + n)', 'webweb'],
  ['optional.none()', null],
  ['timestamp("2026-11-25T12:00:00Z").getHours("America/New_York")', 7],
  ['duration("90m")', '1h30m0s'],
  ['{"a": [dyn(1), dyn(2.5), dyn("x"), dyn(null), dyn(true)]}', { a: [1, 2.5, 'x', null, true] }],
];

test("CEL: values in Kyverno's base environment", async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  for (const [expression, value] of VALUES) {
    try {
      const result = await engines.evaluateCel({ expression, variables: POD });
      assert.deepEqual(result.value, value, expression);
    } catch (cause) {
      throw new Error(`${expression}: ${JSON.stringify((cause as { facts?: unknown }).facts)}`, { cause });
    }
  }
});

test('CEL: a result says its type, so that "true" is not true', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  for (const [expression, type] of [
    ['true', 'bool'],
    ['"true"', 'string'],
    ['1', 'int'],
    ['1u', 'uint'],
    ['1.0', 'double'],
    ['[true]', 'list'],
    ['null', 'null_type'],
  ] as const) {
    assert.equal((await engines.evaluateCel({ expression, variables: {} })).type, type, expression);
  }
});

/** Expression, code, what the refusal names. */
const REFUSALS: readonly (readonly [string, string, string])[] = [
  ['', 'FORMAT_POLICY', 'Syntax error'],
  ['1 +', 'FORMAT_POLICY', 'Syntax error'],
  ['unknown', 'FORMAT_POLICY', "undeclared reference to 'unknown'"],
  ['1 + "a"', 'FORMAT_POLICY', 'no matching overload'],
  ['[1, "a"]', 'FORMAT_POLICY', 'expected type'],
  ['timestamp("yesterday") < timestamp("2026-01-01T00:00:00Z")', 'FORMAT_POLICY', 'invalid RFC 3339 timestamp'],
  ['"a".matches("(")', 'FORMAT_POLICY', 'missing closing )'],
  // Kyverno's functions that reach out, and those that are not pure, are not there.
  ['http.Get("http://127.0.0.1:1/")', 'FORMAT_POLICY', "undeclared reference to 'http'"],
  ['resource.Get("v1", "pods", "a", "b")', 'FORMAT_POLICY', "undeclared reference to 'resource'"],
  ['verifyImageSignatures("a", []) > 0', 'FORMAT_POLICY', "undeclared reference to 'verifyImageSignatures'"],
  ['time.now() > timestamp("2026-01-01T00:00:00Z")', 'FORMAT_POLICY', "undeclared reference to 'time'"],
  ['random("[a-z]")', 'FORMAT_POLICY', "undeclared reference to 'random'"],
  // Fails on this input.
  ['object.metadata.missing == 1', 'POLICY_EVALUATION', 'no such key: missing'],
  ['object.spec.containers[2].name == "c"', 'POLICY_EVALUATION', 'index out of bounds: 2'],
  ['1 / (object.spec.replicas - 3) == 1', 'POLICY_EVALUATION', 'division by zero'],
  ['9223372036854775807 + object.spec.replicas > 0', 'POLICY_EVALUATION', 'integer overflow'],
  ['object.metadata.name > 1', 'POLICY_EVALUATION', 'no such overload'],
  ['quantity(object.metadata.name).isInteger()', 'POLICY_EVALUATION', 'quantities must match'],
  ['1.0 / 0.0', 'POLICY_EVALUATION', 'no JSON form'],
  ['type(1)', 'POLICY_EVALUATION', 'no JSON form'],
];

test('CEL: what does not compile, reaches out or fails has no value', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  for (const [expression, code, names] of REFUSALS) {
    const refused = await refusal(engines.evaluateCel({ expression, variables: POD }));
    assert.equal(refused.code, code, `${expression}: ${refused.found}`);
    assert.ok(refused.found.includes(names), `${expression}: ${refused.found}`);
  }
});
