/** Registries are reached with the credentials of the workload: its pull secrets, its service account's, then the webhook's. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Hono } from 'hono';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image-policy-parser.ts';
import { PolicySet } from '../../../src/core/policy/policy-set.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { ANONYMOUS, fixedCredentials, type Credentials } from '../../../src/io/registry/credentials.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { WorkloadRegistries } from '../../../src/servers/webhook/pull-secrets.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { policyFor } from './door.ts';
import { ask, podSpec, type Answer } from './review.ts';
import { World } from './world.ts';

const PASSWORD = 'correct horse';

interface Private {
  readonly world: World;
  /** Objects of the cluster by path; everything else is not there. */
  readonly objects: Map<string, object>;
  /** Paths that the cluster was asked for. */
  readonly asked: string[];
  readonly image: string;
  readonly admit: (spec?: object, source?: string) => Promise<Answer>;
}

/** A registry that wants a password from the moment on that the image is in it, and a cluster. */
async function open(t: TestContext, own: Credentials = ANONYMOUS): Promise<Private> {
  const world = await World.open(t);
  const image = await world.pushSigned('shop/app');
  world.fault.answer = (request) => {
    const expected = `Basic ${Buffer.from(`robot:${PASSWORD}`).toString('base64')}`;
    if (request.headers.get('authorization') === expected) return undefined;
    return new Response('{}', { status: 401, headers: { 'www-authenticate': 'Basic realm="shop"' } });
  };
  const objects = new Map<string, object>();
  const asked: string[] = [];
  const app = new Hono();
  app.get('*', (context) => {
    asked.push(context.req.path);
    const object = objects.get(context.req.path);
    return object === undefined ? context.json({}, 404) : context.json(object);
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const http = new HttpClient({ timeoutMs: 2000, retry: { retries: 0 } });
  t.after(async () => {
    http.close();
    await server.close(0);
  });
  const workloads = new WorkloadRegistries({
    cluster: { server: `http://127.0.0.1:${server.port}`, http, authorization: () => Promise.resolve('Bearer token') },
    open: (credentials) => new RegistryClient({ http, credentials }),
    own: fixedCredentials(own),
    now: () => new Date(),
  });
  return {
    world,
    objects,
    asked,
    image: `${image.context}@${image.digest!.toString()}`,
    admit: async (spec = {}, source = '') => {
      const text = policyFor(world).replace(/}]}}]/, `}]}${source}}]`);
      const webhook = createWebhook({
        policies: {
          current: () => PolicySet.ofClusterImages(parseClusterImagePolicies(text, 'file')),
          ready: () => Promise.resolve(),
          close: () => Promise.resolve(),
        },
        registry: world.client,
        workloads,
        trustedRoot: world.instance.trustedRoot,
        now: () => new Date(),
      });
      t.after(() => webhook.close());
      const object = { metadata: { name: 'p', namespace: 'shop' }, spec: { ...podSpec(image.toString()), ...spec } };
      return ask(webhook.routes, 'mutate', { object });
    },
  };
}

function dockerConfig(host: string, password = PASSWORD): object {
  const auths = { [host]: { auth: Buffer.from(`robot:${password}`).toString('base64') } };
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') };
  return { type: 'kubernetes.io/dockerconfigjson', data };
}

const SECRET = '/api/v1/namespaces/shop/secrets/pull';
const ACCOUNT = '/api/v1/namespaces/shop/serviceaccounts/default';

test('with the secret that the pod names', async (t) => {
  const { world, objects, asked, admit } = await open(t);
  objects.set(SECRET, dockerConfig(world.host));
  assert.equal((await admit({ imagePullSecrets: [{ name: 'pull' }] })).allowed, true);
  assert.deepEqual(asked, [SECRET], 'once, and nothing else');
});

test('in the older form as well', async (t) => {
  const { world, objects, admit } = await open(t);
  const data = {
    '.dockercfg': Buffer.from(JSON.stringify({ [world.host]: { username: 'robot', password: PASSWORD } })).toString(
      'base64',
    ),
  };
  objects.set(SECRET, { type: 'kubernetes.io/dockercfg', data });
  assert.equal((await admit({ imagePullSecrets: [{ name: 'pull' }] })).allowed, true);
});

test("with the secret of the pod's service account", async (t) => {
  const { world, objects, asked, admit } = await open(t);
  objects.set(SECRET, dockerConfig(world.host));
  objects.set(ACCOUNT.replace('default', 'builder'), { imagePullSecrets: [{ name: 'pull' }] });
  assert.equal((await admit()).allowed, false, 'the default account names none');
  assert.equal((await admit({ serviceAccountName: 'builder' })).allowed, true);
  assert.deepEqual(asked, [ACCOUNT, ACCOUNT.replace('default', 'builder'), SECRET]);
});

test("with the webhook's own, when the workload has none", async (t) => {
  const { admit } = await open(t, { kind: 'basic', username: 'robot', password: PASSWORD });
  assert.equal((await admit()).allowed, true);
});

test('a secret that is not there is passed over; a wrong password and no password are no finding against the image', async (t) => {
  const { world, objects, admit } = await open(t);
  for (const spec of [{ imagePullSecrets: [{ name: 'gone' }] }, {}]) {
    const answer = await admit(spec);
    assert.equal(answer.code, 503);
    assert.match(answer.message, /^COULD_NOT_CHECK {2}[^]*AUTH_REGISTRY/);
  }
  objects.set(SECRET, dockerConfig(world.host, 'wrong'));
  assert.match(
    (await admit({ imagePullSecrets: [{ name: 'pull' }] })).message,
    /^COULD_NOT_CHECK {2}[^]*AUTH_REGISTRY/,
  );
});

test('a secret that cannot be read refuses, and is asked for again', async (t) => {
  const { world, objects, admit } = await open(t);
  const spec = { imagePullSecrets: [{ name: 'pull' }] };
  objects.set(SECRET, { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'e30x' } });
  assert.match((await admit(spec)).message, /^COULD_NOT_CHECK {2}[^]*a pull secret cannot be read/);
  objects.set(SECRET, dockerConfig(world.host));
  assert.equal((await admit(spec)).allowed, true);
});

test("a source's own pull secrets stand alone", async (t) => {
  const { world, objects, admit } = await open(t, { kind: 'basic', username: 'robot', password: PASSWORD });
  const source = ', source: [{signaturePullSecrets: [{name: signatures}]}]';
  assert.equal((await admit({}, source)).allowed, false);
  objects.set('/api/v1/namespaces/shop/secrets/signatures', dockerConfig(world.host));
  assert.equal((await admit({}, source)).allowed, false, 'what was not there is remembered for a minute');
  const later = await open(t, { kind: 'basic', username: 'robot', password: PASSWORD });
  later.objects.set('/api/v1/namespaces/shop/secrets/signatures', dockerConfig(later.world.host));
  assert.equal((await later.admit({}, source)).allowed, true);
});

test('what one workload may not read, another may', async (t) => {
  const { world, objects, admit } = await open(t);
  objects.set(SECRET, dockerConfig(world.host));
  const [without, with_] = await Promise.all([admit(), admit({ imagePullSecrets: [{ name: 'pull' }] })]);
  assert.deepEqual([without.allowed, with_.allowed], [false, true]);
});
