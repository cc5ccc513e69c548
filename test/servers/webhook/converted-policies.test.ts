/**
 * Kyverno's policies converted to `ClusterImagePolicy`: the same images, the same verdicts, by our own code and, where they are
 * installed, by Kyverno and by policy-controller's tester. What is named as lost may only differ in the direction that is named.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { convertPolicies, type PolicyConversion } from '../../../src/core/policy/conversion/convert-policies.ts';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { ISSUER, SUBJECT, type FakeInstance } from '../../support/instance.ts';
import { findPeer, peer } from '../../support/peers.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import type { SignedLayerInput } from '../../support/signature-layers.ts';
import { applyKyverno } from './kyverno-program.ts';
import { pushLayered, VULN, type Layers } from './layered-image.ts';
import { ask, pod } from './review.ts';
import { World } from './world.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const OTHER = PrivateKey.generate('ecdsa-p256');
const THIRD = PrivateKey.generate('ecdsa-p256');
const BY_KEY: SignedLayerInput = { key: KEY, managed: true };
const BY_OTHER: SignedLayerInput = { key: OTHER, managed: true };
const BY_THIRD: SignedLayerInput = { key: THIRD, managed: true };
const BY_BOB: SignedLayerInput = {
  leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } },
};
const FOR_PAY: SignedLayerInput = {
  leaf: {
    names: [{ kind: 'email', value: 'alice@example.com' }],
    fulcio: { issuer: ISSUER, githubWorkflowRepository: 'acme/pay', githubWorkflowRef: 'refs/tags/v1' },
  },
};

const IMAGES: Readonly<Record<string, Layers>> = {
  unsigned: [],
  'by-key': [['sig', BY_KEY]],
  'by-other': [['sig', BY_OTHER]],
  'by-both': [
    ['sig', BY_OTHER],
    ['sig', BY_KEY],
  ],
  'by-key-and-third': [
    ['sig', BY_KEY],
    ['sig', BY_THIRD],
  ],
  noted: [['sig', { ...BY_KEY, noted: { team: 'shop' } }]],
  'by-alice': [['sig', {}]],
  'by-bob': [['sig', BY_BOB]],
  'for-pay': [['sig', FOR_PAY]],
  scanned: [['att', BY_KEY, { scanner: { result: 'clean', score: 3 } }]],
  'scanned-badly': [['att', BY_KEY, { scanner: { result: 'dirty', score: 9 } }]],
  'scanned-twice': [
    ['att', BY_KEY, { scanner: { result: 'clean', score: 3 } }],
    ['att', BY_KEY, { scanner: { result: 'dirty', score: 9 } }],
  ],
  'scanned-by-other': [['att', BY_OTHER, { scanner: { result: 'clean', score: 3 } }]],
};

const NO_LOGS = 'rekor: {ignoreTlog: true, url: "https://rekor.example.com"}, ctlog: {ignoreSCT: true}';
const pem = (...keys: readonly PrivateKey[]): string =>
  JSON.stringify(keys.map((key) => key.publicKey.toPem()).join(''));
const keys = (...which: readonly PrivateKey[]): string => `{keys: {publicKeys: ${pem(...which)}, ${NO_LOGS}}}`;
const set = (entries: readonly string[], count = ''): string => `{${count}entries: [${entries.join(', ')}]}`;
const nested = (text: string): string => `{attestor: ${text}}`;
const scan = (conditions: string): string =>
  `attestations: [{type: "${VULN}", attestors: [${set([keys(KEY)])}], conditions: [${conditions}]}]`;
const condition = (name: string, operator: string, value: string): string =>
  `{key: "{{ scanner.${name} }}", operator: ${operator}, value: ${value}}`;

type Case = readonly [members: string, effects: string];

/** Members of a `verifyImages` entry beside its image references, and what of it is lost. */
function rules({ root, intermediate, logV1, ctKey }: FakeInstance): Readonly<Record<string, Case>> {
  const alone = JSON.stringify(root.certificate.toPem());
  const roots = JSON.stringify(`${root.certificate.toPem()}${intermediate.certificate.toPem()}`);
  const log = `rekor: {url: "https://rekor.example.com", pubkey: ${JSON.stringify(logV1.instance.publicKey.toPem())}}`;
  const ct = `ctlog: {pubkey: ${JSON.stringify(ctKey.publicKey.toPem())}}`;
  const keyless = (who: string): string => `{keyless: {${who}, roots: ${roots}, ${log}, ${ct}}}`;
  const own = `subject: ${SUBJECT}, issuer: "${ISSUER}"`;
  const pay = 'additionalExtensions: {githubWorkflowRepository: acme/pay, githubWorkflowRef: "refs/tags/*"}';
  return {
    key: [`attestors: [${set([keys(KEY)])}]`, ''],
    'two keys, both': [`attestors: [${set([keys(KEY, OTHER)])}]`, ''],
    'two keys, one': [`attestors: [${set([keys(KEY, OTHER)], 'count: 1, ')}]`, ''],
    'two of three': [`attestors: [${set([keys(KEY), keys(OTHER), keys(THIRD)], 'count: 2, ')}]`, ''],
    'two sets': [`attestors: [${set([keys(KEY)])}, ${set([keys(OTHER)])}]`, ''],
    'either both or the third': [
      `attestors: [${set([nested(set([keys(KEY), keys(OTHER)])), keys(THIRD)], 'count: 1, ')}]`,
      '',
    ],
    'one of two nested, and the third': [
      `attestors: [${set([nested(set([keys(KEY), keys(OTHER)], 'count: 1, ')), keys(THIRD)])}]`,
      '',
    ],
    annotated: [
      `attestors: [${set([`{keys: {publicKeys: ${pem(KEY)}, ${NO_LOGS}}, annotations: {team: shop}}`])}]`,
      'looser',
    ],
    alice: [`attestors: [${set([keyless(own)])}]`, ''],
    'alice by wildcard': [`attestors: [${set([keyless('subject: "al*@example.com", issuer: "https://*"')])}]`, ''],
    'a name of five letters': [`attestors: [${set([keyless('subject: "?????@example.com", issuer: "*"')])}]`, ''],
    'a part of a name': [`attestors: [${set([keyless('subjectRegExp: "lice@", issuerRegExp: ".*"')])}]`, ''],
    'a name or a pattern': [
      `attestors: [${set([keyless(`subject: bob@example.com, subjectRegExp: "^alice@", issuer: "${ISSUER}"`)])}]`,
      '',
    ],
    'an issuer that fits a pattern': [
      `attestors: [${set([keyless(`subject: ${SUBJECT}, issuer: "${ISSUER}", issuerRegExp: "^https:"`)])}]`,
      '',
    ],
    'another issuer': [`attestors: [${set([keyless(`subject: ${SUBJECT}, issuer: "https://other"`)])}]`, ''],
    'alice or key': [`attestors: [${set([keyless(own), keys(KEY)], 'count: 1, ')}]`, ''],
    'alice for a repository': [
      `attestors: [${set([keyless(`subject: alice@example.com, issuer: "${ISSUER}", ${pay}`)])}]`,
      '',
    ],
    roots: [`attestors: [${set([`{certificates: {certChain: ${roots}, ${log}, ${ct}}}`])}]`, ''],
    'a root alone': [`attestors: [${set([`{keyless: {${own}, roots: ${alone}, ${log}, ${ct}}}`])}]`, 'tighter'],
    'roots without CT log': [
      `attestors: [${set([`{keyless: {${own}, roots: ${roots}, ${log}}}`, keys(KEY)], 'count: 1, ')}]`,
      'tighter',
    ],
    'a logged key': [
      `attestors: [${set([`{keys: {publicKeys: ${pem(KEY)}, ${log}}}`, keys(OTHER)], 'count: 1, ')}]`,
      'tighter',
    ],
    scan: [`attestations: [{type: "${VULN}", attestors: [${set([keys(KEY)])}]}]`, ''],
    'scan and signature': [
      `attestors: [${set([keys(KEY)])}], attestations: [{type: "${VULN}", attestors: [${set([keys(KEY)])}]}]`,
      '',
    ],
    'another type': [`attestations: [{type: "https://example.com/x", attestors: [${set([keys(KEY)])}]}]`, ''],
    'a clean scan': [scan(`{all: [${condition('result', 'Equals', 'clean')}]}`), 'looser'],
    'a scan that is not dirty': [scan(`{all: [${condition('result', 'NotEquals', 'dirty')}]}`), 'looser'],
    'a scan of a list': [scan(`{any: [${condition('result', 'AnyIn', '[clean, spotless]')}]}`), 'looser'],
    'a low score': [scan(`{all: [${condition('score', 'LessThan', '5')}]}`), 'looser'],
    'a score or a result': [
      scan(`{any: [${condition('score', 'GreaterThan', '5')}, ${condition('result', 'In', '[clean]')}]}`),
      'looser',
    ],
    'what is not there': [scan(`{all: [${condition('nothing', 'Equals', 'clean')}]}`), 'looser'],
    nobody: ['', ''],
    'digest alone': ['required: false', ''],
    'tags refused': [`mutateDigest: false, attestors: [${set([keys(KEY)])}]`, 'looser'],
    'an image left out': [`skipImageReferences: ["*/by-key*"], attestors: [${set([keys(KEY)])}]`, 'tighter'],
  };
}

