/**
 * Kyverno's own command line as the oracle for `ImageValidatingPolicy`: the same policies and images, the same verdicts. Keys
 * alone: for keyless attestors it fetches Sigstore's public trust root.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { peer } from '../../support/peers.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { applyKyverno } from './kyverno-program.ts';
import { pushLayered, VULN, type Layers } from './layered-image.ts';
import { ask, pod } from './review.ts';
import { World } from './world.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const OTHER = PrivateKey.generate('ecdsa-p256');
const BY_KEY = { key: KEY, managed: true };
const BY_OTHER = { key: OTHER, managed: true };

const IMAGES: Readonly<Record<string, Layers>> = {
  unsigned: [],
  'by-key': [['sig', BY_KEY]],
  'by-other': [['sig', BY_OTHER]],
  'by-both': [
    ['sig', BY_OTHER],
    ['sig', BY_KEY],
  ],
  noted: [['sig', { ...BY_KEY, noted: { team: 'shop' } }]],
  'signed-and-scanned': [
    ['sig', BY_KEY],
    ['att', BY_KEY, { scanner: { result: 'clean' } }],
  ],
  dirty: [
    ['sig', BY_KEY],
    ['att', BY_KEY, { scanner: { result: 'dirty' } }],
  ],
  'scanned-by-other': [
    ['sig', BY_KEY],
    ['att', BY_OTHER, { scanner: { result: 'clean' } }],
  ],
};

const signedBy = (names: string, test = '> 0'): string =>
  `images.containers.all(image, verifyImageSignatures(image, [${names}]) ${test})`;
const SCANNED =
  'images.containers.all(image, verifyAttestationSignatures(image, attestations.scan, [attestors.key]) > 0)';
const CLEAN = `images.containers.all(image, extractPayload(image, attestations.scan).predicate.scanner.result == "clean")`;
const list = (...expressions: readonly string[]): string =>
  `validations: [${expressions.map((expression) => `{expression: ${JSON.stringify(expression)}, message: refused}`).join(', ')}]`;

/** Members of a policy's spec beside its attestors. */
const POLICIES: Readonly<Record<string, string>> = {
  key: list(signedBy('attestors.key')),
  'either key': list(signedBy('attestors.key, attestors.other')),
  'both keys': list(signedBy('attestors.key, attestors.other', '== 2')),
  'one after the other': list(signedBy('attestors.key'), signedBy('attestors.other')),
  annotated: list(signedBy('attestors.noted')),
  'any image': list('images.containers.exists(image, verifyImageSignatures(image, [attestors.key]) > 0)'),
  'what is not signed': list('images.containers.all(image, verifyImageSignatures(image, [attestors.key]) == 0)'),
  scanned: list(SCANNED),
  clean: list(SCANNED, CLEAN),
  'a payload before its signature': list(CLEAN),
  'a constant': list('true'),
  'a constant that may': `validationConfigurations: {required: false}, ${list('true')}`,
  'a constant that is false': list('false'),
  'a variable': `variables: [{name: signed, expression: ${JSON.stringify(signedBy('attestors.key'))}}], ${list('variables.signed')}`,
  'a message that is computed':
    'validations: [{expression: "false", messageExpression: "\'no: \' + string(size(images.containers))"}]',
  'other images': `matchImageReferences: [{glob: "ghcr.io/*"}], ${list(signedBy('attestors.key'))}`,
  'images by expression': `matchImageReferences: [{expression: "parseImageReference(ref).repository() == \\"by-key\\""}], ${list(signedBy('attestors.key'))}`,
  'a condition that does not hold': `matchConditions: [{name: a, expression: "object.metadata.name == \\"by-key\\""}], ${list(signedBy('attestors.key'))}`,
  'a field that is not there': list('object.spec.nothing == 1'),
  'an expression that does not compile': list('images.containers.all(image, verify(image) > 0)'),
};

/** Policies that Kyverno does not even report about: here they refuse. */
const UNREPORTED: ReadonlySet<string> = new Set(['an expression that does not compile']);
/** Policy and image for which the verdicts differ, and why. */
const UNLOGGED = 'it wants attestations logged, also where the policy says to do without';
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['annotated, noted', 'it compares what lies beside the signature, which nobody has signed'],
  ['scanned, signed-and-scanned', UNLOGGED],
  ['scanned, dirty', UNLOGGED],
  ['clean, signed-and-scanned', UNLOGGED],
]);

test('ImageValidatingPolicies are judged as Kyverno judges them', async (t) => {
  const kyverno = peer(t, 'kyverno');
  if (kyverno === undefined) return;
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const world = await World.open(t);
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-kyverno-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const counts = { admitted: 0, refused: 0 };
  const images = new Map<string, ImageReference>();
  for (const [name, layers] of Object.entries(IMAGES)) images.set(name, await pushLayered(world, name, layers));
  const pods = [...images].map(([name, image]) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    ...pod(`${image.context}@${image.digest!.toString()}`),
    metadata: { name, namespace: 'shop' },
  }));
  const attestor = (name: string, key: PrivateKey, more = ''): string =>
    `{name: ${name}, cosign: {key: {data: ${JSON.stringify(key.publicKey.toPem())}}, ctlog: {insecureIgnoreTlog: true, insecureIgnoreSCT: true}${more}}}`;

  for (const [what, members] of Object.entries(POLICIES)) {
    const text = `apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {name: p}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  attestors: [${attestor('key', KEY)}, ${attestor('other', OTHER)}, ${attestor('noted', KEY, ', annotations: {team: shop}')}]
  attestations: [{name: scan, intoto: {type: "${VULN}"}}]
  ${members.replace(/, (?=validations: )/, '\n  ').replace(/, (?=variables: )/, '\n  ')}
`;
    const file = join(dir, 'policy.yaml');
    writeFileSync(file, text);
    const theirs = await applyKyverno(kyverno, file, pods, dir);
    const source = await openPolicyFiles({ paths: [file], rereadMs: 0 });
    const webhook = createWebhook({
      policies: source,
      registry: world.client,
      trustedRoot: world.instance.trustedRoot,
      engines: () => Promise.resolve(engines),
      // Kyverno admits images that no policy is about.
      noMatch: 'allow',
      now: () => new Date(),
    });
    t.after(() => webhook.close());
    for (const object of pods) {
      const { name } = object.metadata;
      await t.test(`${what}, ${name}`, async () => {
        const ours = await ask(webhook.routes, 'validate', { object });
        // It says nothing of objects that the policy turns out not to be about.
        const verdict = theirs.get(name) ?? { isAdmitted: !UNREPORTED.has(what), text: 'nothing' };
        const difference = DIFFERENCES.get(`${what}, ${name}`);
        const shown = `Kyverno: ${verdict.text}\nhere: ${ours.message || 'admitted'}`;
        assert.equal(ours.allowed, difference === undefined ? verdict.isAdmitted : !verdict.isAdmitted, shown);
        counts[verdict.isAdmitted ? 'admitted' : 'refused']++;
      });
    }
  }
  // Neither of the two would be noticed by the comparison alone.
  assert.ok(counts.admitted >= 30 && counts.refused >= counts.admitted, JSON.stringify(counts));
});
