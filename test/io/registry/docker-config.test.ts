/** Credentials as `docker login` and `podman login` leave them, found where cosign finds them. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DockerConfig } from '../../../src/io/registry/docker-config.ts';
import type { Credentials } from '../../../src/io/registry/credentials.ts';
import { temporaryFolder } from '../../support/registry-server.ts';

const ALICE = { kind: 'basic', username: 'alice', password: 'pass:word' } as const;
const AUTH = Buffer.from('alice:pass:word').toString('base64');

interface Home {
  readonly home: string;
  readonly lookup: (registry: string, repository?: string, env?: Record<string, string>) => Promise<Credentials>;
  readonly write: (path: string, content: unknown) => void;
}

function homeFolder(t: TestContext): Home {
  const home = temporaryFolder(t);
  return {
    home,
    lookup: (registry, repository = 'shop/app', env = {}) =>
      new DockerConfig({ HOME: home, PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`, ...env }).lookup({
        registry,
        repository,
      }),
    write: (path, content) => {
      const target = join(home, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, typeof content === 'string' ? content : JSON.stringify(content));
    },
  };
}

test('entries of every kind, by the most specific name', async (t) => {
  const { lookup, write } = homeFolder(t);
  write('.docker/config.json', {
    auths: {
      'r.example': { auth: AUTH },
      'r.example/shop': { username: 'shop', password: 'p' },
      'r.example/shop/app': { auth: Buffer.from('app:p\0\0').toString('base64') },
      'https://old.example/v1/': { auth: AUTH },
      'https://index.docker.io/v1/': { auth: AUTH },
      'id.example': { auth: AUTH, identitytoken: 'refresh' },
      'token.example': { registrytoken: 'as-it-is' },
      'empty.example': {},
    },
  });
  const rows: readonly (readonly [string, string, Credentials])[] = [
    ['r.example', 'shop/app', { kind: 'basic', username: 'app', password: 'p' }],
    ['r.example', 'shop/other', { kind: 'basic', username: 'shop', password: 'p' }],
    ['r.example', 'else', ALICE],
    ['r.example', 'shopping', ALICE],
    ['old.example', 'x', ALICE],
    ['index.docker.io', 'library/nginx', ALICE],
    ['id.example', 'x', { kind: 'identity', token: 'refresh' }],
    ['token.example', 'x', { kind: 'bearer', token: 'as-it-is' }],
    ['empty.example', 'x', { kind: 'anonymous' }],
    ['unknown.example', 'x', { kind: 'anonymous' }],
    ['evil-r.example', 'x', { kind: 'anonymous' }],
  ];
  for (const [registry, repository, expected] of rows) {
    assert.deepEqual(await lookup(registry, repository), expected, `${registry}/${repository}`);
  }
});

test("files in their order, and an empty variable is none: the working directory's files are never read", async (t) => {
  const { home, lookup, write } = homeFolder(t);
  const entry = (username: string): object => ({ auths: { 'r.example': { username, password: 'p' } } });
  write('xdg/containers/auth.json', entry('config'));
  write('run/containers/auth.json', entry('runtime'));
  write('authfile.json', entry('authfile'));
  const who = async (env: Record<string, string>): Promise<string> => {
    const found = await lookup('r.example', 'x', env);
    return found.kind === 'basic' ? found.username : found.kind;
  };
  const xdg = { XDG_CONFIG_HOME: join(home, 'xdg') };
  const runtime = { ...xdg, XDG_RUNTIME_DIR: join(home, 'run') };
  assert.equal(await who({}), 'anonymous');
  assert.equal(await who(xdg), 'config');
  assert.equal(await who(runtime), 'runtime');
  assert.equal(await who({ ...runtime, REGISTRY_AUTH_FILE: join(home, 'authfile.json') }), 'authfile');
  write('.docker/config.json', entry('docker'));
  assert.equal(await who({ ...runtime, REGISTRY_AUTH_FILE: join(home, 'authfile.json') }), 'docker');
  write('elsewhere/config.json', entry('elsewhere'));
  assert.equal(await who({ DOCKER_CONFIG: join(home, 'elsewhere') }), 'elsewhere');
  const before = process.cwd();
  write('hostile/config.json', entry('hostile'));
  write('hostile/containers/auth.json', entry('hostile'));
  process.chdir(join(home, 'hostile'));
  t.after(() => {
    process.chdir(before);
  });
  assert.equal(await who({ DOCKER_CONFIG: '', XDG_RUNTIME_DIR: '', XDG_CONFIG_HOME: '' }), 'docker');
});

test('a helper is asked for its server, and beats what the file says', async (t) => {
  const { home, lookup, write } = homeFolder(t);
  const helper = (name: string, script: string): void => {
    write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
    chmodSync(join(home, 'bin', `docker-credential-${name}`), 0o755);
  };
  helper('echo', String.raw`read server; printf '{"ServerURL":"%s","Username":"%s","Secret":"s"}' "$server" "$server"`);
  helper('token', `cat >/dev/null; echo '{"Username":"<token>","Secret":"refresh"}'`);
  helper('none', 'cat >/dev/null; echo "credentials not found in native keychain"; exit 1');
  helper('broken', 'echo "my-password-is-hunter2"; exit 3');
  helper('html', `cat >/dev/null; echo '<html>hunter2'`);
  write('.docker/config.json', {
    auths: { 'none.example': { auth: AUTH }, 'store.example': { auth: AUTH } },
    credHelpers: {
      'echo.example': 'echo',
      'index.docker.io': 'echo',
      'token.example': 'token',
      'none.example': 'none',
      'broken.example': 'broken',
      'html.example': 'html',
      'missing.example': 'missing',
      'climb.example': '../../tmp/evil',
    },
    credsStore: 'echo',
  });
  const basic = (username: string): Credentials => ({ kind: 'basic', username, password: 's' });
  assert.deepEqual(await lookup('echo.example'), basic('echo.example'));
  assert.deepEqual(await lookup('index.docker.io'), basic('https://index.docker.io/v1/'));
  assert.deepEqual(await lookup('token.example'), { kind: 'identity', token: 'refresh' });
  assert.deepEqual(await lookup('none.example'), ALICE, 'a helper that knows nothing leaves it to the file');
  assert.deepEqual(await lookup('store.example'), basic('store.example'));
  for (const registry of ['broken.example', 'html.example', 'missing.example', 'climb.example']) {
    await assert.rejects(lookup(registry), (error: Error & { code: string; facts: object }) => {
      assert.equal(error.code, 'USAGE_BAD_CONFIG', registry);
      const { cause: _cause, ...said } = error.facts as { cause?: unknown };
      assert.ok(
        !`${error.message}${JSON.stringify(said)}`.includes('hunter2'),
        'what a helper printed is not repeated',
      );
      return true;
    });
  }
});

test('a file that cannot be used is said, and names itself', async (t) => {
  const { home, lookup, write } = homeFolder(t);
  for (const content of [
    'not json',
    '[]',
    '{"auths":[]}',
    '{"auths":{"r.example":{"auth":"***"}}}',
    '{"auths":{"r.example":7}}',
  ]) {
    write('.docker/config.json', content);
    await assert.rejects(lookup('r.example'), (error: Error & { code: string }) => {
      assert.equal(error.code, 'USAGE_BAD_CONFIG', content);
      assert.match(error.message, /config\.json/);
      return true;
    });
  }
  mkdirSync(join(home, 'folder/config.json'), { recursive: true });
  await assert.rejects(lookup('r.example', 'x', { DOCKER_CONFIG: join(home, 'folder') }), { code: 'USAGE_FILE' });
});