const signedBy = (names: string, test = '> 0', lists = ALL): string =>
  `${lists}.map(image, verifyImageSignatures(image, [${names}])).all(e, e ${test})`;
const ALL = '(images.containers + images.initContainers + images.ephemeralContainers)';
const validations = (...expressions: readonly string[]): string =>
  `validations: [${expressions.map((expression) => `{expression: ${JSON.stringify(expression)}, message: refused}`).join(', ')}]`;

/** Members of the spec of an `ImageValidatingPolicy` beside its attestors. */
const VALIDATING: Readonly<Record<string, Case>> = {
  key: [validations(signedBy('attestors.key')), ''],
  'either key': [validations(signedBy('attestors.key, attestors.other')), ''],
  'both keys': [validations(signedBy('attestors.key, attestors.other', '== 2')), ''],
  'more than one': [validations(signedBy('attestors.key, attestors.other, attestors.third', '> 1')), ''],
  'joined, and in parentheses': [validations(`(${signedBy('attestors.key')}) && ${signedBy('attestors.other')}`), ''],
  'one after the other': [validations(signedBy('attestors.key'), signedBy('attestors.other')), ''],
  'more than there are': [validations(signedBy('attestors.key', '> 1')), ''],
  scanned: [
    `attestations: [{name: scan, intoto: {type: "${VULN}"}}], ${validations(
      `${ALL}.all(image, verifyAttestationSignatures(image, attestations.scan, [attestors.key]) > 0)`,
    )}`,
    '',
  ],
  'containers alone': [validations(signedBy('attestors.key', '> 0', 'images.containers')), 'looser'],
  'containers alone, nothing else required': [
    `validationConfigurations: {required: false}, ${validations(signedBy('attestors.key', '> 0', 'images.containers'))}`,
    'tighter',
  ],
  'another expression beside it': [
    validations(signedBy('attestors.key'), 'object.metadata.name != "by-key"'),
    'looser',
  ],
  'exactly one of two': [
    validations(signedBy('attestors.key, attestors.other', '== 1'), signedBy('attestors.key')),
    'looser',
  ],
  'a condition': [
    `matchConditions: [{name: a, expression: 'object.metadata.name != "by-other"'}], ${validations(signedBy('attestors.key'))}`,
    'tighter',
  ],
};

