/** What policies refer to and do not contain: Secrets, ConfigMaps, KMS, URLs and TrustRoots, from files. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { PublicKey } from '../../../src/core/crypto/public-key.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { FormatError, RemoteError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { FakeInstance, ISSUER, SUBJECT, type DraftInput } from '../../support/instance.ts';
import { ask, pod, type Answer } from './review.ts';
import { base64, trustRoot } from './trust-root-document.ts';
import { World } from './world.ts';

const KEY = PrivateKey.generate('ecdsa-p256');

interface Outside {
  readonly kms?: (uri: string) => Promise<PublicKey>;
  readonly trustedRoot?: FakeInstance;
}

/** What a webhook that read this text answers about the image. */
async function answer(
  t: TestContext,
  world: World,
  image: ImageReference,
  text: string,
  { kms, trustedRoot = world.instance }: Outside = {},
): Promise<Answer> {
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-references-'));
  const http = new HttpClient({ timeoutMs: 2000, retry: { retries: 0 } });
  t.after(() => {
    http.close();
    rmSync(dir, { recursive: true, force: true });
  });
  writeFileSync(join(dir, 'policies.yaml'), text);
  const policies = await openPolicyFiles({
    paths: [dir],
    rereadMs: 0,
    outside: {
      http,
      now: () => new Date(),
      kms: kms ?? (() => Promise.reject(new RemoteError('REMOTE_UNREACHABLE', 'nobody answers'))),
    },
  });
  const webhook = createWebhook({
    policies,
    registry: world.client,
    trustedRoot: trustedRoot.trustedRoot,
    now: () => new Date(),
  });
  t.after(() => webhook.close());
  return ask(webhook.routes, 'mutate', { object: pod(image.toString()) });
}

