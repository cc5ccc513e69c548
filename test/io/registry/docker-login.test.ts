import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CloudKeychain } from '../../../src/io/registry/cloud-keychain.ts';
import { DockerConfig } from '../../../src/io/registry/docker-config.ts';
import { keepLogin } from '../../../src/io/registry/docker-login.ts';
import { temporaryFolder } from '../../support/registry-server.ts';

const ALICE = { registry: 'r.example.test', username: 'alice', password: 'a:b' };

/** A home with a Docker configuration, and credential helpers that are shell scripts. */
function home(t: TestContext, config?: object, helpers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, '.docker'));
  mkdirSync(join(folder, 'bin'));
  if (config !== undefined) writeFileSync(join(folder, '.docker/config.json'), JSON.stringify(config));
  for (const [name, script] of Object.entries(helpers)) {
    const path = join(folder, 'bin', `docker-credential-${name}`);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
  return { HOME: folder, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
}

function configOf(env: Record<string, string>): Record<string, unknown> {
  return JSON.parse(readFileSync(join(env['HOME'] ?? '', '.docker/config.json'), 'utf8')) as Record<string, unknown>;
}

test('what is kept is found again, for its owner alone, and the rest of the file stays', async (t) => {
  const env = home(t, { detachKeys: 'ctrl-x', auths: { 'other.test': { auth: 'YTpi' } } });
  const { helper, path } = await keepLogin(ALICE, env);
  assert.equal(helper, undefined);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const found = await new DockerConfig(env).lookup({ registry: ALICE.registry, repository: 'a' });
  assert.deepEqual(found, { kind: 'basic', username: 'alice', password: 'a:b' });
  assert.deepEqual(configOf(env)['detachKeys'], 'ctrl-x');
  assert.ok('other.test' in (configOf(env)['auths'] as object));
  assert.deepEqual(readdirSync(join(env['HOME'] ?? '', '.docker')), ['config.json'], 'no temporary file');
});

test('without a configuration one is made; Docker Hub has its own key', async (t) => {
  const env = home(t);
  await keepLogin({ ...ALICE, registry: 'index.docker.io' }, env);
  assert.deepEqual(configOf(env), { auths: { 'https://index.docker.io/v1/': { auth: 'YWxpY2U6YTpi' } } });
});

test('a configuration that is a link stays one', async (t) => {
  const env = home(t);
  const real = join(env['HOME'] ?? '', 'dotfiles.json');
  writeFileSync(real, '{}');
  symlinkSync(real, join(env['HOME'] ?? '', '.docker/config.json'));
  await keepLogin(ALICE, env);
  assert.ok(readFileSync(real, 'utf8').includes('auths'));
});

test('a credential store gets the password, and the file does not', async (t) => {
  const env = home(
    t,
    { credsStore: 'other', credHelpers: { [ALICE.registry]: 'mine' } },
    { mine: 'cat > "$HOME/kept"' },
  );
  const { helper } = await keepLogin(ALICE, env);
  assert.equal(helper, 'docker-credential-mine');
  assert.deepEqual(JSON.parse(readFileSync(join(env['HOME'] ?? '', 'kept'), 'utf8')), {
    ServerURL: ALICE.registry,
    Username: 'alice',
    Secret: 'a:b',
  });
  assert.deepEqual(configOf(env)['auths'], { [ALICE.registry]: {} });
});

for (const { what, config, helpers } of [
  { what: 'a helper that fails', config: { credsStore: 'mine' }, helpers: { mine: 'echo alice:a:b >&2; exit 1' } },
  { what: 'a helper that is missing', config: { credsStore: 'nobody-has-this' }, helpers: {} },
  { what: 'a helper whose name is a path', config: { credsStore: '../../bin/sh' }, helpers: {} },
]) {
  test(`${what}: USAGE_BAD_CONFIG without its words, and the file stays as it was`, async (t) => {
    const env = home(t, config, helpers);
    await assert.rejects(keepLogin(ALICE, env), (error: Error & { code?: string; facts?: object }) => {
      assert.equal(error.code, 'USAGE_BAD_CONFIG');
      assert.doesNotMatch(JSON.stringify([error.message, error.facts]), /a:b/);
      return true;
    });
    assert.deepEqual(configOf(env), config);
  });
}

test('a configuration that does not parse is not replaced', async (t) => {
  const env = home(t);
  const path = join(env['HOME'] ?? '', '.docker/config.json');
  for (const text of ['{"auths":', '[]']) {
    writeFileSync(path, text);
    await assert.rejects(keepLogin(ALICE, env), { code: 'USAGE_BAD_CONFIG' });
    assert.equal(readFileSync(path, 'utf8'), text);
  }
});

test('a helper is asked once for a run, and again when its answer was refused', async (t) => {
  const script = 'echo x >> "$HOME/asked"; echo \'{"Username":"u","Secret":"s"}\'';
  const env = home(t, { credsStore: 'mine' }, { mine: script });
  const config = new DockerConfig(env);
  const asked = (): number => readFileSync(join(env['HOME'] ?? '', 'asked'), 'utf8').length / 2;
  for (const repository of ['a', 'b', 'c']) await config.lookup({ registry: 'r.example.test', repository });
  assert.equal(asked(), 1);
  config.forget({ registry: 'r.example.test', repository: 'a' });
  await config.lookup({ registry: 'r.example.test', repository: 'a' });
  assert.equal(asked(), 2);
});

/** Documented registry names of each cloud, and the helper that its documentation names. */
const CLOUDS: readonly (readonly [registry: string, helper: string])[] = [
  ['123456789012.dkr.ecr.eu-central-1.amazonaws.com', 'ecr-login'],
  ['123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'ecr-login'],
  ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'ecr-login'],
  ['public.ecr.aws', 'ecr-login'],
  ['europe-docker.pkg.dev', 'gcr'],
  ['eu.gcr.io', 'gcr'],
  ['gcr.io', 'gcloud'],
  ['shop.azurecr.io', 'acr-env'],
  ['registry.cn-hangzhou.aliyuncs.com', 'acr-helper'],
];

for (const [registry, helper] of CLOUDS) {
  test(`${registry}: docker-credential-${helper} in PATH is asked; missing, it is named`, async (t) => {
    const answer = `read server; echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"for $server\\"}"`;
    const env = home(t, undefined, { [helper]: answer });
    const chain = new CloudKeychain(new DockerConfig(env), env);
    assert.deepEqual(await chain.lookup({ registry, repository: 'a' }), {
      kind: 'basic',
      username: 'u',
      password: `for ${registry}`,
    });
    const bare = { ...env, PATH: '/nowhere' };
    const without = new CloudKeychain(new DockerConfig(bare), bare);
    assert.deepEqual(await without.lookup({ registry, repository: 'a' }), { kind: 'anonymous' });
    assert.match(without.advice({ registry, repository: 'a' }) ?? '', new RegExp(`docker-credential-${helper}`));
  });
}

test("GitHub's registry: GITHUB_TOKEN; Docker's configuration comes first; other hosts get neither", async (t) => {
  const env = { ...home(t), GITHUB_TOKEN: 'ghs_x', GITHUB_ACTOR: 'dev' };
  const ghcr = { registry: 'ghcr.io', repository: 'a/b' };
  const chain = new CloudKeychain(new DockerConfig(env), env);
  assert.deepEqual(await chain.lookup(ghcr), { kind: 'basic', username: 'dev', password: 'ghs_x' });
  for (const registry of ['evil-ghcr.io', 'ghcr.io.evil.test', 'ghcr.io:444', 'x.amazonaws.com', 'gcr.io.evil.test']) {
    assert.deepEqual(await chain.lookup({ registry, repository: 'a' }), { kind: 'anonymous' }, registry);
    assert.equal(chain.advice({ registry, repository: 'a' }), undefined);
  }
  await keepLogin({ ...ALICE, registry: 'ghcr.io' }, env);
  const after = await new CloudKeychain(new DockerConfig(env), env).lookup(ghcr);
  assert.deepEqual(after, { kind: 'basic', username: 'alice', password: 'a:b' });
});
