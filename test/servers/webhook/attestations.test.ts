/** Attestations, and policies in CUE and Rego on the real engines, at the door. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { imageSignatureStatement } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { attestationLayer, pushLayers, type Layer } from '../../support/signature-layers.ts';
import { openDoor } from './door.ts';
import { ask, pod, podSpec } from './review.ts';

const VULN = 'https://cosign.sigstore.dev/attestation/vuln/v1';
const SBOM = 'https://spdx.dev/Document';
const KEYLESS = `keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}`;
const MALLORY = { leaf: { names: [{ kind: 'email' as const, value: 'mallory@example.com' }] } };

function policy(host: string, authority: string, rest = ''): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: shop}
spec:
  images: [{glob: "${host}/shop/**"}]
  authorities: [{name: ci, ${KEYLESS}${authority}}]
${rest}`;
}

const CUE = (text: string): string => `policy: {type: cue, data: ${JSON.stringify(text)}}`;
const REGO = (body: string): string => `policy: {type: rego, data: ${JSON.stringify(`package sigstore\n${body}`)}}`;

interface Case {
  readonly what: string;
  readonly attested: readonly (readonly [type: string, predicate: JsonValue, by?: typeof MALLORY])[];
  readonly isSigned?: boolean;
  readonly demands: string;
  /** Undefined: admitted. */
  readonly code?: string;
  readonly text?: RegExp;
}

const SCAN: readonly [string, JsonValue] = [VULN, { scanner: { result: 'clean' } }];

const CASES: readonly Case[] = [
  { what: 'presence is enough without a policy', attested: [SCAN], demands: '{name: scan, predicateType: vuln}' },
  { what: 'the full type', attested: [SCAN], demands: `{name: scan, predicateType: "${VULN}"}` },
  {
    what: 'the signature of the image is not one',
    attested: [],
    isSigned: true,
    demands: '{name: scan, predicateType: vuln}',
    code: 'POLICY_DENIED',
    text: /no attestation scan for authority ci/,
  },
  {
    what: 'another type',
    attested: [[SBOM, {}]],
    demands: '{name: scan, predicateType: vuln}',
    code: 'POLICY_DENIED',
    text: /proven attestations of type https:\/\/spdx\.dev\/Document/,
  },
  {
    what: 'by somebody else',
    attested: [[...SCAN, MALLORY]],
    demands: '{name: scan, predicateType: vuln}',
    code: 'IDENTITY_MISMATCH',
  },
  {
    what: 'each has to be met',
    attested: [SCAN],
    demands: '{name: scan, predicateType: vuln}, {name: sbom, predicateType: spdx}',
    code: 'POLICY_DENIED',
    text: /no attestation sbom/,
  },
  {
    what: 'both are met',
    attested: [SCAN, [SBOM, { spdxVersion: 'SPDX-2.3' }]],
    demands: '{name: scan, predicateType: vuln}, {name: sbom, predicateType: spdxjson}',
  },
  {
    what: 'CUE that is kept',
    attested: [SCAN],
    demands: `{name: scan, predicateType: vuln, ${CUE('predicate: scanner: result: "clean"')}}`,
  },
  {
    what: 'CUE that is not kept',
    attested: [SCAN],
    demands: `{name: scan, predicateType: vuln, ${CUE('predicate: scanner: result: "dirty"')}}`,
    code: 'POLICY_DENIED',
    text: /the policy of scan is not kept[^]*conflicting values/,
  },
  {
    what: 'CUE that is not CUE',
    attested: [SCAN],
    demands: `{name: scan, predicateType: vuln, ${CUE('predicate: {')}}`,
    code: 'POLICY_EVALUATION',
    text: /does not compile/,
  },
  {
    what: 'Rego that is kept',
    attested: [SCAN],
    demands: `{name: scan, predicateType: vuln, ${REGO('isCompliant { input.predicate.scanner.result == "clean" }')}}`,
  },
  {
    what: 'Rego that is not kept, with its reason',
    attested: [SCAN],
    demands: `{name: scan, predicateType: vuln, ${REGO('isCompliant = [{"result": false, "error": "too old"}]')}}`,
    code: 'POLICY_DENIED',
    text: /with errors: too old/,
  },
  {
    what: 'a warning beside a true result refuses, as in the original',
    attested: [SCAN],
    demands: `{name: scan, predicateType: vuln, ${REGO('isCompliant = [{"result": true, "warning": "soon"}]')}}`,
    code: 'POLICY_DENIED',
    text: /warning: soon/,
  },
  {
    what: 'of two attestations one is enough',
    attested: [[VULN, { scanner: { result: 'dirty' } }], SCAN],
    demands: `{name: scan, predicateType: vuln, ${CUE('predicate: scanner: result: "clean"')}}`,
  },
  {
    what: 'the compliant one is by somebody else',
    attested: [
      [VULN, { scanner: { result: 'dirty' } }],
      [...SCAN, MALLORY],
    ],
    demands: `{name: scan, predicateType: vuln, ${CUE('predicate: scanner: result: "clean"')}}`,
    code: 'POLICY_DENIED',
  },
];

