/** What happens before there is a command line: the caches of compiled code, which will be run. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { Sandbox } from '../support/command-line.ts';

const SEALWRIGHT = resolve(import.meta.dirname, '..', '..', 'bin', 'sealwright');
const sandbox = new Sandbox();
after(() => {
  sandbox.remove();
});

/** One that is started from its bundle, and one that is started from the sources: each has a cache of its own kind. */
const STARTS = [['verify', '--help'], ['env']] as const;

for (const args of STARTS) {
  test(`the cache of ${args[0]} is kept in a folder of the user’s own`, async () => {
    const base = sandbox.path(`own-${args[0]}`);
    const ended = await sandbox.run(args, { environment: { XDG_CACHE_HOME: base } });
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(statSync(`${base}/sealwright/node`).mode & 0o777, 0o700);
    assert.notDeepEqual(readdirSync(`${base}/sealwright/node`), []);
  });

  for (const mode of [0o777, 0o770, 0o702]) {
    test(`a cache folder of mode ${mode.toString(8)} is not used by ${args[0]}`, async () => {
      const base = sandbox.path(`open-${mode.toString(8)}-${args[0]}`);
      const folder = `${base}/sealwright/node`;
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, mode);
      const ended = await sandbox.run(args, { environment: { XDG_CACHE_HOME: base } });
      assert.equal(ended.exitCode, 0, ended.stderr);
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  test(`a cache folder that others can exchange is not used by ${args[0]}`, async () => {
    const base = sandbox.path(`exchangeable-${args[0]}`);
    mkdirSync(`${base}/sealwright`, { recursive: true });
    chmodSync(`${base}/sealwright`, 0o777);
    const ended = await sandbox.run(args, { environment: { XDG_CACHE_HOME: base } });
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.deepEqual(readdirSync(`${base}/sealwright/node`), []);
  });
}

test('without a home there is no cache, and nothing else is missing', () => {
  const ended = spawnSync(SEALWRIGHT, ['version'], { env: { PATH: process.env['PATH'] }, encoding: 'utf8' });
  assert.equal(ended.status, 0, ended.stderr);
});

test('started through a symbolic link from anywhere', () => {
  const link = sandbox.path('linked');
  symlinkSync(SEALWRIGHT, link);
  const env = { PATH: process.env['PATH'], HOME: sandbox.home };
  const ended = spawnSync('./linked', ['version'], { cwd: sandbox.work, env, encoding: 'utf8' });
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(ended.stdout, /^GitVersion: /);
});
