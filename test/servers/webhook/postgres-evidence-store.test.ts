/** Evidence in PostgreSQL: a real server, replicas that share it, and every way in which it can be gone. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import type { SealwrightError } from '../../../src/errors.ts';
import {
  openPostgresEvidenceStore,
  type PostgresEvidenceOptions,
} from '../../../src/servers/webhook/postgres-evidence-store.ts';
import type { EvidenceStore } from '../../../src/workflows/admission/stored-evidence.ts';
import { Postgres } from '../../support/postgres.ts';
import { peerServer } from '../../support/peer-server.ts';
import { interop } from '../../support/interop.ts';
import { peer } from '../../support/peers.ts';
import { asking, evidenceStoreSuite, type StoredRow } from './evidence-store-suite.ts';
import { World } from './world.ts';

const TABLE = 'sealwright_evidence';

function replicaOf(t: TestContext, postgres: Postgres, options: Partial<PostgresEvidenceOptions> = {}): EvidenceStore {
  const store = openPostgresEvidenceStore({
    connection: postgres.connection(),
    now: () => new Date(),
    timeoutMs: 10_000,
    ...options,
  });
  t.after(() => store.close());
  return store;
}

const closing: (() => Promise<void>)[] = [];
let shared: Promise<Postgres | undefined> | undefined;
after(async () => {
  for (const close of closing) await close();
});

/** A database of its own on the server that most tests share: making a server takes seconds. */
async function freshDatabase(t: TestContext): Promise<Postgres | undefined> {
  if (peer(t, 'postgres') === undefined) return undefined;
  shared ??= Postgres.open({ after: (close) => closing.push(close) });
  return (await shared)?.withDatabase();
}

evidenceStoreSuite('PostgreSQL', async (t) => {
  const postgres = await freshDatabase(t);
  if (postgres === undefined) return undefined;
  return {
    replica: (maxRows?: number) => replicaOf(t, postgres, maxRows === undefined ? {} : { maxRows }),
    rows: async () => {
      const rows = await postgres.sql(`SELECT name, found_at, text FROM ${TABLE} ORDER BY name COLLATE "C"`);
      return rows.map((row) => ({ ...row, found_at: Number(row['found_at']) }) as unknown as StoredRow);
    },
    replace: async ({ name, found_at, text }: StoredRow) => {
      await postgres.sql(`DELETE FROM ${TABLE}`);
      await postgres.sql(`INSERT INTO ${TABLE} (name, found_at, text) VALUES ($1, $2, $3)`, [name, found_at, text]);
    },
  };
});

interop('postgres', 'both', 'evidence: replicas that start at once make one table', async (t) => {
  const postgres = await freshDatabase(t);
  if (postgres === undefined) return;
  const stores = Array.from({ length: 12 }, () => replicaOf(t, postgres));
  await Promise.all(stores.map((store, index) => store.put(`n${index}`, new Date(index), 'text')));
  const [row] = await postgres.sql(`SELECT count(*)::int AS count FROM ${TABLE}`);
  assert.equal(row?.['count'], 12);
});