function policy(authority: string): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: p}
spec: {images: [{glob: "**"}], authorities: [${authority}]}
`;
}

function secret(data: Readonly<Record<string, string>>): string {
  const encoded = Object.entries(data).map(([name, value]) => [name, Buffer.from(value).toString('base64')] as const);
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'cosign-system' },
    data: Object.fromEntries(encoded),
  });
}

const PEM = KEY.publicKey.toPem();

/** The Secret's document, and what comes of a policy that refers to it. */
const SECRETS: readonly (readonly [what: string, document: string, text?: RegExp])[] = [
  ['the key', secret({ 'cosign.pub': PEM })],
  [
    'another key',
    secret({ k: PrivateKey.generate('ecdsa-p256').publicKey.toPem() }),
    /^KEY_MISMATCH|SIGNATURE_INVALID/,
  ],
  ['no entry', secret({}), /secret "s" contains no data/],
  ['two entries', secret({ a: PEM, b: PEM }), /secret "s" contains multiple data entries, only one is supported/],
  ['no key', secret({ a: 'nonsense' }), /secret "s" contains an invalid public key/],
  ['no Secret', secret({ a: PEM }).replace('"name":"s"', '"name":"other"'), /no Secret s/],
];

for (const [what, document, text] of SECRETS) {
  test(`a key in a Secret: ${what}`, async (t) => {
    const world = await World.open(t);
    const image = await world.push('app');
    await world.sign(image, { key: KEY, managed: true });
    const answered = await answer(t, world, image, `${policy('{key: {secretRef: {name: s}}}')}---\n${document}\n`);
    assert.equal(answered.allowed, text === undefined, answered.message);
    if (text !== undefined) assert.match(answered.message, text);
  });
}

test('a key in a KMS: asked for by its reference; one that cannot be asked is no finding against the image', async (t) => {
  const world = await World.open(t);
  const image = await world.push('app');
  await world.sign(image, { key: KEY, managed: true });
  const asked: string[] = [];
  const kms = (uri: string): Promise<PublicKey> => {
    asked.push(uri);
    return Promise.resolve(KEY.publicKey);
  };
  const text = policy('{key: {kms: "hashivault://release"}}');
  assert.equal((await answer(t, world, image, text, { kms })).allowed, true);
  assert.deepEqual(asked, ['hashivault://release']);
  const down = await answer(t, world, image, text);
  assert.equal(down.code, 503);
  assert.match(down.message, /^COULD_NOT_CHECK {2}[^]*nobody answers/);
});

const WHO = `identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]`;

test('a TrustRoot stands in for the trusted root of the webhook, for who names it', async (t) => {
  const world = await World.open(t);
  const image = await world.pushSigned('app');
  const another = new FakeInstance();
  const with_ = (authority: string, root = world.instance): Promise<Answer> =>
    answer(t, world, image, `${policy(authority)}---\n${trustRoot(root)}\n`, { trustedRoot: another });
  const named = `{keyless: {${WHO}, trustRootRef: lab}, ctlog: {trustRootRef: lab}}`;
  assert.equal((await with_(named)).allowed, true, (await with_(named)).message);
  assert.match((await with_(`{keyless: {${WHO}}}`)).message, /^(CERTIFICATE_UNTRUSTED|LOG_UNTRUSTED) /);
  assert.match((await with_(`{keyless: {${WHO}, trustRootRef: lab}, ctlog: {}}`)).message, /^LOG_/);
  assert.match((await with_(named, another)).message, /^(CERTIFICATE_UNTRUSTED|LOG_UNTRUSTED) /);
  assert.match((await with_(named.replaceAll('lab', 'gone'))).message, /trustRootRef gone not found/);
});

/** What is changed in a good TrustRoot, and policy-controller's text for it. */
const BAD_ROOTS: readonly (readonly [what: string, change: (spec: Record<string, object[]>) => void, text: string])[] =
  [
    [
      'no authority',
      (spec) => {
        delete spec['certificateAuthorities'];
        delete spec['timestampAuthorities'];
      },
      'expected exactly one, got neither: spec.sigstoreKeys.certificateAuthority, spec.sigstoreKeys.timestampAuthorities',
    ],
    [
      'an authority without chain',
      (spec) => {
        spec['certificateAuthorities'] = [{ subject: { organization: 'o', commonName: 'c' }, uri: 'u' }];
      },
      'missing field(s): spec.sigstoreKeys.certificateAuthority[0].certchain',
    ],
    [
      'an authority without subject',
      (spec) => {
        spec['certificateAuthorities'] = [{ ...spec['certificateAuthorities']![0], subject: {} }];
      },
      'spec.sigstoreKeys.certificateAuthority[0].subject.commonName, spec.sigstoreKeys.certificateAuthority[0].subject.organization',
    ],
    [
      'a log without key',
      (spec) => {
        spec['tLogs'] = [{ baseURL: 'https://r', hashAlgorithm: 'sha-256' }];
      },
      'missing field(s): spec.sigstoreKeys.tLogs[0].publicKey',
    ],
    [
      'a log whose key is none',
      (spec) => {
        spec['tLogs'] = [{ baseURL: 'https://r', hashAlgorithm: 'sha-256', publicKey: base64('nonsense') }];
      },
      'spec.sigstoreKeys.tLogs[0]',
    ],
  ];

for (const [what, change, text] of BAD_ROOTS) {
  test(`a TrustRoot with ${what} is refused`, () => {
    assert.throws(
      () => parsePolicyObjects(trustRoot(new FakeInstance(), change), 'file'),
      (error: unknown) =>
        error instanceof FormatError && error.code === 'FORMAT_POLICY' && error.facts.found?.includes(text) === true,
    );
  });
}

const TRUST_ROOT = 'apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: r}\n';

for (const [spec, text] of [
  ['{}', 'got neither: spec.remote, spec.repository, spec.sigstoreKeys'],
  ['{remote: {}, sigstoreKeys: {}}', 'got both: spec.remote, spec.repository, spec.sigstoreKeys'],
  ['{remote: {root: AAAA}}', 'missing field(s): spec.remote.mirror'],
  ['{remote: {mirror: "https://m"}}', 'missing field(s): spec.remote.root'],
  ['{repository: {root: AAAA, targets: targets}}', 'missing field(s): spec.repository.repository'],
] as const) {
  test(`a TrustRoot of ${spec} is refused`, () => {
    assert.throws(
      () => parsePolicyObjects(`${TRUST_ROOT}spec: ${spec}\n`, 'file'),
      (error: unknown) => error instanceof FormatError && error.facts.found?.includes(text) === true,
    );
  });
}

test('timestamps: a policy that names an authority wants one by it, of a key as well', async (t) => {
  const world = await World.open(t);
  const text = policy(`{key: {data: ${JSON.stringify(PEM)}}, rfc3161timestamp: {trustRootRef: lab}}`);
  const asked = async (name: string, input: DraftInput, root: FakeInstance): Promise<Answer> => {
    const image = await world.push(name);
    await world.sign(image, { key: KEY, managed: true, ...input });
    return answer(t, world, image, `${text}---\n${trustRoot(root)}\n`);
  };
  assert.equal((await asked('stamped', {}, world.instance)).allowed, true);
  assert.match((await asked('unstamped', { unstamped: true }, world.instance)).message, /^TIMESTAMP_MISSING /);
  assert.match((await asked('another', {}, new FakeInstance())).message, /^TIMESTAMP_UNTRUSTED /);
});
