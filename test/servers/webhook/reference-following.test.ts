/**
 * What policies refer to, changed in a cluster while the webhook runs: TrustRoots that hold keys, TrustRoots whose keys a TUF repository
 * vouches for, and keys in Secrets. The API server is played; the repository is real.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RememberedMirrors } from '../../../src/io/tuf/remembered-cache.ts';
import type { SealwrightError } from '../../../src/errors.ts';
import { clusterReferences } from '../../../src/servers/webhook/cluster-references.ts';
import { watchClusterPolicies } from '../../../src/servers/webhook/policy-watch.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { FakeInstance, ISSUER, SUBJECT } from '../../support/instance.ts';
import { peerServer } from '../../support/peer-server.ts';
import { HostileMirror } from '../../io/tuf/hostile-mirror.ts';
import { Signers } from './followed-trust.ts';
import { Recorder } from './recorder.ts';
import { ask, pod } from './review.ts';
import { trustRoot } from './trust-root-document.ts';
import type { World } from './world.ts';

const SYSTEM = 'cosign-system';

/** The API server: one policy, and the objects that a test puts there. */
class Api {
  readonly objects = new Map<string, object>();
  /** Paths that are answered with 503. */
  readonly unavailable = new Set<string>();
  readonly recorder = new Recorder();
  nowMs = Date.now();
  #watch: ServerResponse | undefined;
  #opened: (() => void) | undefined;

  async open(
    t: TestContext,
    world: World,
    ...authorities: readonly string[]
  ): Promise<{ decide: Decide; metrics: Metrics }> {
    const { url } = await peerServer(t, (request, response) => {
      const asked = new URL(request.url ?? '', 'http://x');
      response.setHeader('content-type', 'application/json');
      const object = this.objects.get(asked.pathname);
      if (asked.searchParams.get('watch') === '1') this.#hold(response);
      else if (asked.pathname.endsWith('/clusterimagepolicies')) response.end(JSON.stringify(policies(authorities)));
      else if (this.unavailable.has(asked.pathname)) response.writeHead(503).end('{"kind":"Status","code":503}');
      else if (object === undefined) response.writeHead(404).end('{"kind":"Status","code":404}');
      else response.end(JSON.stringify(object));
    });
    const http = new HttpClient({ retry: { retries: 0 } });
    const cluster = { server: url, http, authorization: () => Promise.resolve(undefined) };
    const now = (): Date => new Date(this.nowMs);
    const outside = {
      ...{ http: new HttpClient({ retry: { retries: 0 } }), now, remembered: new RememberedMirrors() },
      kms: () => Promise.reject(new TypeError('no key service is asked')),
    };
    const source = await watchClusterPolicies({
      ...{ cluster, logger: this.recorder.logger, now, references: clusterReferences(cluster, SYSTEM, outside) },
      sleep: () => Promise.resolve(),
    });
    const webhook = createWebhook({
      policies: source,
      registry: world.client,
      // Nothing of it counts: the policy names all that is believed.
      trustedRoot: new FakeInstance().trustedRoot,
      now: () => new Date(),
    });
    t.after(async () => {
      await source.close();
      await webhook.close();
      outside.http.close();
    });
    return {
      decide: async (image) => (await ask(webhook.routes, 'validate', { object: pod(image.toString()) })).allowed,
      metrics: async () => (await webhook.routes.request('/metrics')).text(),
    };
  }

