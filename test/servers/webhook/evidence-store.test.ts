/** What was proven outlives the process, and a registry that cannot be asked costs only images never seen. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { answerActions } from '../../../src/core/policy/answer-actions.ts';
import { openEvidenceStore } from '../../../src/servers/webhook/sqlite-evidence-store.ts';
import type { EvidenceStore } from '../../../src/workflows/stored-evidence.ts';
import { signedLayer, attestationLayer, pushLayers } from '../../support/signature-layers.ts';
import { imageSignatureStatement } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { openDoor, policyFor, type DoorOptions } from './door.ts';
import { ask, pod, type Answer } from './review.ts';
import { World } from './world.ts';

function file(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-evidence-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return join(dir, 'evidence.db');
}

function opened(t: TestContext, path: string): EvidenceStore {
  const store = openEvidenceStore(path);
  t.after(() => {
    store.close();
  });
  return store;
}

/** A webhook that has just been started. */
async function asking(t: TestContext, world: World, options: DoorOptions, policy = policyFor(world)) {
  const { webhook, enforce } = await openDoor(t, { ...options, world });
  enforce(policy);
  return (image: string): Promise<Answer> => ask(webhook.routes, 'validate', { object: pod(image) });
}

function down(world: World): void {
  world.fault.answer = () => new Response('{}', { status: 500 });
}

test('a restarted webhook admits without a request what was proven before, judged by the policies of now', async (t) => {
  const world = await World.open(t);
  const path = file(t);
  const image = (await world.pushSigned('shop/app')).toString();
  assert.equal((await (await asking(t, world, { store: opened(t, path) }))(image)).allowed, true);
  world.taken();
  const again = await asking(t, world, { store: opened(t, path) });
  assert.equal((await again(image)).allowed, true);
  assert.deepEqual(world.taken(), []);
  const strict = policyFor(world).replace(SUBJECT, 'bob@example.com');
  const answer = await (await asking(t, world, { store: opened(t, path) }, strict))(image);
  assert.match(answer.message, /^IDENTITY_MISMATCH /);
});

test('evidence in every format survives', async (t) => {
  const world = await World.open(t);
  const path = file(t);
  const image = await world.push('shop/app');
  const digest = image.digest!;
  const predicateType = 'https://cosign.sigstore.dev/attestation/vuln/v1';
  const statement = encodeStatement({ ...imageSignatureStatement(digest), predicateType, predicate: {} });
  await pushLayers(world.client, image, digest, [signedLayer(world.instance, digest)]);
  await pushLayers(world.client, image, digest, [attestationLayer(world.instance, statement)], 'att');
  const who = `identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]`;
  const both = policyFor(world).replace(
    /authorities: .*/,
    `authorities: [{keyless: {${who}}, attestations: [{name: v, predicateType: vuln}]}]`,
  );
  const text = `${both}---\n${policyFor(world, 'signed')}`;
  assert.equal((await (await asking(t, world, { store: opened(t, path) }, text))(image.toString())).allowed, true);
  world.taken();
  const answer = await (await asking(t, world, { store: opened(t, path) }, text))(image.toString());
  assert.equal(answer.allowed, true, answer.message);
  assert.deepEqual(world.taken(), []);
});

test('a store is believed with nothing', async (t) => {
  const world = await World.open(t);
  const path = file(t);
  const image = await world.pushSigned('shop/app');
  const other = await world.push('shop/other');
  assert.equal((await (await asking(t, world, { store: opened(t, path) }))(image.toString())).allowed, true);
  const database = new DatabaseSync(path);
  t.after(() => {
    database.close();
  });
  // Another image's evidence under this image's name.
  const name = `${other.context}@${other.digest!.toString()} in ${other.context}`;
  database.prepare('UPDATE evidence SET name = ?').run(name);
  assert.equal((await (await asking(t, world, { store: opened(t, path) }))(other.toString())).allowed, false);
  for (const text of ['', 'nonsense', '{}', '{"version":2}']) {
    database.prepare('DELETE FROM evidence').run();
    database
      .prepare('INSERT INTO evidence VALUES (?, ?, ?)')
      .run(`${image.context}@${image.digest!.toString()} in ${image.context}`, Date.now(), text);
    const answer = await (await asking(t, world, { store: opened(t, path) }))(image.toString());
    assert.equal(answer.allowed, true, `${text}: ${answer.message}`);
  }
});

test('a store that fails costs requests and decides nothing', async (t) => {
  const world = await World.open(t);
  const image = (await world.pushSigned('shop/app')).toString();
  const store = openEvidenceStore(':memory:');
  store.close();
  const ask_ = await asking(t, world, { store });
  assert.equal((await ask_(image)).allowed, true);
  assert.equal((await ask_((await world.push('shop/no')).toString())).allowed, false);
});

