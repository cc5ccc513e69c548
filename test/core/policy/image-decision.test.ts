import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageSignatureStatement } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { PublicKey } from '../../../src/core/crypto/public-key.ts';
import { encodeHex } from '../../../src/core/encoding/hex.ts';
import { Digest } from '../../../src/core/image/digest.ts';
import { ImageReference, parseReference } from '../../../src/core/image/reference.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { decideImage, decideRefused, decideUncovered } from '../../../src/core/policy/judgement/image-decision.ts';
import { NO_EVIDENCE, type ImageEvidence } from '../../../src/core/policy/judgement/image-evidence.ts';
import { PolicyMaterial } from '../../../src/core/policy/judgement/policy-material.ts';
import type { PolicyContext } from '../../../src/core/policy/judgement/policy-context.ts';
import { needsEvidence, PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import type { VerifiedBundle } from '../../../src/core/verify/verified-bundle.ts';
import { verifyBundle } from '../../../src/core/verify/verify-bundle.ts';
import { FormatError, RemoteError, VerificationError, type SealwrightError } from '../../../src/errors.ts';
import { FakeInstance, ISSUER, SUBJECT, type DraftInput } from '../../support/instance.ts';

const INSTANCE = new FakeInstance();
const IMAGE = Digest.of(Buffer.from('image'));
const NAME = `r.example/shop/app@${IMAGE.toString()}`;
const KEY = PrivateKey.generate('ecdsa-p256');
const OTHER_KEY = PrivateKey.generate('ed25519');

function signed(input: DraftInput = {}, key?: PublicKey): VerifiedBundle {
  const draft = INSTANCE.signStatement(new Uint8Array(0), {
    ...input,
    payload: encodeStatement(imageSignatureStatement(IMAGE)),
  });
  return verifyBundle({
    bundle: INSTANCE.bundle(draft),
    artifact: { kind: 'digest', algorithm: 'sha256', digest: IMAGE.bytes },
    trustedRoot: INSTANCE.trustedRoot,
    signer: key === undefined ? { kind: 'unsafeSkipIdentity' } : { kind: 'key', key },
    ...(key === undefined ? {} : { thresholds: { logEntries: 0, observerTimestamps: 0 } }),
  });
}

const BY_ALICE = signed();
const BY_BOB = signed({ leaf: { names: [{ kind: 'email', value: 'bob@example.com' }] } });
const BY_WORKFLOW = signed({
  leaf: { names: [{ kind: 'uri', value: 'https://github.com/acme/pay/.github/workflows/release.yml@refs/tags/v1' }] },
});
const BY_KEY = signed({ key: KEY, managed: true }, KEY.publicKey);

/** As a bundle looks that was never logged. */
function unlogged(): VerifiedBundle {
  const draft = INSTANCE.signStatement(new Uint8Array(0), {
    key: KEY,
    managed: true,
    payload: encodeStatement(imageSignatureStatement(IMAGE)),
  });
  return verifyBundle({
    bundle: INSTANCE.bundle({ ...draft, tlogEntries: [] }),
    artifact: { kind: 'digest', algorithm: 'sha256', digest: IMAGE.bytes },
    trustedRoot: INSTANCE.trustedRoot,
    signer: { kind: 'key', key: KEY.publicKey },
    thresholds: { logEntries: 0, observerTimestamps: 0 },
  });
}

const BY_KEY_UNLOGGED = unlogged();

function evidence(signatures: readonly VerifiedBundle[], rest: object = {}): ImageEvidence {
  return { ...NO_EVIDENCE, signatures, ...rest };
}

const MATERIAL = new PolicyMaterial(INSTANCE.trustedRoot);

/** Every authority gets to see the same; nothing here needs an engine or a registry. */
function seeing(found: ImageEvidence): PolicyContext {
  return {
    evidence: () => found,
    evaluate: () => assert.fail('no policy here has a program'),
    configFiles: () => assert.fail('no policy here asks for them'),
  };
}

function keyless(subject: string, issuer = `issuer: "${ISSUER}"`): string {
  return `{keyless: {identities: [{${issuer}, ${subject}}]}}`;
}

const ALICE = keyless(`subject: ${SUBJECT}`);
const BOB = keyless('subject: bob@example.com');
const WITH_KEY = `{key: {data: ${JSON.stringify(KEY.publicKey.toPem())}}}`;
const WITH_LOGGED_KEY = `{key: {data: ${JSON.stringify(KEY.publicKey.toPem())}}, ctlog: {url: "https://rekor"}}`;
const WITH_OTHER_KEY = `{key: {data: ${JSON.stringify(OTHER_KEY.publicKey.toPem())}}}`;
const PASS = '{static: {action: pass}}';
const FAIL = '{static: {action: fail, message: closed}}';

function policies(...specs: readonly string[]): PolicySet {
  const text = specs.map(
    (spec, index) =>
      `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p${index}}\nspec: ${spec}\n`,
  );
  return PolicySet.ofClusterImages(parseClusterImagePolicies(text.join('---\n'), 'file'));
}

function about(authorities: string, rest = ''): string {
  return `{images: [{glob: "r.example/**"}], authorities: [${authorities}]${rest}}`;
}

/** Policies, evidence, what comes of it. A policy that passes by one rule alone stands beside those that must not. */
const DECISIONS: readonly (readonly [
  what: string,
  specs: readonly string[],
  evidence: ImageEvidence,
  action: 'allow' | 'warn' | 'deny',
  codes?: readonly string[],
])[] = [
  ['the right identity', [about(ALICE)], evidence([BY_ALICE]), 'allow'],
  ['one of several signatures', [about(ALICE)], evidence([BY_BOB, BY_ALICE]), 'allow'],
  ['one of several authorities', [about(`${BOB}, ${ALICE}`)], evidence([BY_ALICE]), 'allow'],
  [
    'one of several identities',
    [about(`{keyless: {identities: [{issuer: x, subject: y}, {issuer: "${ISSUER}", subject: ${SUBJECT}}]}}`)],
    evidence([BY_ALICE]),
    'allow',
  ],
  ['another identity', [about(ALICE)], evidence([BY_BOB]), 'deny', ['IDENTITY_MISMATCH']],
  [
    'another issuer',
    [about(keyless(`subject: ${SUBJECT}`, 'issuer: "https://other"'))],
    evidence([BY_ALICE]),
    'deny',
    ['IDENTITY_MISMATCH'],
  ],
  [
    'issuer of one identity, subject of another',
    [about(`{keyless: {identities: [{issuer: "${ISSUER}", subject: y}, {issuer: x, subject: ${SUBJECT}}]}}`)],
    evidence([BY_ALICE]),
    'deny',
    ['IDENTITY_MISMATCH'],
  ],
  [
    'a pattern for the whole subject',
    [about(keyless('subjectRegExp: "https://github\\\\.com/acme/.*"'))],
    evidence([BY_WORKFLOW]),
    'allow',
  ],
  [
    'a pattern for a part of the subject',
    [about(keyless('subjectRegExp: "github\\\\.com/acme/"'))],
    evidence([BY_WORKFLOW]),
    'allow',
  ],
  [
    'a pattern for a part of the subject, strict',
    [about(keyless('subjectRegExp: "github\\\\.com/acme/"'), ', strictIdentities: true')],
    evidence([BY_WORKFLOW]),
    'deny',
    ['IDENTITY_MISMATCH'],
  ],
  ['no signature', [about(ALICE)], evidence([]), 'deny', ['NO_SIGNATURE']],
  ['no signature, a key wanted', [about(WITH_KEY)], evidence([]), 'deny', ['NO_SIGNATURE']],
  ['the right key', [about(WITH_KEY)], evidence([BY_KEY]), 'allow'],
  ['the right key, not logged, none wanted', [about(WITH_KEY)], evidence([BY_KEY_UNLOGGED]), 'allow'],
  ['the right key, logged, a log wanted', [about(WITH_LOGGED_KEY)], evidence([BY_KEY]), 'allow'],
  [
    'the right key, not logged, a log wanted',
    [about(WITH_LOGGED_KEY)],
    evidence([BY_KEY_UNLOGGED]),
    'deny',
    ['LOG_ENTRY_MISSING'],
  ],
  ['another key', [about(WITH_OTHER_KEY)], evidence([BY_KEY]), 'deny', ['IDENTITY_MISMATCH']],
  ['a key where an identity is wanted', [about(ALICE)], evidence([BY_KEY]), 'deny', ['IDENTITY_MISMATCH']],
  ['an identity where a key is wanted', [about(WITH_KEY)], evidence([BY_ALICE]), 'deny', ['IDENTITY_MISMATCH']],
  [
    'only what was refused',
    [about(ALICE)],
    evidence([], { refused: [new VerificationError('SUBJECT_MISMATCH', 'x')] }),
    'deny',
    ['SUBJECT_MISMATCH'],
  ],
  [
    'refused for its key',
    [about(WITH_KEY)],
    evidence([], { refused: [new VerificationError('KEY_MISMATCH', 'x')] }),
    'deny',
    ['KEY_MISMATCH'],
  ],
  [
    'refused beside a right one',
    [about(ALICE)],
    evidence([BY_ALICE], { refused: [new VerificationError('SIGNATURE_INVALID', 'x')] }),
    'allow',
  ],
  [
    'a bundle that does not parse',
    [about(ALICE)],
    evidence([], { refused: [new FormatError('FORMAT_STATEMENT', 'x')] }),
    'deny',
    ['SIGNATURE_INVALID'],
  ],
  [
    'what cannot be read at all',
    [about(ALICE)],
    evidence([], { unusable: [new FormatError('FORMAT_BUNDLE', 'x')] }),
    'deny',
    ['COULD_NOT_CHECK'],
  ],
  [
    'another format',
    [about(ALICE)],
    evidence([], { unreadFormats: ['Notary Project signature'] }),
    'deny',
    ['UNREAD_FORMAT'],
  ],
  [
    'a registry that is down',
    [about(ALICE)],
    { kind: 'unavailable', error: new RemoteError('REMOTE_TIMEOUT', 'x') },
    'deny',
    ['COULD_NOT_CHECK'],
  ],
  [
    'a registry that is down, only warned about',
    [about(ALICE, ', mode: warn')],
    { kind: 'unavailable', error: new RemoteError('REMOTE_TIMEOUT', 'x') },
    'warn',
    ['COULD_NOT_CHECK'],
  ],
  ['static pass', [about(PASS)], NO_EVIDENCE, 'allow'],
  ['static fail', [about(FAIL)], evidence([BY_ALICE]), 'deny', ['POLICY_DENIED']],
  ['static fail beside a right signer', [about(`${FAIL}, ${ALICE}`)], evidence([BY_ALICE]), 'allow'],
  [
    'static fail beside a wrong signer',
    [about(`${FAIL}, ${ALICE}`)],
    evidence([BY_BOB]),
    'deny',
    ['IDENTITY_MISMATCH'],
  ],
  [
    'static pass while the registry is down',
    [about(`${ALICE}, ${PASS}`)],
    { kind: 'unavailable', error: new RemoteError('REMOTE_TIMEOUT', 'x') },
    'allow',
  ],
  [
    'static fail while the registry is down',
    [about(FAIL)],
    { kind: 'unavailable', error: new RemoteError('REMOTE_TIMEOUT', 'x') },
    'deny',
    ['POLICY_DENIED'],
  ],
  ['two policies, both satisfied', [about(ALICE), about(BOB)], evidence([BY_ALICE, BY_BOB]), 'allow'],
  ['two policies, one not satisfied', [about(ALICE), about(BOB)], evidence([BY_ALICE]), 'deny', ['IDENTITY_MISMATCH']],
  [
    'two policies, neither satisfied',
    [about(ALICE), about(BOB)],
    evidence([]),
    'deny',
    ['NO_SIGNATURE', 'NO_SIGNATURE'],
  ],
  ['warn mode', [about(ALICE, ', mode: warn')], evidence([]), 'warn', ['NO_SIGNATURE']],
  [
    'warn mode beside an enforced one',
    [about(ALICE, ', mode: warn'), about(BOB)],
    evidence([]),
    'deny',
    ['NO_SIGNATURE'],
  ],
  ['warn mode satisfied', [about(ALICE, ', mode: warn')], evidence([BY_ALICE]), 'allow'],
];

for (const [what, specs, found, action, codes = []] of DECISIONS) {
  test(`${what}: ${action}`, async () => {
    const decision = await decideImage(policies(...specs).policies, NAME, MATERIAL, seeing(found));
    assert.equal(decision.action, action);
    const errors = action === 'warn' ? decision.warnings : decision.denials;
    assert.deepEqual(
      errors.map(({ code }) => code),
      codes,
    );
    assert.equal(decision.isUnchecked, action === 'deny' && codes.every((code) => code === 'COULD_NOT_CHECK'));
    assert.equal(decision.judgements.length, specs.length);
  });
}

async function denial(specs: readonly string[], found: ImageEvidence): Promise<SealwrightError> {
  const { denials } = await decideImage(policies(...specs).policies, NAME, MATERIAL, seeing(found));
  const [error] = denials;
  return error ?? assert.fail('allowed');
}

test('another identity: all who signed, all who may, what comes near, and how to mend it', async () => {
  const { message, facts } = await denial(
    [about(`${BOB}, ${keyless('subjectRegExp: "github\\\\.com/acme/.*"')}`, ', strictIdentities: true')],
    evidence([BY_ALICE, BY_WORKFLOW]),
  );
  assert.match(message, /^r\.example\/shop\/app@sha256:[0-9a-f]{64} is signed, but by nobody the policy accepts$/);
  assert.match(facts.found ?? '', /subject alice@example\.com, issuer .*; subject https:\/\/github\.com\/acme/);
  assert.match(facts.expected ?? '', /subject bob@example\.com, .* or subject \/\^.* \(policy p0\)$/);
  assert.match(facts.closest ?? '', /must match the whole of it/);
  assert.equal(facts.fix, String.raw`in the policy, subjectRegExp: '.*github\.com/acme/.*'`);
});

test('the command that would help signs this digest, with a key where the policy wants one', async () => {
  assert.equal((await denial([about(ALICE)], NO_EVIDENCE)).facts.fix, `sealwright sign ${NAME}`);
  assert.equal((await denial([about(WITH_KEY)], NO_EVIDENCE)).facts.fix, `sealwright sign --key cosign.key ${NAME}`);
  assert.match(
    (await denial([about(WITH_KEY)], NO_EVIDENCE)).facts.expected ?? '',
    new RegExp(encodeHex(KEY.publicKey.id)),
  );
});

test('could not check names the cause, and says that nothing is known against the image', async () => {
  const cause = new RemoteError('REMOTE_THROTTLED', 'the registry wants fewer requests', { found: 'status 429' });
  const { message, facts } = await denial([about(ALICE)], { kind: 'unavailable', error: cause });
  assert.match(message, /could not be checked: the registry wants fewer requests$/);
  assert.equal(facts.found, 'REMOTE_THROTTLED, status 429');
  assert.match(facts.fix ?? '', /nothing is known against the image/);
});

test('an image that no policy is about: as configured', () => {
  assert.equal(decideUncovered(NAME, 'deny').denials[0]?.code, 'POLICY_NO_MATCH');
  assert.equal(decideUncovered(NAME, 'warn').warnings[0]?.code, 'POLICY_NO_MATCH');
  assert.equal(decideUncovered(NAME, 'allow').action, 'allow');
  assert.equal(decideUncovered(NAME, 'deny').isUnchecked, false);
});

test('what stands in the way of judging refuses, unless every policy only warns', () => {
  const error = new FormatError('FORMAT_REFERENCE', 'x');
  assert.equal(decideRefused(error).action, 'deny');
  assert.equal(decideRefused(error, policies(about(ALICE)).policies).action, 'deny');
  assert.equal(decideRefused(error, policies(about(ALICE, ', mode: warn')).policies).action, 'warn');
  assert.equal(decideRefused(error, policies(about(ALICE, ', mode: warn'), about(BOB)).policies).action, 'deny');
});

const POD = { group: '', version: 'v1', resource: 'pods', labels: new Map([['app', 'pay']]) };
const DEPLOYMENT = { group: 'apps', version: 'v1', resource: 'deployments', labels: new Map([['tier', 'back']]) };

/** `match`, the object, whether the policy is about it. */
const MATCHES: readonly (readonly [match: string, object: typeof POD, isAbout: boolean])[] = [
  ['', POD, true],
  ['', DEPLOYMENT, true],
  ['{version: v1, resource: pods}', POD, true],
  ['{version: v1, resource: pods}', DEPLOYMENT, false],
  ['{resource: pods}', POD, false], // no version is the empty version
  ['{version: "*", resource: pods}', POD, true],
  ['{version: v2, resource: pods}', POD, false],
  ['{group: apps, version: v1, resource: deployments}', DEPLOYMENT, true],
  ['{version: v1, resource: deployments}', DEPLOYMENT, false],
  ['{group: batch, version: v1, resource: jobs}, {version: v1, resource: pods}', POD, true],
  ['{version: v1, resource: pods, selector: {matchLabels: {app: pay}}}', POD, true],
  ['{version: v1, resource: pods, selector: {matchLabels: {app: cart}}}', POD, false],
  ['{version: v1, resource: pods, selector: {matchLabels: {app: pay, tier: back}}}', POD, false],
  ['{version: v1, resource: pods, selector: {}}', POD, true],
  [
    '{version: v1, resource: pods, selector: {matchExpressions: [{key: app, operator: In, values: [a, pay]}]}}',
    POD,
    true,
  ],
  ['{version: v1, resource: pods, selector: {matchExpressions: [{key: tier, operator: In, values: [a]}]}}', POD, false],
  [
    '{version: v1, resource: pods, selector: {matchExpressions: [{key: app, operator: NotIn, values: [pay]}]}}',
    POD,
    false,
  ],
  [
    '{version: v1, resource: pods, selector: {matchExpressions: [{key: tier, operator: NotIn, values: [a]}]}}',
    POD,
    true,
  ],
  ['{version: v1, resource: pods, selector: {matchExpressions: [{key: app, operator: Exists}]}}', POD, true],
  ['{version: v1, resource: pods, selector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}', POD, false],
  ['{version: v1, resource: pods, selector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}', POD, true],
  ['{version: v1, resource: pods, selector: {matchExpressions: [{key: tier, operator: Exists}]}}', POD, false],
];

for (const [match, object, isAbout] of MATCHES) {
  test(`match [${match}] ${isAbout ? 'is' : 'is not'} about ${object.resource}`, () => {
    const set = policies(about(PASS, match === '' ? '' : `, match: [${match}]`));
    const image = { registry: 'r.example', repository: 'shop/app', digest: IMAGE };
    const reference = new ImageReference(image);
    assert.equal(set.covering(object, image).length, isAbout ? 1 : 0);
    assert.equal(set.possiblyCovering(object, reference).possible.length, isAbout ? 1 : 0);
  });
}

test('before a tag is resolved: covered, not covered, or depending on the digest', () => {
  const set = policies(
    '{images: [{glob: "r.example/a/**"}], authorities: [{static: {action: pass}}]}',
    `{images: [{glob: "r.example/a/x@sha256:${'0'.repeat(64)}"}], authorities: [{static: {action: fail}}]}`,
  );
  const names = (text: string): [string[], boolean] => {
    const { possible, isCertain } = set.possiblyCovering(POD, parseReference(text));
    return [possible.map(({ name }) => name), isCertain];
  };
  assert.deepEqual(names('r.example/a/y'), [['p0'], true]);
  assert.deepEqual(names('r.example/a/x'), [['p0', 'p1'], false]);
  assert.deepEqual(names('r.example/b/x'), [[], true]);
  const covering = set.covering(POD, { registry: 'r.example', repository: 'a/x', digest: IMAGE });
  assert.deepEqual(
    covering.map(({ name }) => name),
    ['p0'],
  );
});

test('evidence is asked for only where it can make a difference', () => {
  const needs = (...specs: string[]): boolean => needsEvidence(policies(...specs).policies);
  assert.equal(needs(about(PASS)), false);
  assert.equal(needs(about(FAIL)), false);
  assert.equal(needs(about(`${ALICE}, ${PASS}`)), false);
  assert.equal(needs(about(`${ALICE}, ${FAIL}`)), true);
  assert.equal(needs(about(PASS), about(WITH_KEY)), true);
  assert.equal(needs(about(`${ALICE}, ${PASS}`, ', policy: {type: cue, data: "x: 1"}')), true);
  assert.equal(needs(about(PASS, ', policy: {type: cue, data: "x: 1"}')), false);
});