  /** The API server ends the watch, as it does every five minutes; comes back when the next one is open, and all was asked for again. */
  async fiveMinutesPass(minutes = 5): Promise<void> {
    if (this.#watch === undefined) await new Promise<void>((resolve) => (this.#opened = resolve));
    this.nowMs += minutes * 60_000;
    const opened = new Promise<void>((resolve) => (this.#opened = resolve));
    this.#watch?.end();
    await opened;
  }

  #hold(response: ServerResponse): void {
    response.flushHeaders();
    this.#watch = response;
    this.#opened?.();
  }
}

type Decide = (image: ImageReference) => Promise<boolean>;
type Metrics = () => Promise<string>;

function policies(authorities: readonly string[]): object {
  return {
    metadata: { resourceVersion: '1' },
    items: [
      {
        metadata: { name: 'shop', resourceVersion: '1' },
        spec: { images: [{ glob: '**' }], authorities: authorities.map((text) => JSON.parse(text) as object) },
      },
    ],
  };
}

const BY_TRUST_ROOT = JSON.stringify({
  keyless: { trustRootRef: 'lab', identities: [{ issuer: ISSUER, subject: SUBJECT }] },
  ctlog: { trustRootRef: 'lab' },
});
const TRUST_ROOT = '/apis/policy.sigstore.dev/v1alpha1/trustroots/lab';

async function bySigners(t: TestContext): Promise<{ readonly signers: Signers; readonly api: Api }> {
  return { signers: await Signers.open(t), api: new Api() };
}

test('a TrustRoot that holds keys: what is replaced counts within five minutes; one that is no TrustRoot replaces nothing', async (t) => {
  const { signers, api } = await bySigners(t);
  const [first, second] = signers.images;
  api.objects.set(TRUST_ROOT, JSON.parse(trustRoot(signers.world.instance)) as object);
  const { decide, metrics } = await api.open(t, signers.world, BY_TRUST_ROOT);
  assert.deepEqual([await decide(first), await decide(second)], [true, false]);
  api.objects.set(TRUST_ROOT, JSON.parse(trustRoot(signers.other)) as object);
  await api.fiveMinutesPass();
  assert.deepEqual([await decide(first), await decide(second)], [false, true]);
  api.objects.set(TRUST_ROOT, { spec: { sigstoreKeys: 'nonsense' } });
  await api.fiveMinutesPass();
  assert.deepEqual([await decide(first), await decide(second)], [false, true]);
  assert.equal((api.recorder.lines.at(-1)?.facts['error'] as SealwrightError).family, 'format');
  assert.match(
    await metrics(),
    /^sealwright_policy_reference_failures_total\{reference="lab",code="FORMAT_[A-Z_]+"\} 1$/m,
  );
});

test('a remote TrustRoot: followed through a rotation; rolled back, expired or away it replaces nothing, and is counted', async (t) => {
  const { signers, api } = await bySigners(t);
  const [first, second] = signers.images;
  const mirror = await HostileMirror.create(t, { trustedRoot: signers.first });
  const before = new Map([...mirror.files.keys()].map((file) => [file, mirror.bytes(file)]));
  api.objects.set(TRUST_ROOT, {
    spec: { remote: { mirror: await mirror.url(), root: Buffer.from(mirror.rootJson).toString('base64') } },
  });
  const { decide, metrics } = await api.open(t, signers.world, BY_TRUST_ROOT);
  assert.deepEqual([await decide(first), await decide(second)], [true, false]);
  await mirror.advance('two', mirror.keys, { trustedRoot: signers.second });
  await api.fiveMinutesPass();
  assert.deepEqual([await decide(first), await decide(second)], [false, true]);

  const bad: readonly (readonly [code: string, spoil: () => void, minutes?: number])[] = [
    [
      'TUF_ROLLBACK',
      () => {
        mirror.files.clear();
        for (const [name, bytes] of before) mirror.files.set(name, bytes);
      },
    ],
    [
      'REMOTE_STATUS',
      () => {
        for (const name of [...mirror.files.keys(), '2.root.json']) mirror.files.set(name, { status: 503 });
      },
    ],
    [
      'TRUST_STALE',
      () => {
        mirror.copy();
      },
      8 * 24 * 60,
    ],
  ];
  for (const [code, spoil, minutes] of bad) {
    spoil();
    await api.fiveMinutesPass(minutes);
    assert.deepEqual([await decide(first), await decide(second)], [false, true], code);
    assert.equal((api.recorder.lines.at(-1)?.facts['error'] as SealwrightError).code, code);
    assert.match(
      await metrics(),
      new RegExp(`^sealwright_policy_reference_failures_total\\{reference="lab",code="${code}"\\} 1$`, 'm'),
    );
  }
});

test("a policy's key in a Secret: another one takes its place; nonsense does not", async (t) => {
  const { signers, api } = await bySigners(t);
  const { world } = signers;
  const [one, two] = [PrivateKey.generate('ecdsa-p256'), PrivateKey.generate('ecdsa-p256')];
  const [byOne, byTwo] = [await world.push('shop/one'), await world.push('shop/two')];
  await world.sign(byOne, { key: one, managed: true });
  await world.sign(byTwo, { key: two, managed: true });
  const path = `/api/v1/namespaces/${SYSTEM}/secrets/key`;
  const put = (text: string): void => {
    api.objects.set(path, { data: { 'cosign.pub': Buffer.from(text).toString('base64') } });
  };
  put(one.publicKey.toPem());
  const { decide } = await api.open(t, world, JSON.stringify({ key: { secretRef: { name: 'key' } } }));
  assert.deepEqual([await decide(byOne), await decide(byTwo)], [true, false]);
  put(two.publicKey.toPem());
  await api.fiveMinutesPass();
  assert.deepEqual([await decide(byOne), await decide(byTwo)], [false, true]);
  put('nonsense');
  await api.fiveMinutesPass();
  assert.deepEqual([await decide(byOne), await decide(byTwo)], [false, true]);
  const { error } = api.recorder.lines.at(-1)?.facts as { readonly error: SealwrightError };
  assert.match(error.message, /secret "key" contains an invalid public key/);
});

test('what a policy refers to and somebody has deleted: missing once it counts still, missing twice no more, and back it counts again', async (t) => {
  const { signers, api } = await bySigners(t);
  const { world } = signers;
  const key = PrivateKey.generate('ecdsa-p256');
  const byKey = await world.push('shop/one');
  await world.sign(byKey, { key, managed: true });
  const [byRoot] = signers.images;
  const secret = `/api/v1/namespaces/${SYSTEM}/secrets/key`;
  const objects: readonly (readonly [string, object])[] = [
    [secret, { data: { 'cosign.pub': Buffer.from(key.publicKey.toPem()).toString('base64') } }],
    [TRUST_ROOT, JSON.parse(trustRoot(world.instance)) as object],
  ];
  const put = (): void => {
    for (const [path, object] of objects) api.objects.set(path, object);
  };
  put();
  const authorities = [
    { name: 'key', key: { secretRef: { name: 'key' } } },
    { name: 'root', ...(JSON.parse(BY_TRUST_ROOT) as object) },
  ];
  const { decide, metrics } = await api.open(t, world, ...authorities.map((authority) => JSON.stringify(authority)));
  const both = async (): Promise<readonly boolean[]> => [await decide(byKey), await decide(byRoot)];
  assert.deepEqual(await both(), [true, true]);
  api.objects.clear();
  await api.fiveMinutesPass();
  assert.deepEqual(await both(), [true, true], 'tools that renew a Secret remove it first');
  put();
  await api.fiveMinutesPass();
  api.objects.clear();
  await api.fiveMinutesPass();
  assert.deepEqual(await both(), [true, true], 'it was back in between');
  await api.fiveMinutesPass();
  assert.deepEqual(await both(), [false, false]);
  const codes = api.recorder.lines.map(({ facts }) => (facts['error'] as SealwrightError | undefined)?.code);
  assert.ok(codes.includes('POLICY_EVALUATION'), codes.join());
  assert.match(
    await metrics(),
    /^sealwright_policy_reference_failures_total\{reference="lab",code="POLICY_EVALUATION"\} 3$/m,
  );
  put();
  await api.fiveMinutesPass();
  assert.deepEqual(await both(), [true, true]);
});

test('an API server that does not say whether a Secret is there has taken none away', async (t) => {
  const { signers, api } = await bySigners(t);
  const { world } = signers;
  const key = PrivateKey.generate('ecdsa-p256');
  const image = await world.push('shop/one');
  await world.sign(image, { key, managed: true });
  const secret = `/api/v1/namespaces/${SYSTEM}/secrets/key`;
  api.objects.set(secret, { data: { 'cosign.pub': Buffer.from(key.publicKey.toPem()).toString('base64') } });
  const { decide } = await api.open(t, world, JSON.stringify({ key: { secretRef: { name: 'key' } } }));
  api.unavailable.add(secret);
  for (let time = 0; time < 3; time++) {
    await api.fiveMinutesPass();
    assert.equal(await decide(image), true);
  }
  assert.equal((api.recorder.lines.at(-1)?.facts['error'] as SealwrightError).code, 'REMOTE_STATUS');
});
