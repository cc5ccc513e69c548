/** Registries are reached with the credentials of the workload: its pull secrets, its service account's, then the webhook's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerConfig, openPrivateRegistry as open, PASSWORD } from './private-registry.ts';

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
