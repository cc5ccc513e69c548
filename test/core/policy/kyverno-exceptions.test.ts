/** Kyverno's PolicyExceptions of both groups: what they let off, and what lets nothing off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { AdmissionPolicy } from '../../../src/core/policy/judgement/admission-policy.ts';
import { NO_EVIDENCE } from '../../../src/core/policy/judgement/image-evidence.ts';
import type { ImagePolicyEvaluation } from '../../../src/core/policy/kyverno/image-policy-evaluation.ts';
import { PolicyMaterial } from '../../../src/core/policy/judgement/policy-material.ts';
import { mergePolicyObjects, parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import type { ReviewedObject } from '../../../src/core/policy/cluster-image/resource-match.ts';
import { FormatError } from '../../../src/errors.ts';
import { FakeInstance } from '../../support/instance.ts';

const PEM = JSON.stringify(PrivateKey.generate('ecdsa-p256').publicKey.toPem());
const RULES = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    verifyImages: [{imageReferences: ["*"], failureAction: Enforce, attestors: [{entries: [{keys: {publicKeys: ${PEM}}}]}]}]
`;
const VALIDATING = `apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {name: cel}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  attestors: [{name: key, cosign: {key: {data: ${PEM}}}}]
  validations: [{expression: "false"}]
`;
const POD: ReviewedObject = {
  group: '',
  version: 'v1',
  resource: 'pods',
  namespace: 'shop',
  labels: new Map(),
  document: { metadata: { name: 'web-1' }, spec: { containers: [{ image: 'r.example/a:1' }] } },
  request: { operation: 'CREATE', kind: 'Pod', subResource: '', name: 'web-1', user: 'u', groups: [] },
};
const DEPLOYMENT = { ...POD, group: 'apps', resource: 'deployments', request: { ...POD.request!, kind: 'Deployment' } };
const { request: _request, ...RUNNING } = POD;

function fromRules(members: string): string {
  return `---
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: e, namespace: ops}
spec: {background: false, ${members}}
`;
}

function fromPolicies(members: string): string {
  return `---
apiVersion: policies.kyverno.io/v1
kind: PolicyException
metadata: {name: e, namespace: ops}
spec: {reportResult: skip, evaluationMode: Any, properties: {a: b}, ${members}}
`;
}

const WEB = 'match: {any: [{resources: {kinds: [Pod, Deployment], names: ["web-*"]}}]}';
const FROM_SIGNED = 'exceptions: [{policyName: p, ruleNames: [signed]}]';

/** Exception, object, whether it is let off. */
const EXCEPTED: readonly (readonly [string, ReviewedObject, boolean])[] = [
  [`${WEB}, ${FROM_SIGNED}`, POD, true],
  [`${WEB}, exceptions: [{policyName: p, ruleNames: ["sig*"]}]`, POD, true],
  [`${WEB}, exceptions: [{policyName: q, ruleNames: ["*"]}]`, POD, false],
  [`${WEB}, exceptions: [{policyName: p, ruleNames: [other]}]`, POD, false],
  ['match: {any: [{resources: {kinds: [Pod], names: [x]}}]}, ' + FROM_SIGNED, POD, false],
  ['match: {all: [{resources: {kinds: [Pod]}}, {resources: {namespaces: [pay]}}]}, ' + FROM_SIGNED, POD, false],
  ['match: {any: [{resources: {kinds: [Pod], operations: [CREATE]}}]}, ' + FROM_SIGNED, POD, true],
  // What is not known of it lets nothing off.
  ['match: {any: [{resources: {kinds: [Pod], operations: [CREATE]}}]}, ' + FROM_SIGNED, RUNNING, false],
  // For what makes pods Kyverno makes a rule with a name of its own.
  [`${WEB}, ${FROM_SIGNED}`, DEPLOYMENT, false],
  [`${WEB}, exceptions: [{policyName: p, ruleNames: [autogen-signed]}]`, DEPLOYMENT, true],
];

for (const [members, object, isLetOff] of EXCEPTED) {
  test(`an exception from a rule with ${members} ${isLetOff ? 'lets' : 'does not let'} off ${object.resource}`, async () => {
    const [rule] = parsePolicyObjects(`${RULES}${fromRules(members)}`, 'file').policies;
    const found = rule?.about(object);
    assert.equal(found?.interest, isLetOff ? 'name' : 'signatures');
    if (!isLetOff) return;
    const judged = await judge(found);
    assert.equal(judged, 'passed by PolicyException ops/e');
  });
}

test('an exception from another file counts as well, and one that is gone no longer', () => {
  const rules = parsePolicyObjects(RULES, 'a');
  const exception = parsePolicyObjects(fromRules(`${WEB}, ${FROM_SIGNED}`).replace('---\n', ''), 'b');
  const together = mergePolicyObjects([rules, exception]).policies[0]?.about(POD);
  assert.equal(together?.interest, 'name');
  assert.equal(mergePolicyObjects([rules]).policies[0]?.about(POD)?.interest, 'signatures');
});

