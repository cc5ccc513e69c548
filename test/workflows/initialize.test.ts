import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { STAGING_MIRROR } from '../../src/io/tuf/public-instance.ts';
import { readRecordedStack, recordStack } from '../../src/io/tuf/recorded-stack.ts';
import { cacheName } from '../../src/io/tuf/trust-cache.ts';
import { initialize, type Initialized, type InitializeRequest } from '../../src/workflows/trust/initialize.ts';
import { resolveTrust } from '../../src/workflows/trust/trust-source.ts';
import { HostileMirror } from '../io/tuf/hostile-mirror.ts';
import { temporaryFolder } from '../servers/trust/repository.ts';

interface Setting {
  readonly mirror: HostileMirror;
  readonly url: string;
  readonly root: string;
  readonly cache: string;
  readonly configFolder: string;
  readonly run: (flags: Partial<InitializeRequest>) => Promise<Initialized>;
  /** Operator of the signing config that commands would use now. */
  readonly trusted: () => Promise<string | undefined>;
}

async function setting(t: TestContext): Promise<Setting> {
  const mirror = await HostileMirror.create(t);
  const home = temporaryFolder(t);
  const configFolder = join(home, '.config', 'sealwright');
  const root = join(home, 'root.json');
  writeFileSync(root, mirror.rootJson);
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  const shared = { environment: { HOME: home }, configFolder, http };
  return {
    mirror,
    url: await mirror.url(),
    root,
    cache: join(home, '.sigstore', 'root'),
    configFolder,
    run: (flags) => initialize({ ...shared, now: new Date(), ...flags }),
    trusted: async () => {
      const { signingConfig } = await resolveTrust({ ...shared, flags: {}, now: () => new Date() });
      return signingConfig?.caUrls[0]?.operator;
    },
  };
}

test('an instance is trusted from then on, and a stack recorded earlier no longer', async (t) => {
  const { run, url, root, cache, configFolder, trusted } = await setting(t);
  await recordStack(configFolder, '/stack');
  const done = await run({ mirror: url, root });
  assert.deepEqual(done, { mirror: url, cacheFolder: cache, forgottenStack: '/stack', warnings: [] });
  assert.equal(readRecordedStack(configFolder), undefined);
  assert.equal(await trusted(), 'example.com');
  assert.deepEqual(JSON.parse(readFileSync(join(cache, 'remote.json'), 'utf8')), { mirror: url });
});

test('the last one counts: an up after it is trusted again', async (t) => {
  const { run, url, root, configFolder, trusted } = await setting(t);
  await run({ mirror: url, root });
  await recordStack(configFolder, '/gone');
  await assert.rejects(trusted(), { code: 'USAGE_NO_TRUST' });
});

test('a checksum in either spelling is held', async (t) => {
  const { run, url, root, mirror } = await setting(t);
  const sum = (algorithm: string): string => createHash(algorithm).update(mirror.rootJson).digest('hex');
  for (const rootChecksum of [
    sum('sha256'),
    sum('sha256').toUpperCase(),
    `sha256:${sum('sha256')}`,
    `sha512:${sum('sha512')}`,
  ]) {
    await run({ mirror: url, root, rootChecksum });
  }
  await assert.rejects(run({ mirror: url, root, rootChecksum: '0'.repeat(64) }), { code: 'DIGEST_MISMATCH' });
  for (const rootChecksum of [
    '',
    'x',
    sum('sha512'),
    `md5:${sum('md5')}`,
    `sha512:${sum('sha256')}`,
    `a:sha256:${sum('sha256')}`,
  ]) {
    await assert.rejects(run({ mirror: url, root, rootChecksum }), { code: 'USAGE_BAD_FLAG' }, rootChecksum);
  }
});

test('a root from a URL without a checksum is a warning, as in cosign', async (t) => {
  const { run, url, mirror } = await setting(t);
  const rootUrl = `${url}/1.root.json`;
  const [warning] = (await run({ mirror: url, root: rootUrl })).warnings;
  assert.match(warning ?? '', /--root-checksum/);
  const rootChecksum = createHash('sha256').update(mirror.rootJson).digest('hex');
  assert.deepEqual((await run({ mirror: url, root: rootUrl, rootChecksum })).warnings, []);
});

test('plain HTTP to another machine brings no root without a checksum', async (t) => {
  const { run, url } = await setting(t);
  await assert.rejects(run({ mirror: url, root: 'http://192.0.2.1/root.json' }), { code: 'USAGE_BAD_CONFIG' });
});

test('a mirror without a root of its own is refused; the embedded ones are for their own mirrors', async (t) => {
  const { run, url } = await setting(t);
  await assert.rejects(run({ mirror: url }), { code: 'USAGE_NO_TRUST' });
  const offline = new HttpClient({ offline: true });
  // Staging gets as far as its network, so its root was found.
  await assert.rejects(run({ staging: true, http: offline }), { code: 'REMOTE_OFFLINE' });
  await assert.rejects(run({ mirror: STAGING_MIRROR, http: offline }), { code: 'REMOTE_OFFLINE' });
  await assert.rejects(run({ http: offline }), { code: 'REMOTE_OFFLINE' });
});

test('when anything fails, what was trusted before is trusted still', async (t) => {
  const first = await setting(t);
  await first.run({ mirror: first.url, root: first.root });
  const second = await HostileMirror.create(t);
  const other = { mirror: await second.url(), root: join(temporaryFolder(t), 'root.json') };
  writeFileSync(other.root, second.rootJson);
  const remote = readFileSync(join(first.cache, 'remote.json'), 'utf8');
  const attempts: readonly (readonly [() => void, string])[] = [
    [() => second.files.set('timestamp.json', { status: 500 }), 'REMOTE_STATUS'],
    [() => second.files.set('timestamp.json', Buffer.from('{}')), 'FORMAT_TUF'],
    [() => second.files.set('1.targets.json', 'endless'), 'REMOTE_BODY'],
    [() => second.files.delete(second.named('.trusted_root.json')), 'REMOTE_STATUS'],
    [() => second.files.set(second.named('.signing_config.v0.2.json'), Buffer.from('{}')), 'TUF_MISMATCH'],
  ];
  for (const [attack, code] of attempts) {
    second.copy();
    attack();
    await assert.rejects(first.run(other), { code });
    assert.equal(readFileSync(join(first.cache, 'remote.json'), 'utf8'), remote);
    assert.ok(!existsSync(join(first.cache, cacheName(other.mirror))));
    assert.equal(await first.trusted(), 'example.com');
  }
  second.copy();
  await second.advance('example.two');
  await first.run(other);
  assert.equal(await first.trusted(), 'example.two');
});

test('a folder will do as a mirror, without any network', async (t) => {
  const { run, mirror, root } = await setting(t);
  const http = new HttpClient({ offline: true });
  const url = pathToFileURL(mirror.dir).href;
  assert.equal((await run({ mirror: url, root, http })).mirror, url);
});