function ruleText(host: string, members: string): string {
  return `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  webhookConfiguration: {timeoutSeconds: 30}
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    verifyImages: [{imageReferences: ["${host}/*"], failureAction: Enforce${members === '' ? '' : `, ${members}`}}]
`;
}

function validatingText(host: string, members: string): string {
  const attestor = (name: string, key: PrivateKey): string =>
    `{name: ${name}, cosign: {key: {data: ${pem(key)}}, ctlog: {insecureIgnoreTlog: true, insecureIgnoreSCT: true}}}`;
  return `apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {name: p}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]}
  matchImageReferences: [{glob: "${host}/*"}]
  attestors: [${[attestor('key', KEY), attestor('other', OTHER), attestor('third', THIRD)].join(', ')}]
  ${members.replaceAll(/, (?=(validations|validationConfigurations|attestations|matchConditions):)/g, '\n  ')}
`;
}

/** It wants attestations logged, also where the policy says to do without (kyverno-validating-oracle.test.ts). */
const DIFFERENT: ReadonlySet<string> = new Set(['validating: scanned']);

interface Lab {
  readonly world: World;
  readonly dir: string;
  readonly pods: readonly { readonly metadata: { readonly name: string }; readonly image: string }[];
  decide(text: string): Promise<ReadonlyMap<string, boolean>>;
}

