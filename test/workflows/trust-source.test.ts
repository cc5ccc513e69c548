import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CLIENT_TRUST_CONFIG_V01 } from '../../src/core/trust/client-trust-config.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { recordStack } from '../../src/io/tuf/recorded-stack.ts';
import { resolveTrust, type ResolvedTrust, type TrustRequest } from '../../src/workflows/trust/trust-source.ts';
import { signingConfig, temporaryFolder } from '../servers/trust/repository.ts';
import { FakeInstance } from '../support/instance.ts';

const instance = new FakeInstance();

/** A trusted root that can be told from others by its first log. */
function rootNamed(host: string): string {
  const [log] = instance.trustedRoot.tlogs;
  assert.ok(log !== undefined);
  return encodeTrustedRoot({ ...instance.trustedRoot, tlogs: [{ ...log, baseUrl: `https://${host}` }] });
}

interface Place {
  readonly root: string;
  readonly home: string;
  readonly configFolder: string;
  readonly resolve: (
    flags?: TrustRequest['flags'],
    environment?: TrustRequest['environment'],
  ) => Promise<ResolvedTrust & { readonly host: string | undefined; readonly operator: string | undefined }>;
}

function place(t: TestContext): Place {
  const root = temporaryFolder(t);
  const home = join(root, 'home');
  const configFolder = join(home, '.config', 'sealwright');
  const http = new HttpClient({ offline: true });
  const resolve: Place['resolve'] = async (flags = {}, environment = {}) => {
    const resolved = await resolveTrust({
      flags,
      environment: { HOME: home, ...environment },
      configFolder,
      http,
      now: () => new Date(),
    });
    return {
      ...resolved,
      host: resolved.trustedRoot.tlogs[0]?.origin,
      operator: resolved.signingConfig?.caUrls[0]?.operator,
    };
  };
  return { root, home, configFolder, resolve };
}

function stack(parent: string, name: string): string {
  const dir = join(parent, name);
  mkdirSync(join(dir, 'trust'), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, 'trust', 'trusted_root.json'), rootNamed(`${name}.example.com`), { mode: 0o600 });
  writeFileSync(join(dir, 'trust', 'signing_config.v0.2.json'), signingConfig(name), { mode: 0o600 });
  return dir;
}

test('flags come before --dir, that before SEALWRIGHT_DIR, that before the recorded stack', async (t) => {
  const { root, configFolder, resolve } = place(t);
  await recordStack(configFolder, stack(root, 'recorded'));
  const recorded = await resolve();
  assert.equal(recorded.host, 'recorded.example.com');
  assert.equal(recorded.operator, 'recorded');
  assert.equal(recorded.source, `your stack in ${join(root, 'recorded')}`);

  const environment = { SEALWRIGHT_DIR: stack(root, 'environment') };
  assert.equal((await resolve({}, environment)).host, 'environment.example.com');
  assert.equal((await resolve({}, { SEALWRIGHT_DIR: '' })).host, 'recorded.example.com');

  const dir = stack(root, 'flag');
  assert.equal((await resolve({ dir }, environment)).host, 'flag.example.com');

  const trustedRoot = join(root, 'root.json');
  writeFileSync(trustedRoot, rootNamed('file.example.com'));
  const file = await resolve({ trustedRoot, dir }, environment);
  assert.equal(file.host, 'file.example.com');
  assert.equal(file.operator, undefined);
  assert.equal(file.source, `the trusted root in ${trustedRoot}`);
});

test('a TUF mirror in the environment comes before the recorded stack, and after --dir', async (t) => {
  const { root, configFolder, resolve } = place(t);
  const dir = stack(root, 'recorded');
  await recordStack(configFolder, dir);
  const environment = { TUF_MIRROR: 'https://tuf.example.com' };
  // Nothing says which root to trust for it: it was asked, and the stack was not.
  await assert.rejects(resolve({}, environment), { code: 'USAGE_NO_TRUST' });
  assert.equal((await resolve({ dir }, environment)).host, 'recorded.example.com');
  assert.equal((await resolve({}, { TUF_MIRROR: '' })).host, 'recorded.example.com');
});

test('a signing config by flag replaces that of the source, which keeps its trusted root', async (t) => {
  const { root, resolve } = place(t);
  const config = join(root, 'signing.json');
  writeFileSync(config, signingConfig('by flag'));
  const resolved = await resolve({ dir: stack(root, 'stack'), signingConfig: config });
  assert.equal(resolved.host, 'stack.example.com');
  assert.equal(resolved.operator, 'by flag');
});