test('a file that is no store is refused', (t) => {
  const path = file(t);
  writeFileSync(path, 'nonsense'.repeat(1000));
  assert.throws(() => openEvidenceStore(path), { code: 'STATE_CORRUPT' });
  assert.throws(() => openEvidenceStore(join(path, 'x')), { code: 'STATE_UNAVAILABLE' });
});

test('of more records than may be kept the oldest go', (t) => {
  const store = openEvidenceStore(file(t), 3);
  t.after(() => {
    store.close();
  });
  for (let n = 0; n < 6; n++) store.put(`n${n}`, new Date(n), `t${n}`);
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((n) => store.get(`n${n}`)),
    [undefined, undefined, undefined, 't3', 't4', 't5'],
  );
});

test('a registry that is down: what was proven within the limit is admitted, and said in the audit log; nothing else is', async (t) => {
  const world = await World.open(t);
  const image = (await world.pushSigned('shop/app')).toString();
  const never = (await world.pushSigned('shop/never')).toString();
  let now = new Date('2026-06-01T00:00:00Z');
  const ask_ = await asking(t, world, { now: () => now, store: opened(t, file(t)) });
  assert.equal((await ask_(image)).allowed, true);
  down(world);
  now = new Date('2026-06-01T23:00:00Z');
  const answer = await ask_(image);
  assert.equal(answer.allowed, true, answer.message);
  assert.deepEqual(answer.annotations, { decision: 'allow', 'last-known-good': image });
  assert.match((await ask_(never)).message, /^COULD_NOT_CHECK /);
  now = new Date('2026-06-02T00:00:01Z');
  assert.match((await ask_(image)).message, /^COULD_NOT_CHECK /);
});

test('last known good: never, when so configured; and only by the policies of now', async (t) => {
  const world = await World.open(t);
  const image = (await world.pushSigned('shop/app')).toString();
  let now = new Date('2026-06-01T00:00:00Z');
  const path = file(t);
  const options = { now: () => now, store: opened(t, path) };
  assert.equal((await (await asking(t, world, options))(image)).allowed, true);
  down(world);
  now = new Date('2026-06-01T02:00:00Z');
  const never = await asking(t, world, { ...options, lastKnownMs: 0 });
  assert.match((await never(image)).message, /^COULD_NOT_CHECK /);
  const strict = await asking(t, world, options, policyFor(world).replace(SUBJECT, 'bob@example.com'));
  assert.match((await strict(image)).message, /^COULD_NOT_CHECK /);
  assert.equal((await (await asking(t, world, options))(image)).allowed, true);
});

test('a registry that throttles is left alone for as long as it says', async (t) => {
  const world = await World.open(t);
  const images = await Promise.all(['a', 'b', 'c'].map((name) => world.pushSigned(`shop/${name}`)));
  let now = new Date('2026-06-01T00:00:00Z');
  const ask_ = await asking(t, world, { now: () => now });
  world.fault.answer = () => new Response('{}', { status: 429, headers: { 'retry-after': '20' } });
  assert.match((await ask_(images[0]!.toString())).message, /^COULD_NOT_CHECK {2}[^]*REMOTE_THROTTLED/);
  world.fault.answer = undefined;
  world.taken();
  assert.match((await ask_(images[1]!.toString())).message, /left alone for a while/);
  assert.deepEqual(world.taken(), []);
  now = new Date('2026-06-01T00:00:21Z');
  assert.equal((await ask_(images[2]!.toString())).allowed, true);
});

/** An answer that only warns, and what it does to images that would get this one and another. */
test('each answer can be turned into a warning by itself', async (t) => {
  const world = await World.open(t);
  const unsigned = (await world.push('shop/unsigned')).toString();
  const byBob = await world.push('shop/bob');
  await world.sign(byBob, { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }] } });
  const with_ = async (...entries: string[]): Promise<readonly boolean[]> => {
    const ask_ = await asking(t, world, { actions: answerActions(entries) });
    const answers = [await ask_(unsigned), await ask_(byBob.toString())];
    for (const { allowed, warnings } of answers) assert.equal(warnings.length > 0, allowed);
    return answers.map(({ allowed }) => allowed);
  };
  assert.deepEqual(await with_(), [false, false]);
  assert.deepEqual(await with_('no-signature=warn'), [true, false]);
  assert.deepEqual(await with_('another-identity=warn'), [false, true]);
  assert.deepEqual(await with_('could-not-check=warn', 'revoked=warn', 'unread-format=warn'), [false, false]);
  assert.deepEqual(await with_('no-signature=warn', 'no-signature=deny'), [false, false]);
  down(world);
  assert.deepEqual(await with_('no-signature=warn', 'another-identity=warn'), [false, false]);
  assert.deepEqual(await with_('could-not-check=warn'), [true, true]);
});

for (const entry of ['', 'no-signature', 'no-signature=allow', 'unsigned=warn', '=warn', 'toString=warn']) {
  test(`the answer ${JSON.stringify(entry)} is refused`, () => {
    assert.throws(() => answerActions([entry]), { code: 'USAGE_BAD_FLAG' });
  });
}