async function openLab(t: TestContext): Promise<Lab | undefined> {
  const engines = await policyEngines(t);
  if (engines === undefined) return undefined;
  const world = await World.open(t);
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-converted-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const pods: Lab['pods'][number][] = [];
  for (const [name, layers] of Object.entries(IMAGES)) {
    const { context, digest } = await pushLayered(world, name, layers);
    const image = `${context}@${digest?.toString() ?? ''}`;
    pods.push({ ...objectOf(image), metadata: { name }, image });
  }
  let number = 0;
  return {
    world,
    dir,
    pods,
    decide: async (text) => {
      const file = join(dir, `policy-${++number}.yaml`);
      writeFileSync(file, text);
      const webhook = createWebhook({
        policies: await openPolicyFiles({ paths: [file], rereadMs: 0 }),
        registry: world.client,
        trustedRoot: world.instance.trustedRoot,
        engines: () => Promise.resolve(engines),
        now: () => new Date(),
        // As in Kyverno, where nothing is said about what no policy is about.
        noMatch: 'allow',
      });
      try {
        const verdicts = new Map<string, boolean>();
        for (const { image, metadata } of pods) {
          const object = { ...objectOf(image), metadata: { ...metadata, namespace: 'shop' } };
          verdicts.set(metadata.name, (await ask(webhook.routes, 'validate', { object })).allowed);
        }
        return verdicts;
      } finally {
        await webhook.close();
      }
    },
  };
}

function objectOf(image: string): { apiVersion: string; kind: string } & ReturnType<typeof pod> {
  return { apiVersion: 'v1', kind: 'Pod', ...pod(image) };
}

function converted(text: string): PolicyConversion {
  const options = { logUrl: 'https://rekor.example.com', systemNamespace: 'cosign-system' };
  const [conversion, another] = convertPolicies([{ path: 'p', text }], 'cip', options);
  assert.ok(conversion !== undefined && another === undefined);
  return conversion;
}

function effectsOf({ losses }: PolicyConversion): string {
  return [...new Set(losses.map(({ effect }) => effect))].sort().join(' ');
}

const write = ({ documents }: PolicyConversion): string =>
  documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n');

function compare(
  before: ReadonlyMap<string, boolean>,
  after: ReadonlyMap<string, boolean>,
  effects: string,
  shown: string,
): void {
  for (const [name, was] of before) {
    const is = after.get(name);
    const text = `${name}: ${String(was)} → ${String(is)}\n${shown}`;
    if (effects === '') assert.equal(is, was, text);
    if (effects === 'tighter') assert.ok(was || is === false, text);
    if (effects === 'looser') assert.ok(!was || is === true, text);
  }
}

test('what is converted to ClusterImagePolicy decides as before, or as it says', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world, dir, pods } = lab;
  const kyverno = findPeer('kyverno');
  const tester = findPeer('policy-tester');
  const counts = { admitted: 0, refused: 0 };
  const cases = [
    ...Object.entries(rules(world.instance)).map(([what, [members, effects]]) => ({
      what,
      text: ruleText(world.host, members),
      effects,
    })),
    ...Object.entries(VALIDATING).map(([what, [members, effects]]) => ({
      what: `validating: ${what}`,
      text: validatingText(world.host, members),
      effects,
    })),
  ];
  for (const { what, text, effects } of cases) {
    await t.test(`${what}: ${effects || 'nothing is lost'}`, async () => {
      const conversion = converted(text);
      const shown = `${write(conversion)}\n${JSON.stringify(conversion.losses, null, 1)}`;
      assert.equal(effectsOf(conversion), effects, shown);
      const [before, after] = [await lab.decide(text), await lab.decide(write(conversion))];
      compare(before, after, effects, shown);
      for (const isAdmitted of after.values()) counts[isAdmitted ? 'admitted' : 'refused']++;
      if (kyverno !== undefined && !DIFFERENT.has(what)) {
        const file = join(dir, 'kyverno.yaml');
        writeFileSync(file, text);
        const objects = pods.map(({ image, metadata }) => ({
          ...objectOf(image),
          metadata: { ...metadata, namespace: 'shop' },
        }));
        const theirs = await applyKyverno(kyverno, file, objects, dir);
        // What Kyverno says nothing about, it lets in.
        const verdicts = new Map(pods.map(({ metadata: { name } }) => [name, theirs.get(name)?.isAdmitted ?? true]));
        compare(verdicts, after, effects, shown);
      }
      if (tester !== undefined) {
        const theirs = await byTester(tester, write(conversion), lab);
        const ours = new Map([...after].filter(([name]) => theirs.has(name)));
        compare(ours, theirs, effects === 'tighter' ? effects : '', shown);
      }
    });
  }
  // Neither of the two would be noticed by the comparison alone.
  assert.ok(counts.admitted >= 60 && counts.refused >= counts.admitted, JSON.stringify(counts));
});

