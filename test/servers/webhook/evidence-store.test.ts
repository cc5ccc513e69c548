/** Evidence in one SQLite file, and what rests on evidence from before. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { answerActions } from '../../../src/core/policy/judgement/answer-actions.ts';
import { openSqliteEvidenceStore } from '../../../src/servers/webhook/sqlite-evidence-store.ts';
import type { EvidenceStore } from '../../../src/workflows/admission/stored-evidence.ts';
import { SUBJECT } from '../../support/instance.ts';
import { policyFor } from './door.ts';
import { asking, evidenceStoreSuite, type StoredRow } from './evidence-store-suite.ts';
import { World } from './world.ts';

function file(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-evidence-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return join(dir, 'evidence.db');
}

function opened(t: TestContext, path: string): EvidenceStore {
  const store = openSqliteEvidenceStore(path);
  t.after(() => store.close());
  return store;
}

function down(world: World): void {
  world.fault.answer = () => new Response('{}', { status: 500 });
}

evidenceStoreSuite('SQLite', (t) => {
  const path = file(t);
  return Promise.resolve({
    replica: (maxRows?: number) => {
      const store = openSqliteEvidenceStore(path, maxRows);
      t.after(() => store.close());
      return store;
    },
    rows: () => {
      const database = new DatabaseSync(path);
      const rows = database.prepare('SELECT name, found_at, text FROM evidence ORDER BY name').all();
      database.close();
      return Promise.resolve(rows.map((row) => ({ ...row }) as unknown as StoredRow));
    },
    replace: ({ name, found_at, text }: StoredRow) => {
      const database = new DatabaseSync(path);
      database.prepare('DELETE FROM evidence').run();
      database.prepare('INSERT INTO evidence VALUES (?, ?, ?)').run(name, found_at, text);
      database.close();
      return Promise.resolve();
    },
  });
});

test('a store that fails costs requests and decides nothing', async (t) => {
  const world = await World.open(t);
  const image = (await world.pushSigned('shop/app')).toString();
  const store = openSqliteEvidenceStore(':memory:');
  await store.close();
  const ask_ = await asking(t, world, { store });
  assert.equal((await ask_(image)).allowed, true);
  assert.equal((await ask_((await world.push('shop/no')).toString())).allowed, false);
});

test('a file that is no store is refused', (t) => {
  const path = file(t);
  writeFileSync(path, 'nonsense'.repeat(1000));
  assert.throws(() => openSqliteEvidenceStore(path), { code: 'STATE_CORRUPT' });
  assert.throws(() => openSqliteEvidenceStore(join(path, 'x')), { code: 'STATE_UNAVAILABLE' });
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
