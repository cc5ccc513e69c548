/** Both stores held to the suite, and to what only they can get wrong: damaged files, second writers, cut power. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { FolderObjectStore } from '../../../src/servers/store/folder-object-store.ts';
import { SqliteCommitStore } from '../../../src/servers/store/sqlite-commit-store.ts';
import { IntegrityError } from '../../../src/errors.ts';
import { PowerCut, PowerCutFileSystem } from '../../support/power-cut.ts';
import { commitStoreSuite, objectStoreSuite } from './suite.ts';
import { MemoryCommitStore } from '../../support/memory-commit-store.ts';

async function folder(register: (cleanUp: () => Promise<void>) => void): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sealwright-store-'));
  register(() => rm(path, { recursive: true, force: true }));
  return path;
}

commitStoreSuite('SQLite', async (register) => {
  const path = join(await folder(register), 'log.sqlite');
  return { open: () => SqliteCommitStore.open(path) };
});

commitStoreSuite('memory (for tests)', () => {
  const store = new MemoryCommitStore();
  return Promise.resolve({ open: () => Promise.resolve(store) });
});

objectStoreSuite('files', async (register) => {
  const path = await folder(register);
  return { open: () => FolderObjectStore.open(path) };
});

objectStoreSuite('files on a disk that can lose its power', () => {
  const files = new PowerCutFileSystem();
  files.makeFolder('/log');
  return Promise.resolve({ open: () => FolderObjectStore.open('/log', files) });
});

test('a second process cannot open the commits', async (t) => {
  const path = join(
    await folder((cleanUp) => {
      t.after(cleanUp);
    }),
    'log.sqlite',
  );
  const first = await SqliteCommitStore.open(path);
  await assert.rejects(SqliteCommitStore.open(path), { code: 'STATE_CONFLICT' });
  await first.close();
  await (await SqliteCommitStore.open(path)).close();
});

test('a database of a later version, or none at all, is refused', async (t) => {
  const dir = await folder((cleanUp) => {
    t.after(cleanUp);
  });
  const later = join(dir, 'later.sqlite');
  const database = new DatabaseSync(later);
  database.exec('PRAGMA user_version = 2');
  database.close();
  await assert.rejects(SqliteCommitStore.open(later), { code: 'STATE_VERSION' });
  const junk = join(dir, 'junk.sqlite');
  await writeFile(junk, 'this is no database '.repeat(100));
  await assert.rejects(SqliteCommitStore.open(junk), { code: 'STATE_CORRUPT' });
  await assert.rejects(SqliteCommitStore.open(join(dir, 'absent', 'x.sqlite')), { code: 'STATE_UNAVAILABLE' });
});

test('a database with any byte of its schema damaged opens, or is refused by name', async (t) => {
  const dir = await folder((cleanUp) => {
    t.after(cleanUp);
  });
  const path = join(dir, 'log.sqlite');
  const store = await SqliteCommitStore.open(path);
  await store.commit({ previous: undefined, checkpoint: 'one', identities: [], staged: undefined, settled: [] });
  await store.close();
  const sound = await readFile(path);
  for (let at = 0; at < 100; at += 3) {
    const copy = Uint8Array.from(sound);
    copy[at] = (copy[at] ?? 0) ^ 0xff;
    const damagedPath = join(dir, `damaged-${at}`);
    await writeFile(damagedPath, copy);
    try {
      const opened = await SqliteCommitStore.open(damagedPath);
      await opened.head();
      await opened.close();
    } catch (error) {
      assert.ok(error instanceof IntegrityError, `byte ${at}: ${String(error)}`);
    }
  }
});

test('power cut after any operation: a name is whole or absent, the pointer never leads, a flush loses nothing', async () => {
  const batchOf = (
    n: number,
  ): { objects: { name: string; bytes: Uint8Array }[]; pointer: { name: string; bytes: Uint8Array } } => ({
    objects: [
      { name: `tile/0/x00${n}/000`, bytes: utf8(`tile ${n} `.repeat(20)) },
      { name: `tile/entries/00${n}.p/1`, bytes: utf8(`entries ${n} `.repeat(20)) },
    ],
    pointer: { name: 'checkpoint', bytes: utf8(`pointer ${n} `.repeat(20)) },
  });
  const run = async (files: PowerCutFileSystem, flushed: { until: number }): Promise<void> => {
    const store = await FolderObjectStore.open('/log', files);
    for (let n = 1; n <= 3; n++) {
      await (await store.stage(batchOf(n))).place();
      await store.flush();
      flushed.until = n;
    }
  };
  const dry = new PowerCutFileSystem();
  dry.makeFolder('/log');
  await run(dry, { until: 0 });
  let random = 12345;
  const arrived = (): boolean => ((random = (random * 1103515245 + 12345) & 0x7fffffff) >> 16) % 2 === 0;
  const operations = dry.operations - 1; // without the makeFolder above
  for (let cut = 0; cut < operations; cut++) {
    for (const luck of [(): boolean => false, (): boolean => true, arrived]) {
      const files = new PowerCutFileSystem();
      files.makeFolder('/log');
      await files.syncFolder('/');
      files.cutAfter(cut);
      const flushed = { until: 0 };
      await assert.rejects(
        run(files, flushed),
        (error) => error instanceof IntegrityError && error.cause instanceof PowerCut,
      );
      files.restore(luck);
      const store = await FolderObjectStore.open('/log', files);
      for (let n = 1; n <= 3; n++) {
        for (const { name, bytes } of batchOf(n).objects) {
          const found = await store.read(name);
          if (found !== undefined) assert.deepEqual(Buffer.from(found), Buffer.from(bytes), `cut ${cut}: ${name}`);
          else assert.ok(n > flushed.until, `cut ${cut}: ${name} was flushed and is lost`);
        }
      }
      const pointer = await store.read('checkpoint');
      assert.ok(flushed.until === 0 || pointer !== undefined);
      // Placing again is always possible: nothing torn has a name.
      for (let n = 1; n <= 3; n++) await (await store.stage(batchOf(n))).place();
    }
  }
});

test('after a flush has failed none succeeds any more', async () => {
  const files = new PowerCutFileSystem();
  files.makeFolder('/log');
  const store = await FolderObjectStore.open('/log', files);
  await (await store.stage({ objects: [], pointer: { name: 'checkpoint', bytes: utf8('one') } })).place();
  files.cutAfter(0);
  await assert.rejects(store.flush(), { code: 'STATE_UNAVAILABLE' });
  files.restore(() => true);
  await assert.rejects(store.flush(), { code: 'STATE_UNAVAILABLE' });
});