/** Each of its runs is a process. */
const TESTED: readonly string[] = ['by-key', 'by-both', 'by-alice', 'for-pay', 'scanned'];

/** policy-controller's own tester, image by image. */
async function byTester(tester: string, text: string, { dir, pods }: Lab): Promise<ReadonlyMap<string, boolean>> {
  const policy = join(dir, 'tester.yaml');
  writeFileSync(
    policy,
    text
      .split('---\n')
      .filter((one) => !one.includes('kind: TrustRoot'))
      .join('---\n'),
  );
  const roots = join(dir, 'roots.yaml');
  const trust = text.split('---\n').filter((one) => one.includes('kind: TrustRoot'));
  writeFileSync(roots, trust.join('---\n'));
  const verdicts = new Map<string, boolean>();
  for (const { image, metadata } of pods.filter(({ metadata: { name } }) => TESTED.includes(name))) {
    const resource = join(dir, 'resource.yaml');
    writeFileSync(resource, JSON.stringify({ ...objectOf(image), metadata: { ...metadata, namespace: 'shop' } }));
    const args = ['-policy', policy, '-image', image, '-resource', resource];
    const ended = await promisify(execFile)(tester, [...args, ...(trust.length === 0 ? [] : ['-trustroot', roots])], {
      env: { PATH: process.env['PATH'] ?? '', HOME: dir },
      timeout: 60_000,
    }).then(
      () => true,
      (error: unknown) => {
        assert.equal((error as { code?: number }).code, 1, String((error as { stderr?: string }).stderr));
        return false;
      },
    );
    verdicts.set(metadata.name, ended);
  }
  return verdicts;
}

test('what is converted to Kyverno and back decides as before', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { world } = lab;
  const options = { logUrl: 'https://rekor.example.com', systemNamespace: 'cosign-system' };
  const glob = `images: [{glob: "${world.host}/**"}]`;
  const alice = `{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}`;
  const either = `{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}, {issuerRegExp: "^https:", subjectRegExp: "^bob@"}]}}`;
  const starred = `{keyless: {identities: [{issuer: "${ISSUER}", subject: "*@example.com"}]}}`;
  const key = `{key: {data: ${pem(KEY)}}}`;
  for (const spec of [
    `${glob}, authorities: [${alice}]`,
    `images: [{glob: "${world.host}/by-alice@*"}, {glob: "${world.host}/by-key@*"}], authorities: [${alice}]`,
    `${glob}, authorities: [${either}]`,
    `${glob}, authorities: [${starred}]`,
    `${glob}, authorities: [${key}]`,
    `${glob}, authorities: [${alice}, ${key}, {key: {data: ${pem(OTHER)}, hashAlgorithm: sha512}}]`,
    `${glob}, mode: warn, authorities: [${alice}]`,
    `${glob}, match: [{version: v1, resource: pods}], authorities: [${key}]`,
    `${glob}, match: [{version: v1, resource: pods, selector: {matchLabels: {app: p}}}], authorities: [${key}]`,
    `${glob}, match: [{group: apps, version: v1, resource: deployments}], authorities: [${key}]`,
  ]) {
    const text = `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec: {${spec}}\n`;
    const [there] = convertPolicies([{ path: 'p', text }], 'kyverno', options);
    assert.ok(there !== undefined);
    assert.deepEqual(there.losses, [], spec);
    const back = converted(write(there));
    assert.ok(
      back.losses.every(({ effect }) => effect === 'told'),
      JSON.stringify(back.losses),
    );
    assert.equal(back.documents.length, 1, write(back));
    compare(await lab.decide(text), await lab.decide(write(back)), '', write(back));
  }
});

test('without a peer the comparison with it is skipped aloud', (t) => {
  for (const name of ['kyverno', 'policy-tester'] as const) peer(t, name);
});
