/**
 * Kyverno's own command line as the oracle for `verifyImages` rules: the same policies and images, the same verdicts. What differs
 * on purpose is in a table of its own.
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
import { ISSUER, SUBJECT, type FakeInstance } from '../../support/instance.ts';
import { peer } from '../../support/peers.ts';
import type { SignedLayerInput } from '../../support/signature-layers.ts';
import { applyKyverno } from './kyverno-program.ts';
import { pushLayered, VULN, type Layers } from './layered-image.ts';
import { ask, pod } from './review.ts';
import { World } from './world.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const OTHER = PrivateKey.generate('ecdsa-p256');
const BY_KEY: SignedLayerInput = { key: KEY, managed: true };
const BY_OTHER: SignedLayerInput = { key: OTHER, managed: true };
const BY_BOB: SignedLayerInput = {
  leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } },
};

const IMAGES: Readonly<Record<string, Layers>> = {
  unsigned: [],
  'by-key': [['sig', BY_KEY]],
  'by-other': [['sig', BY_OTHER]],
  'by-both': [
    ['sig', BY_OTHER],
    ['sig', BY_KEY],
  ],
  noted: [['sig', { ...BY_KEY, noted: { team: 'shop' } }]],
  'by-alice': [['sig', {}]],
  'by-bob': [['sig', BY_BOB]],
  scanned: [['att', BY_KEY, { scanner: { result: 'clean' } }]],
  'scanned-twice': [
    ['att', BY_KEY, { scanner: { result: 'clean' } }],
    ['att', BY_KEY, { scanner: { result: 'dirty' } }],
  ],
  'scanned-by-other': [['att', BY_OTHER, { scanner: { result: 'clean' } }]],
};

const NO_LOGS = 'rekor: {ignoreTlog: true, url: "https://rekor.example.com"}, ctlog: {ignoreSCT: true}';
const pem = (...keys: readonly PrivateKey[]): string =>
  JSON.stringify(keys.map((key) => key.publicKey.toPem()).join(''));
const keys = (which: readonly PrivateKey[], more = NO_LOGS): string =>
  `{keys: {publicKeys: ${pem(...which)}, ${more}}}`;
const set = (entries: readonly string[], count = ''): string => `{${count}entries: [${entries.join(', ')}]}`;

/** Members of a `verifyImages` entry beside its image references. */
function policies({ root, logV1, ctKey }: FakeInstance): Readonly<Record<string, string>> {
  const roots = JSON.stringify(root.certificate.toPem());
  const log = `rekor: {url: "https://rekor.example.com", pubkey: ${JSON.stringify(logV1.instance.publicKey.toPem())}}`;
  const ct = `ctlog: {pubkey: ${JSON.stringify(ctKey.publicKey.toPem())}}`;
  const keyless = (who: string): string => `{keyless: {${who}, roots: ${roots}, ${log}, ${ct}}}`;
  const own = `subject: ${SUBJECT}, issuer: "${ISSUER}"`;
  return {
    key: `attestors: [${set([keys([KEY])])}]`,
    'two keys, both': `attestors: [${set([keys([KEY, OTHER])])}]`,
    'two keys, one': `attestors: [${set([keys([KEY, OTHER])], 'count: 1, ')}]`,
    'two entries, both': `attestors: [${set([keys([KEY]), keys([OTHER])])}]`,
    'two entries, one': `attestors: [${set([keys([KEY]), keys([OTHER])], 'count: 1, ')}]`,
    'two sets': `attestors: [${set([keys([KEY])])}, ${set([keys([OTHER])])}]`,
    nested: `attestors: [${set([`{attestor: ${set([keys([KEY]), keys([OTHER])], 'count: 1, ')}}`])}]`,
    'SHA-512': `attestors: [${set([keys([KEY], `signatureAlgorithm: sha512, ${NO_LOGS}`)])}]`,
    annotated: `attestors: [${set([`{keys: {publicKeys: ${pem(KEY)}, ${NO_LOGS}}, annotations: {team: shop}}`])}]`,
    'annotated otherwise': `attestors: [${set([`{keys: {publicKeys: ${pem(KEY)}, ${NO_LOGS}}, annotations: {team: x}}`])}]`,
    'logged key': `attestors: [${set([keys([KEY], `${log}, ctlog: {ignoreSCT: true}`)])}]`,
    alice: `attestors: [${set([keyless(own)])}]`,
    'alice by wildcard': `attestors: [${set([keyless(`subject: "*@example.com", issuer: "https://*"`)])}]`,
    'a part of a name': `attestors: [${set([keyless(`subjectRegExp: "lice@", issuerRegExp: ".*"`)])}]`,
    'another issuer': `attestors: [${set([keyless(`subject: ${SUBJECT}, issuer: "https://other"`)])}]`,
    'alice or key': `attestors: [${set([keyless(own), keys([KEY])], 'count: 1, ')}]`,
    roots: `attestors: [${set([`{certificates: {certChain: ${roots}, ${log}, ${ct}}}`])}]`,
    scan: `attestations: [{type: "${VULN}", attestors: [${set([keys([KEY])])}]}]`,
    'another type': `attestations: [{type: "https://example.com/x", attestors: [${set([keys([KEY])])}]}]`,
    nobody: '',
    'digest alone': 'required: false',
  };
}

test('verifyImages rules are judged as Kyverno judges them', async (t) => {
  const kyverno = peer(t, 'kyverno');
  if (kyverno === undefined) return;
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

  for (const [what, members] of Object.entries(policies(world.instance))) {
    const text = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  webhookConfiguration: {timeoutSeconds: 30}
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    verifyImages: [{imageReferences: ["${world.host}/*"], failureAction: Enforce${members === '' ? '' : `, ${members}`}}]
`;
    const file = join(dir, 'policy.yaml');
    writeFileSync(file, text);
    const theirs = await applyKyverno(kyverno, file, pods, dir);
    const source = await openPolicyFiles({ paths: [file], rereadMs: 0 });
    const webhook = createWebhook({
      policies: source,
      registry: world.client,
      trustedRoot: world.instance.trustedRoot,
      now: () => new Date(),
    });
    t.after(() => webhook.close());
    for (const object of pods) {
      const { name } = object.metadata;
      await t.test(`${what}, ${name}`, async () => {
        const ours = await ask(webhook.routes, 'validate', { object });
        const verdict = theirs.get(name);
        assert.ok(verdict !== undefined, 'Kyverno said nothing');
        const shown = `Kyverno: ${verdict.text}\nhere: ${ours.message || 'admitted'}`;
        assert.equal(ours.allowed, verdict.isAdmitted, shown);
        counts[verdict.isAdmitted ? 'admitted' : 'refused']++;
      });
    }
  }
  // Neither of the two would be noticed by the comparison alone.
  assert.ok(counts.admitted >= 40 && counts.refused >= counts.admitted, JSON.stringify(counts));
});