for (const { what, attested, isSigned = false, demands, code, text } of CASES) {
  test(`attestations: ${what}`, async (t) => {
    const engines = await policyEngines(t);
    if (engines === undefined) return;
    const { world, webhook, enforce } = await openDoor(t, { engines });
    const image = await world.push('shop/app');
    if (isSigned) await world.sign(image);
    for (const [type, predicate, by] of attested) await world.attest(image, type, predicate, by);
    enforce(policy(world.host, `, attestations: [${demands}]`));
    const answer = await ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
    assert.equal(answer.allowed, code === undefined, answer.message);
    if (code !== undefined) assert.ok(answer.message.startsWith(`${code}  `), answer.message);
    if (text !== undefined) assert.match(answer.message, text);
  });
}

/** `spec.policy`, with what it gets to see; the object is a Deployment with a label. */
const CONDITIONS: readonly (readonly [what: string, members: string, program: string, isAdmitted: boolean])[] = [
  ['who signed', '', `authorityMatches: ci: signatures: [{subject: "${SUBJECT}", issuer: "${ISSUER}"}]`, true],
  ['somebody else', '', 'authorityMatches: ci: signatures: [{subject: "bob@example.com"}]', false],
  ['an identifier of 64 digits', '', 'authorityMatches: ci: signatures: [{id: =~"^[0-9a-f]{64}$"}]', true],
  ['no spec unless asked for', '', 'spec?: _|_', true],
  ['the spec', 'includeSpec: true, ', 'spec: replicas: 3', true],
  ['another spec', 'includeSpec: true, ', 'spec: replicas: 4', false],
  ['the metadata', 'includeObjectMeta: true, ', 'metadata: labels: tier: "back"', true],
  ['other metadata', 'includeObjectMeta: true, ', 'metadata: labels: tier: "front"', false],
  ['the kind', 'includeTypeMeta: true, ', 'typemeta: {kind: "Deployment", apiVersion: "apps/v1"}', true],
  ['another kind', 'includeTypeMeta: true, ', 'typemeta: kind: "DaemonSet"', false],
  ['the configuration', 'fetchConfigFile: true, ', 'config: "linux/arm64": config: User: "nonroot"', true],
  ['another configuration', 'fetchConfigFile: true, ', 'config: "linux/arm64": config: User: "root"', false],
  ['nonsense', '', 'authorityMatches: {', false],
];

async function deploy(t: TestContext, members: string, program: string, isSigned = true): Promise<boolean> {
  const engines = await policyEngines(t);
  if (engines === undefined) return true;
  const { world, webhook, enforce } = await openDoor(t, { engines });
  const image = await world.push('shop/app', '1', {
    os: 'linux',
    architecture: 'arm64',
    config: { User: 'nonroot' },
  });
  if (isSigned) await world.sign(image);
  enforce(policy(world.host, '', `  policy: {type: cue, ${members}data: ${JSON.stringify(program)}}`));
  const object = {
    metadata: { name: 'd', labels: { tier: 'back' } },
    spec: { replicas: 3, template: { spec: podSpec(image.toString()) } },
  };
  const input = { object, group: 'apps', resource: 'deployments', kind: 'Deployment' };
  return (await ask(webhook.routes, 'mutate', input)).allowed;
}

for (const [what, members, program, isAdmitted] of CONDITIONS) {
  test(`the policy's own program sees ${what}: ${isAdmitted ? 'admitted' : 'refused'}`, async (t) => {
    const engines = await policyEngines(t);
    if (engines === undefined) return;
    assert.equal(await deploy(t, members, program), isAdmitted);
  });
}

test('a program is not asked where no authority is satisfied', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  assert.equal(await deploy(t, '', 'x: 1', false), false);
});

test('without engines a policy with a program refuses, and says that it could not be evaluated', async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.pushSigned('shop/app');
  enforce(policy(world.host, '', '  policy: {type: cue, data: "x: 1"}'));
  const answer = await ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
  assert.equal(answer.allowed, false);
  assert.equal(answer.code, 503);
  assert.match(answer.message, /^COULD_NOT_CHECK {2}[^]*POLICY_ENGINE_MISSING/);
});

test("attestations in cosign's older storage count, behind a prefix and in another repository where the policy says so", async (t) => {
  const { world, webhook, enforce } = await openDoor(t);
  const image = await world.push('shop/app');
  const layer = (input = {}): Layer =>
    attestationLayer(
      world.instance,
      encodeStatement({ ...imageSignatureStatement(image.digest!), predicateType: VULN, predicate: {} }),
      input,
    );
  const asked = async (rest: string): Promise<boolean> => {
    enforce(policy(world.host, `, attestations: [{name: scan, predicateType: vuln}]${rest}`));
    return (await ask(webhook.routes, 'mutate', { object: pod(image.toString()) })).allowed;
  };
  assert.equal(await asked(''), false);
  await pushLayers(world.client, image, image.digest!, [layer()], 'att');
  assert.equal(await asked(''), true);
  const elsewhere = { registry: world.host, repository: 'sigs' };
  const source = `, source: [{oci: "${world.host}/sigs", tagPrefix: x-}]`;
  assert.equal(await asked(source), false);
  await pushLayers(world.client, elsewhere, image.digest!, [layer(MALLORY)], 'att', 'x-');
  assert.equal(await asked(source), false);
  await pushLayers(world.client, elsewhere, image.digest!, [layer()], 'att');
  assert.equal(await asked(source), false);
  await pushLayers(world.client, elsewhere, image.digest!, [layer()], 'att', 'x-');
  assert.equal(await asked(source), true);
});
