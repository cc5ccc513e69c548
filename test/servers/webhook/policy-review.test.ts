/** Policies on their way into a cluster: policy-controller's defaults, refusals and warnings, word for word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAdmissionReview } from '../../../src/core/wire/admission-review.ts';
import { RemoteError } from '../../../src/errors.ts';
import {
  reviewPolicy,
  type PolicyReviewOptions,
  type PolicyStage,
} from '../../../src/servers/webhook/policy-review.ts';
import { peer } from '../../support/peers.ts';
import { POLICY_CASES } from './policy-cases.ts';
import { askValidator, CASES, recordedVerdicts, type Case } from './policy-validator.ts';
import { readAnswer, review, type Answer, type ReviewInput } from './review.ts';
import { encodeAdmissionReview } from '../../../src/core/wire/admission-review.ts';

const OPTIONS: PolicyReviewOptions = { systemNamespace: 'cosign-system' };

/** What is answered otherwise than by the original, and why. */
const DIFFERENCES: ReadonlyMap<RegExp, readonly [ours: RegExp, why: string]> = new Map([
  [
    /: a source with a short name$/,
    [/^$/, 'repositories of one letter exist: the OCI specification has no such limit'],
  ],
  [
    /: a member that nobody knows$/,
    [
      /^decoding request failed: cannot decode incoming new object: .*spec has an unknown member: "extra"$/,
      'the text says where',
    ],
  ],
  [
    /: remote with a root that is no JSON$/,
    [
      /^validation failed: invalid value: failed to unmarshal: spec\.remote\.root\nroot is not valid JSON/,
      "a parser's own words",
    ],
  ],
  [
    /: two logs without key$/,
    [
      /tLogs\[0\]\.publicKey, spec\.sigstoreKeys\.tLogs\[1\]\.publicKey$/,
      'the original keeps the problems of the last entry alone',
    ],
  ],
]);

async function ask(
  input: ReviewInput,
  stage: PolicyStage = 'validating',
  options: PolicyReviewOptions = OPTIONS,
): Promise<Answer> {
  const sent = review(input);
  const request = parseAdmissionReview(new TextEncoder().encode(JSON.stringify(sent)));
  const answer = await reviewPolicy(request, stage, options);
  return readAnswer(encodeAdmissionReview(request.uid, answer), String(sent.request['uid']));
}

function about(object: Case['object'], more: Partial<ReviewInput> = {}): ReviewInput {
  const [group = '', version = ''] = object.apiVersion.split('/');
  const resource = object.kind === 'TrustRoot' ? 'trustroots' : 'clusterimagepolicies';
  return { object, group, version, resource, kind: object.kind, ...more };
}

function policy(spec: object, metadata: object = { name: 'p' }): Case['object'] & { metadata: object } {
  return { apiVersion: 'policy.sigstore.dev/v1beta1', kind: 'ClusterImagePolicy', metadata, spec };
}

/** Go leaves out what is empty. */
function unlessEmpty(value: unknown): unknown {
  return value === '' ? undefined : value;
}

const VERDICTS = recordedVerdicts();

for (const { name, object } of CASES) {
  test(name, async () => {
    const theirs = VERDICTS.get(name);
    assert.ok(theirs !== undefined, 'not among the recorded ones');
    const ours = await ask(about(object));
    const [, difference] = [...DIFFERENCES].find(([pattern]) => pattern.test(name)) ?? [];
    if (difference === undefined) assert.equal(ours.message, theirs.refusal);
    else {
      assert.match(ours.message, difference[0]);
      assert.notEqual(ours.message, theirs.refusal, 'no longer different');
    }
    assert.equal(ours.allowed, ours.message === '');
    if (!ours.allowed) assert.deepEqual([ours.code, ours.reason], [400, 'BadRequest']);
    // An API server drops a warning with a line break in it: ours are one line.
    const warnings = theirs.warnings.replaceAll('\n', ': ');
    assert.equal(ours.warnings.filter((line) => line.startsWith('invalid value')).join('\n'), warnings);
  });
}

test('the recorded verdicts are those of the original', (t) => {
  const executable = peer(t, 'policy-validator');
  if (executable === undefined) return;
  for (const [name, { refusal, warnings }] of askValidator(executable)) {
    assert.deepEqual(VERDICTS.get(name), { refusal, warnings }, name);
  }
});

