import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CACHED_PEERS, SYSTEM_PEERS, peersFolder } from '../support/peers.ts';

const SCRIPT = resolve(import.meta.dirname, '../../tools/peers');

function peers(t: TestContext, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const empty = mkdtempSync(join(tmpdir(), 'sealwright-peers-'));
  t.after(() => {
    rmSync(empty, { recursive: true });
  });
  return spawnSync('sh', [SCRIPT, ...args], { encoding: 'utf8', env: { ...process.env, SEALWRIGHT_PEERS: empty } });
}

test('tools/peers and the tests know the same peers', (t) => {
  const { status, stdout } = peers(t, 'list');
  assert.equal(status, 0);
  const names = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/\s+/)[0]);
  assert.deepEqual(names.toSorted(), [...CACHED_PEERS, ...SYSTEM_PEERS].toSorted());
});

test('every peer from a registry is pinned to one version', (t) => {
  const rows = peers(t, 'list')
    .stdout.trimEnd()
    .split('\n')
    .map((line) => line.split(/\s+/));
  const cached: readonly string[] = CACHED_PEERS;
  for (const [name = '', version = '', state] of rows) {
    if (!cached.includes(name)) continue;
    // A module that is never tagged is pinned to a commit.
    assert.match(version, /^(v?\d+\.\d+\.\d+|v0\.0\.0-\d{14}-[0-9a-f]{12})$/, name);
    assert.equal(state, 'missing', `${name} in an empty cache`);
  }
});

test('path of a missing peer names the command that installs it', (t) => {
  const { status, stdout, stderr } = peers(t, 'path', 'cosign');
  assert.deepEqual([status, stdout], [1, '']);
  assert.equal(stderr, 'cosign is not installed; run: tools/peers install cosign\n');
});

for (const args of [['path', 'cosing'], ['install', 'cosing'], ['path'], ['remove', 'cosign'], []]) {
  test(`refused: tools/peers ${args.join(' ')}`, (t) => {
    const { status, stderr } = peers(t, ...args);
    assert.equal(status, 2);
    assert.match(stderr, /no peer is called 'cosing'|^usage: tools\/peers/);
  });
}

test('the cache is named by SEALWRIGHT_PEERS, then by XDG_CACHE_HOME', () => {
  const { SEALWRIGHT_PEERS: own, XDG_CACHE_HOME: cache } = process.env;
  try {
    delete process.env['SEALWRIGHT_PEERS'];
    process.env['XDG_CACHE_HOME'] = '/cache';
    assert.equal(peersFolder(), '/cache/sealwright/peers');
    process.env['SEALWRIGHT_PEERS'] = '/elsewhere';
    assert.equal(peersFolder(), '/elsewhere');
  } finally {
    restore('SEALWRIGHT_PEERS', own);
    restore('XDG_CACHE_HOME', cache);
  }
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}