interop('postgres', 'both', 'evidence: an account that may create nothing is enough where the table is', async (t) => {
  const postgres = await freshDatabase(t);
  if (postgres === undefined) return;
  await postgres.sql(`CREATE ROLE reader LOGIN PASSWORD 'x'`);
  const connection = postgres.connection({ user: 'reader', password: () => Promise.resolve('x') });
  let now = new Date('2026-01-01T00:00:00Z');
  const reader = replicaOf(t, postgres, { connection, now: () => now });
  await assert.rejects(reader.get('x'), (error: SealwrightError) => {
    assert.equal(error.code, 'STATE_UNAVAILABLE');
    assert.equal(error.facts.found, 'permission denied for schema public');
    assert.match(error.facts.expected ?? '', /the table sealwright_evidence, or an account that may create it/);
    return true;
  });
  await replicaOf(t, postgres).put('x', new Date(), 'text');
  await postgres.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${TABLE} TO reader`);
  now = new Date('2026-01-01T00:00:06Z');
  assert.equal(await reader.get('x'), 'text');
});

interop(
  'postgres',
  'both',
  'evidence: an old password is refused, the next one is read for the next connection',
  async (t) => {
    const postgres = await freshDatabase(t);
    if (postgres === undefined) return;
    let password: string | undefined;
    let now = new Date('2026-01-01T00:00:00Z');
    const connection = postgres.connection({ password: () => Promise.resolve(password) });
    const store = replicaOf(t, postgres, { connection, now: () => now });
    for (const wrong of [undefined, 'old']) {
      password = wrong;
      await assert.rejects(store.get('x'), { code: 'STATE_UNAVAILABLE' });
      now = new Date(now.getTime() + 6000);
    }
    ({ password } = { password: await postgres.connection().password() });
    assert.equal(await store.get('x'), undefined);
    await store.put('x', new Date(), 'text');
    assert.equal(await store.get('x'), 'text');
  },
);

interop('postgres', 'both', 'evidence: a database that goes and comes back costs the sharing in between', async (t) => {
  const postgres = await Postgres.start(t);
  if (postgres === undefined) return;
  const world = await World.open(t);
  const images = await Promise.all(['a', 'b'].map(async (name) => (await world.pushSigned(`shop/${name}`)).toString()));
  const [a = '', b = ''] = images;
  const bare = (await world.push('shop/bare')).toString();
  const ask_ = await asking(t, world, { store: replicaOf(t, postgres, { timeoutMs: 300 }) });
  assert.equal((await ask_(a)).allowed, true);
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    await postgres.stop(signal);
    world.taken();
    assert.equal((await ask_(a)).allowed, true);
    assert.deepEqual(world.taken(), []);
    assert.equal((await ask_(b)).allowed, true);
    assert.match((await ask_(bare)).message, /^NO_SIGNATURE /);
    await postgres.go();
  }
});

interop(
  'postgres',
  'both',
  'evidence: a database that takes a question and does not answer holds up nobody',
  async (t) => {
    const postgres = await Postgres.start(t);
    if (postgres === undefined) return;
    const world = await World.open(t);
    const [image, bare] = [(await world.pushSigned('shop/a')).toString(), (await world.push('shop/bare')).toString()];
    const failures: string[] = [];
    await replicaOf(t, postgres).put('x', new Date(), 'text');
    const unlock = await postgres.lock(TABLE);
    const store = replicaOf(t, postgres, { timeoutMs: 300 });
    const reporting: EvidenceStore = {
      get: (name) => store.get(name).catch((error: unknown) => refuse(error)),
      put: (...row) => store.put(...row).catch((error: unknown) => refuse(error)),
      close: () => store.close(),
    };
    const refuse = (error: unknown): never => {
      failures.push((error as SealwrightError).facts.found ?? '');
      throw error;
    };
    const ask_ = await asking(t, world, { store: reporting });
    assert.equal((await ask_(image)).allowed, true);
    assert.match((await ask_(bare)).message, /^NO_SIGNATURE /);
    assert.match(failures.join(), /^(Query read timeout|canceling statement due to statement timeout)$/);
    await unlock();
  },
);

interop(
  'postgres',
  'both',
  'evidence: after a failure the database is left alone for five seconds, then used again',
  async (t) => {
    const postgres = await Postgres.start(t);
    if (postgres === undefined) return;
    let now = new Date('2026-01-01T00:00:00Z');
    const store = replicaOf(t, postgres, { now: () => now });
    await store.put('x', new Date(), 'text');
    await postgres.stop('SIGQUIT');
    await assert.rejects(store.get('x'), { code: 'STATE_UNAVAILABLE' });
    await postgres.go();
    now = new Date('2026-01-01T00:00:04Z');
    assert.equal(await store.get('x'), undefined);
    await store.put('y', new Date(), 'lost');
    now = new Date('2026-01-01T00:00:05Z');
    assert.equal(await store.get('x'), 'text');
    assert.equal(await store.get('y'), undefined);
    await postgres.sql(`DROP TABLE ${TABLE}`);
    await assert.rejects(store.get('x'), { code: 'STATE_UNAVAILABLE' });
    now = new Date('2025-01-01T00:00:00Z');
    await store.put('x', new Date(), 'again');
    assert.equal(await store.get('x'), 'again');
  },
);

interop('postgres', 'both', 'evidence: a server that offers no TLS is not believed where TLS is wanted', async (t) => {
  const postgres = await freshDatabase(t);
  if (postgres === undefined) return;
  const connection = postgres.connection({ tls: { ca: [], checksName: true } });
  const store = replicaOf(t, postgres, { connection });
  await assert.rejects(store.get('x'), (error: SealwrightError) => {
    assert.equal(error.facts.found, 'The server does not support SSL connections');
    return true;
  });
});

test('a server that takes connections and says nothing is given up', async (t) => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const connection = { host: '127.0.0.1', port, user: 'u', database: 'd', password: () => Promise.resolve('p') };
  const store = openPostgresEvidenceStore({ connection, now: () => new Date(), timeoutMs: 100 });
  await assert.rejects(store.get('x'), (error: SealwrightError) => {
    assert.equal(error.code, 'STATE_UNAVAILABLE');
    assert.match(error.facts.found ?? '', /timeout/);
    return true;
  });
  await store.close();
});

test('nothing is connected before it is needed, and nothing that answers something else is believed', async (t) => {
  const peer = await peerServer(t, (_, response) => response.end());
  const [host = '', port = ''] = peer.host.split(':');
  const connection = { host, port: Number(port), user: 'u', database: 'd', password: () => Promise.resolve('p') };
  const store = openPostgresEvidenceStore({ connection, now: () => new Date(), timeoutMs: 300 });
  await assert.rejects(store.get('x'), { code: 'STATE_UNAVAILABLE' });
  await store.close();
  assert.equal(await store.get('x'), undefined);
});

test('what is too large to be shared is said to be', async () => {
  const connection = { host: '/nowhere', port: 1, user: 'u', database: 'd', password: () => Promise.resolve('p') };
  const store = openPostgresEvidenceStore({ connection, now: () => new Date() });
  await assert.rejects(store.put('x', new Date(), 'x'.repeat((16 << 20) + 1)), { code: 'LIMIT_SIZE' });
  await store.close();
});
