import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FolderLock } from '../../../src/servers/stack/folder-lock.ts';

const MODULE = new URL('../../../src/servers/stack/folder-lock.ts', import.meta.url).href;

test('a second holder is refused, and the folder is free again after release', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const lock = FolderLock.acquire(folder);
  assert.equal(FolderLock.isHeld(folder), true);
  assert.throws(() => FolderLock.acquire(folder), { code: 'USAGE_STACK_RUNNING' });
  lock.release();
  assert.equal(FolderLock.isHeld(folder), false);
  FolderLock.acquire(folder).release();
});

test('the lock dies with its process, even by kill -9', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const script = `import(${JSON.stringify(MODULE)}).then(({ FolderLock }) => {
    globalThis.lock = FolderLock.acquire(${JSON.stringify(folder)});
    console.log('held');
    setInterval(() => {}, 1000);
  });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.equal(FolderLock.isHeld(folder), true);
  assert.throws(() => FolderLock.acquire(folder), { code: 'USAGE_STACK_RUNNING' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  assert.equal(FolderLock.isHeld(folder), false);
  FolderLock.acquire(folder).release();
});