test('a client trust config is both, and suffers nothing beside it', async (t) => {
  const { root, resolve } = place(t);
  const trustConfig = join(root, 'trust.json');
  writeFileSync(
    trustConfig,
    JSON.stringify({
      mediaType: CLIENT_TRUST_CONFIG_V01,
      trustedRoot: JSON.parse(rootNamed('both.example.com')) as unknown,
      signingConfig: JSON.parse(signingConfig('both')) as unknown,
    }),
  );
  const resolved = await resolve({ trustConfig });
  assert.equal(resolved.host, 'both.example.com');
  assert.equal(resolved.operator, 'both');
  for (const flags of [{ trustedRoot: 'x' }, { signingConfig: 'x' }, { dir: 'x' }]) {
    await assert.rejects(resolve({ trustConfig, ...flags }), { code: 'USAGE_BAD_FLAG' });
  }
});

test('a folder in the working directory is never asked', async (t) => {
  const { root, resolve } = place(t);
  const hostile = join(root, 'checkout');
  stack(hostile, '.sealwright');
  stack(hostile, '.config/sealwright');
  const before = process.cwd();
  process.chdir(hostile);
  t.after(() => {
    process.chdir(before);
  });
  // What is left is the public instance, which an offline run without a cache cannot ask.
  await assert.rejects(resolve(), { code: 'TRUST_STALE' });
  await assert.rejects(resolve({}, { TUF_ROOT: '' }), { code: 'TRUST_STALE' });
});

test('files that are not there, not readable or not what they should be are refused by name', async (t) => {
  const { root, resolve } = place(t);
  const bad = join(root, 'bad.json');
  writeFileSync(bad, '{"mediaType":');
  const large = join(root, 'large.json');
  writeFileSync(large, Buffer.alloc((4 << 20) + 1, ' '));
  for (const [flags, code] of [
    [{ trustedRoot: join(root, 'none.json') }, 'USAGE_FILE'],
    [{ trustedRoot: root }, 'USAGE_FILE'],
    [{ trustedRoot: large }, 'USAGE_FILE'],
    [{ trustedRoot: bad }, 'FORMAT_TRUSTED_ROOT'],
    [{ signingConfig: bad }, 'FORMAT_SIGNING_CONFIG'],
    [{ trustConfig: bad }, 'FORMAT_TRUSTED_ROOT'],
    [{ dir: join(root, 'none') }, 'USAGE_NO_TRUST'],
    [{ dir: bad }, 'USAGE_NO_TRUST'],
  ] as const) {
    await assert.rejects(resolve(flags), { code }, JSON.stringify(flags));
  }
});

test('a stack whose trust files others can write is not trusted', async (t) => {
  const { root, resolve } = place(t);
  for (const [path, mode] of [
    ['trust', 0o777],
    ['trust/trusted_root.json', 0o666],
    ['trust/signing_config.v0.2.json', 0o620],
  ] as const) {
    const dir = stack(temporaryFolder(t), 'stack');
    chmodSync(join(dir, path), mode);
    await assert.rejects(resolve({ dir }), { code: 'USAGE_NO_TRUST' }, path);
  }
  assert.ok(root !== '');
});

test('a recorded stack that is gone is an error, not another source', async (t) => {
  const { root, configFolder, resolve } = place(t);
  await recordStack(configFolder, join(root, 'gone'));
  await assert.rejects(resolve(), { code: 'USAGE_NO_TRUST' });
});

test("a stack of one's own costs no TUF client, no HTTP stack and no database", (t) => {
  const { root } = place(t);
  const script = join(root, 'resolve.mjs');
  const source = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
  writeFileSync(
    script,
    `import { createRequire } from 'node:module';
     import process from 'node:process';
     import { HttpClient } from ${source('io/net/http-client.ts')};
     import { resolveTrust } from ${source('workflows/trust/trust-source.ts')};
     const http = new HttpClient();
     const dir = process.argv[2];
     await resolveTrust({ flags: { dir }, environment: {}, configFolder: dir, http, now: () => new Date() });
     const packages = Object.keys(createRequire(import.meta.url).cache);
     const heavy = process.moduleLoadList.filter((name) => /NativeModule (http|https|sqlite|tls)$/.test(name));
     console.log(JSON.stringify([...packages, ...heavy]));`,
  );
  const output = execFileSync(process.execPath, [script, stack(root, 'stack')], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(output), []);
});