test('the defaults are those of the original', async (t) => {
  const executable = peer(t, 'policy-validator');
  if (executable === undefined) return;
  const theirs = askValidator(executable);
  for (const { name, object } of CASES) {
    const verdict = theirs.get(name);
    if (verdict?.object === undefined) continue;
    const { patch } = await ask(about(object), 'defaulting');
    const written = structuredClone(object) as unknown as Record<string, unknown>;
    for (const { op, path, value } of patch) {
      assert.equal(op, 'add');
      const steps = path.slice(1).split('/');
      const last = steps.pop() ?? '';
      const place = steps.reduce<Record<string, unknown>>((at, step) => at[step] as Record<string, unknown>, written);
      place[last] = value;
    }
    const read = (from: { spec?: unknown }, path: string): unknown =>
      path.split('.').reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], from.spec);
    const spec = written as { spec: { authorities?: unknown[] } };
    const paths = [
      'mode',
      'remote.targets',
      'repository.targets',
      ...(spec.spec.authorities ?? []).flatMap((_, index) => [
        `authorities.${index}.name`,
        `authorities.${index}.keyless.url`,
      ]),
    ];
    for (const path of paths) {
      assert.equal(unlessEmpty(read(spec, path)), unlessEmpty(read(verdict.object, path)), `${name}: ${path}`);
    }
  }
});

test('nothing is written over', async () => {
  const whole = policy({
    ...POLICY_CASES['a valid policy'],
    authorities: [{ name: 'a', keyless: { url: 'https://ca.example' } }],
  });
  assert.deepEqual((await ask(about(whole), 'defaulting')).patch, []);
  const cert = policy({
    mode: 'warn',
    authorities: [
      { name: 'a', keyless: { 'ca-cert': {} } },
      { name: 'b', key: {}, keyless: {} },
    ],
  });
  assert.deepEqual((await ask(about(cert), 'defaulting')).patch, []);
});

const BAD = policy({ images: [] });

test('what leaves the spec alone is admitted: status, labels, finalizers, deletion', async () => {
  const labelled = { ...BAD, metadata: { name: 'p', labels: { team: 'pay' } } };
  const going = { ...policy({ images: [{}] }), metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' } };
  for (const stage of ['defaulting', 'validating'] as const) {
    for (const input of [
      about(labelled, { operation: 'UPDATE', oldObject: BAD }),
      about(going, { operation: 'UPDATE', oldObject: BAD }),
      about(BAD, { operation: 'UPDATE', oldObject: policy({}), subResource: 'status' }),
      { ...about(BAD), object: null, oldObject: BAD, operation: 'DELETE' as const },
    ]) {
      const answer = await ask(input, stage);
      assert.equal(answer.allowed, true, stage);
      assert.deepEqual(answer.patch, []);
    }
  }
  const changed = await ask(about(BAD, { operation: 'UPDATE', oldObject: policy({ images: [{ glob: '*' }] }) }));
  assert.match(changed.message, /^validation failed: missing field\(s\): spec\.authorities, spec\.images$/);
});

test('a name may be left to the API server', async () => {
  const spec = POLICY_CASES['a valid policy'] ?? {};
  assert.equal((await ask(about(policy(spec, { generateName: 'p-' })))).allowed, true);
  const nameless = await ask(about(policy(spec, {})));
  assert.match(nameless.message, /^decoding request failed: .*metadata\.name is missing$/);
});

test('fail-on-empty-authorities: "false" admits a policy without authorities', async () => {
  const empty = policy(POLICY_CASES['no authorities'] ?? {});
  assert.equal((await ask(about(empty), 'validating', { ...OPTIONS, mayBeEmpty: true })).allowed, true);
  assert.equal((await ask(about(empty))).message, 'validation failed: missing field(s): spec.authorities');
});

test('unanchored identity patterns draw a warning, on one line', async () => {
  const spec = {
    images: [{ glob: '**' }],
    authorities: [{ keyless: { identities: [{ issuerRegExp: 'a', subjectRegExp: '^b$' }] } }],
  };
  const { allowed, warnings } = await ask(about(policy(spec)));
  assert.equal(allowed, true);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /issuerRegExp a matches any issuer that contains it/);
});

test('a program that cannot be compiled only warns when there is no engine to ask', async () => {
  const spec = { ...POLICY_CASES['a valid policy'], policy: { type: 'rego', data: 'x' } };
  const answer = await ask(about(policy(spec)), 'validating', {
    ...OPTIONS,
    compile: () => Promise.reject(new RemoteError('POLICY_ENGINE_MISSING', 'there is no engine')),
  });
  assert.equal(answer.allowed, true);
  assert.ok(answer.warnings.includes('programs were not compiled: there is no engine'));
});

test('objects of other kinds are none of our business', async () => {
  const other = { ...about(BAD), group: 'example.com' };
  assert.equal((await ask(other)).allowed, true);
});

test('an object without a spec', async () => {
  const { apiVersion, kind, metadata } = BAD;
  const bare = { apiVersion, kind, metadata } as unknown as Case['object'];
  assert.match((await ask(about(bare))).message, /^decoding request failed: .*spec is missing$/);
  assert.deepEqual((await ask(about(bare), 'defaulting')).patch, []);
});