const REFS = 'policyRefs: [{name: cel, kind: ImageValidatingPolicy}]';
/** Members, the time, how many exceptions the engine is asked about. */
const POLICY_EXCEPTED: readonly (readonly [string, string, number])[] = [
  [REFS, '2026-06-01T00:00:00Z', 1],
  [`${REFS}, expiresAt: "2026-06-02T00:00:00Z"`, '2026-06-01T00:00:00Z', 1],
  [`${REFS}, expiresAt: "2026-06-02T00:00:00Z"`, '2026-06-03T00:00:00Z', 0],
  ['policyRefs: [{name: other, kind: ImageValidatingPolicy}]', '2026-06-01T00:00:00Z', 0],
  ['policyRefs: [{name: cel, kind: ValidatingPolicy}]', '2026-06-01T00:00:00Z', 0],
  [`${REFS}, matchConditions: [{name: a, expression: "true"}]`, '2026-06-01T00:00:00Z', 1],
];

for (const [members, now, count] of POLICY_EXCEPTED) {
  test(`an exception from a policy with ${members} at ${now}: ${count}`, async () => {
    const [policy] = parsePolicyObjects(`${VALIDATING}${fromPolicies(members)}`, 'file').policies;
    const asked: ImagePolicyEvaluation[] = [];
    const judged = await judge(policy?.about(POD), new Date(now), asked);
    assert.equal((asked[0]?.policy['exceptions'] as unknown[]).length, count);
    assert.equal(judged, count === 1 ? 'passed by PolicyException ops/e' : 'not about it');
  });
}

/** Exception, and what its refusal names. */
const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  conditions: [fromRules(`${WEB}, ${FROM_SIGNED}, conditions: {all: []}`), /spec\.conditions is not supported/],
  podSecurity: [fromRules(`${WEB}, ${FROM_SIGNED}, podSecurity: []`), /spec\.podSecurity is not supported/],
  roles: [fromRules(`match: {any: [{roles: [a]}]}, ${FROM_SIGNED}`), /roles is not supported/],
  clusterRoles: [fromRules(`match: {any: [{clusterRoles: [a]}]}, ${FROM_SIGNED}`), /clusterRoles is not supported/],
  'no policy': [fromRules(`${WEB}, exceptions: [{policyName: "", ruleNames: [a]}]`), /requires a policy name/],
  'an unknown member': [fromRules(`${WEB}, ${FROM_SIGNED}, until: x`), /unknown member/],
  images: [fromPolicies(`${REFS}, images: [a]`), /spec\.images is not supported/],
  allowedValues: [fromPolicies(`${REFS}, allowedValues: [a]`), /spec\.allowedValues is not supported/],
  'no reference': [fromPolicies('policyRefs: []'), /at least one policy is required/],
  'no time': [fromPolicies(`${REFS}, expiresAt: soon`), /a time in RFC 3339 is expected/],
  'a look into the cluster': [
    fromPolicies(`${REFS}, matchConditions: [{name: a, expression: 'resource.Get("v1", "a", "b", "c") == null'}]`),
    /resource: nothing is looked up/,
  ],
};

for (const [what, [text, names]] of Object.entries(REFUSED)) {
  test(`refused by name: ${what}`, () => {
    assert.throws(
      () => parsePolicyObjects(text.replace('---\n', ''), 'file'),
      (error: unknown) => {
        assert.ok(error instanceof FormatError && error.code === 'FORMAT_POLICY');
        assert.match(`${error.message}: ${error.facts.found ?? ''}`, names);
        return true;
      },
    );
  });
}

async function judge(
  policy: AdmissionPolicy | undefined,
  now = new Date(),
  asked: ImagePolicyEvaluation[] = [],
): Promise<string> {
  const material = new PolicyMaterial(new FakeInstance().trustedRoot);
  const judgement = await policy?.judge('r.example/a:1', material, {
    evidence: () => NO_EVIDENCE,
    evaluate: () => Promise.reject(new TypeError('no program')),
    configFiles: () => Promise.resolve({}),
    evaluateImagePolicy: (evaluation) => {
      asked.push(evaluation);
      const exception = (evaluation.policy['exceptions'] as unknown[]).length - 1;
      const common = { images: [], questions: [], message: '', verified: new Map<string, boolean>() };
      return Promise.resolve({ ...common, isMatched: exception === 0, exception, outcome: 'fail' });
    },
    now,
  });
  if (judgement === undefined) return 'not about it';
  return judgement.outcome === 'passed' ? `passed by ${judgement.authority}` : judgement.error.message;
}
