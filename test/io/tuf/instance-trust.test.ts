import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { fetchInstanceTrust, type InstanceTrust } from '../../../src/io/tuf/instance-trust.ts';
import { embeddedRoot, PUBLIC_MIRROR, STAGING_MIRROR } from '../../../src/io/tuf/public-instance.ts';
import { cacheName, TrustCache } from '../../../src/io/tuf/trust-cache.ts';
import { TrustedMetadata } from '../../../src/io/tuf/trusted-metadata.ts';
import { signingConfig, temporaryFolder, TRUSTED_ROOT } from '../../servers/trust/repository.ts';
import { HostileMirror, mirrorCache } from './hostile-mirror.ts';

const HOUR_MS = 3_600_000;
const EMBEDDED = resolve(import.meta.dirname, '../../../src/io/tuf/embedded');

interface Setting {
  readonly mirror: HostileMirror;
  readonly cache: string;
  readonly rootFile: string;
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

async function setting(t: TestContext): Promise<Setting> {
  const mirror = await HostileMirror.create(t);
  const cache = join(temporaryFolder(t), 'root');
  const rootFile = join(temporaryFolder(t), 'first.json');
  writeFileSync(rootFile, mirror.rootJson);
  const url = await mirror.url();
  return { mirror, cache, rootFile, url, environment: { TUF_MIRROR: url, TUF_ROOT: cache, TUF_ROOT_JSON: rootFile } };
}

async function fetchTrust(
  t: TestContext,
  environment: Readonly<Record<string, string>>,
  options: { afterHours?: number; offline?: boolean; at?: string } = {},
): Promise<InstanceTrust> {
  const http = new HttpClient({ retry: { retries: 0 }, offline: options.offline ?? false });
  t.after(() => {
    http.close();
  });
  const now =
    options.at === undefined ? new Date(Date.now() + (options.afterHours ?? 0) * HOUR_MS) : new Date(options.at);
  return fetchInstanceTrust({ environment, http, now });
}

function operatorOf(trust: InstanceTrust): string {
  const text = Buffer.from(trust.signingConfig ?? '').toString();
  return /"operator": "([^"]+)"/.exec(text)?.[1] ?? 'none';
}

test('the documents of the mirror that the environment names', async (t) => {
  const { environment, url } = await setting(t);
  const trust = await fetchTrust(t, environment);
  assert.equal(Buffer.from(trust.trustedRoot).toString(), TRUSTED_ROOT);
  assert.equal(Buffer.from(trust.signingConfig ?? '').toString(), signingConfig());
  assert.equal(trust.mirror, url);
  assert.equal(trust.outage, undefined);
});

test("the cache is laid out as cosign's", async (t) => {
  const { environment, cache, url } = await setting(t);
  await fetchTrust(t, environment);
  const folder = url.replace('http://', '').replace(':', '-');
  assert.equal(cacheName(url), folder);
  assert.equal(cacheName('https://TUF.example.com:8443/a/b/'), 'tuf.example.com-8443-a-b-');
  const names = readdirSync(join(cache, folder), { recursive: true, encoding: 'utf8' }).sort();
  assert.deepEqual(names, [
    'root.json',
    'snapshot.json',
    'targets',
    'targets.json',
    'targets/signing_config.v0.2.json',
    'targets/trusted_root.json',
    'timestamp.json',
  ]);
  assert.match(readFileSync(join(cache, `${folder}.json`), 'utf8'), /^\{"lastTimestamp":"\d{4}-.*Z"\}$/);
});

test('within the hour the mirror is not asked again; after it, it is', async (t) => {
  const { environment, mirror } = await setting(t);
  await fetchTrust(t, environment);
  const asked = mirror.seen.length;
  await mirror.advance('example.two');
  assert.equal(operatorOf(await fetchTrust(t, environment, { afterHours: 0.9 })), 'example.com');
  assert.equal(mirror.seen.length, asked);
  assert.equal(operatorOf(await fetchTrust(t, environment, { afterHours: 1.1 })), 'example.two');
});

test('a clock that was set back does not keep a cache recent', async (t) => {
  const { environment, mirror } = await setting(t);
  await fetchTrust(t, environment, { afterHours: 2 });
  await mirror.advance('example.two');
  assert.equal(operatorOf(await fetchTrust(t, environment)), 'example.two');
});

test('offline: the cache is believed while it is valid, and no connection is opened', async (t) => {
  const { environment, mirror } = await setting(t);
  await assert.rejects(fetchTrust(t, environment, { offline: true }), { code: 'TRUST_STALE' });
  assert.deepEqual(mirror.seen, []);
  await fetchTrust(t, environment);
  const asked = mirror.seen.length;
  assert.equal(operatorOf(await fetchTrust(t, environment, { offline: true, afterHours: 24 * 6 })), 'example.com');
  await assert.rejects(fetchTrust(t, environment, { offline: true, afterHours: 24 * 8 }), { code: 'TRUST_STALE' });
  assert.equal(mirror.seen.length, asked);
});

test('offline: a cached target that was changed is refused', async (t) => {
  const { environment, cache, url } = await setting(t);
  await fetchTrust(t, environment);
  const path = join(cache, cacheName(url), 'targets', 'trusted_root.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('SHA2_256', 'SHA2_257'));
  await assert.rejects(fetchTrust(t, environment, { offline: true }), { code: 'REMOTE_OFFLINE' });
});

test('a mirror that cannot be asked: the cache while it is valid, and the outage is told', async (t) => {
  const { environment, mirror } = await setting(t);
  await fetchTrust(t, environment);
  for (const name of mirror.files.keys()) mirror.files.set(name, { status: 503 });
  const trust = await fetchTrust(t, environment, { afterHours: 2 });
  assert.equal(operatorOf(trust), 'example.com');
  assert.equal(trust.outage?.code, 'REMOTE_STATUS');
  await assert.rejects(fetchTrust(t, environment, { afterHours: 24 * 8 }), { code: 'REMOTE_STATUS' });
});

test('a mirror that lies is no outage: the cache does not help it', async (t) => {
  const { environment, mirror } = await setting(t);
  await fetchTrust(t, environment);
  mirror.files.set('timestamp.json', Buffer.from('{}'));
  await assert.rejects(fetchTrust(t, environment, { afterHours: 2 }), { code: 'FORMAT_TUF' });
});

test('rotated keys are followed; the roots in between are asked for once', async (t) => {
  const { environment, mirror } = await setting(t);
  await fetchTrust(t, environment);
  const rotated = {
    ...mirror.keys,
    root: PrivateKey.generate('ed25519'),
    timestamp: PrivateKey.generate('ecdsa-p256'),
  };
  await mirror.advance('example.two', { ...rotated, previousRoot: mirror.keys.root });
  assert.equal(operatorOf(await fetchTrust(t, environment, { afterHours: 2 })), 'example.two');
  const asked = mirror.seen.length;
  assert.equal(operatorOf(await fetchTrust(t, environment, { afterHours: 4 })), 'example.two');
  assert.deepEqual(mirror.seen.slice(asked), ['GET /3.root.json', 'GET /timestamp.json']);
  assert.equal(operatorOf(await fetchTrust(t, environment, { offline: true })), 'example.two');
});

test('a damaged cache is fetched anew, whatever file it is', async (t) => {
  const { environment, cache, url } = await setting(t);
  await fetchTrust(t, environment);
  const folder = join(cache, cacheName(url));
  for (const name of ['root.json', 'timestamp.json', 'snapshot.json', 'targets.json', 'targets/trusted_root.json']) {
    for (const text of ['', '{', '{"signed":{"version":99}}']) {
      writeFileSync(join(folder, name), text);
      const trust = await fetchTrust(t, environment);
      assert.equal(Buffer.from(trust.trustedRoot).toString(), TRUSTED_ROOT, `${name}: ${text}`);
    }
  }
});

test('a root that is only in the cache is believed for a mirror of its own, never a stranger for a known one', async (t) => {
  const { environment, cache, mirror } = await setting(t);
  await fetchTrust(t, environment);
  const { TUF_MIRROR, TUF_ROOT } = environment as { TUF_MIRROR: string; TUF_ROOT: string };
  assert.equal(operatorOf(await fetchTrust(t, { TUF_MIRROR, TUF_ROOT })), 'example.com');
  // The public mirror's cache, filled by somebody: its own root is the embedded one, and stays it.
  const planted = join(cache, cacheName(PUBLIC_MIRROR));
  mkdirSync(planted);
  writeFileSync(join(planted, 'root.json'), mirror.rootJson);
  for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
    writeFileSync(join(planted, name.replace('1.', '')), mirror.bytes(name));
  }
  await assert.rejects(fetchTrust(t, { TUF_ROOT }, { offline: true, at: '2026-11-01T00:00:00Z' }), {
    code: 'TUF_SIGNATURE',
  });
});

test('a mirror without any root to start from is refused, and says what to do', async (t) => {
  const { environment, url } = await setting(t);
  const { TUF_ROOT } = environment as { TUF_ROOT: string };
  await assert.rejects(fetchTrust(t, { TUF_MIRROR: url, TUF_ROOT }), { code: 'USAGE_NO_TRUST' });
  await assert.rejects(fetchTrust(t, { TUF_MIRROR: url, TUF_ROOT, TUF_ROOT_JSON: '/none' }), { code: 'USAGE_FILE' });
});

test('mirrors that are no URL to fetch from are refused', async (t) => {
  const { environment } = await setting(t);
  for (const url of [
    '',
    'tuf',
    'ftp://tuf.example.com',
    'https://user:pw@tuf.example.com',
    'https://x/?a=b',
    'https://x/#a',
  ]) {
    if (url === '') continue;
    await assert.rejects(fetchTrust(t, { ...environment, TUF_MIRROR: url }), { code: 'USAGE_BAD_FLAG' }, url);
  }
});

test('a folder is a mirror too, offline as well', async (t) => {
  const { environment, mirror } = await setting(t);
  const files = { ...environment, TUF_MIRROR: pathToFileURL(mirror.dir).href };
  assert.equal(operatorOf(await fetchTrust(t, files, { offline: true })), 'example.com');
  assert.deepEqual(mirror.seen, []);
  rmSync(join(mirror.dir, 'timestamp.json'));
  await assert.rejects(fetchTrust(t, files, { afterHours: 2 }), { code: 'REMOTE_STATUS' });
  writeFileSync(join(mirror.dir, 'timestamp.json'), Buffer.alloc(20_000, ' '));
  await assert.rejects(fetchTrust(t, files, { afterHours: 2 }), { code: 'REMOTE_BODY' });
});

test('a cache that cannot be written is no reason to fail', async (t) => {
  const { environment } = await setting(t);
  const blocked = join(temporaryFolder(t), 'file');
  writeFileSync(blocked, '');
  assert.equal(operatorOf(await fetchTrust(t, { ...environment, TUF_ROOT: blocked })), 'example.com');
  assert.equal(readFileSync(blocked, 'utf8'), '');
});

test('an older run that ends later does not put its metadata over newer', async (t) => {
  const { mirror, cache, url } = await setting(t);
  const slow = await mirror.client(cache);
  await mirror.fetch(cache);
  const old = new Map([...mirror.files]);
  await mirror.advance('example.two');
  await mirror.fetch(cache);
  const newest = readFileSync(join(cache, cacheName(url), 'timestamp.json'));
  mirror.files.clear();
  for (const [name, bytes] of old) mirror.files.set(name, bytes);
  await slow.refresh();
  assert.deepEqual(readFileSync(join(cache, cacheName(url), 'timestamp.json')), newest);
});

test('runs at once in one process share a cache', async (t) => {
  const { environment, cache, url } = await setting(t);
  const runs = Array.from({ length: 20 }, async () => operatorOf(await fetchTrust(t, environment)));
  assert.deepEqual(new Set(await Promise.all(runs)), new Set(['example.com']));
  const client = mirrorCache(cache, url);
  assert.ok(client.read('timestamp.json') !== undefined);
});

test('processes at once share a cache, one of them killed while it writes', async (t) => {
  const { environment, cache, mirror } = await setting(t);
  const script = resolve(import.meta.dirname, 'fetch-trust-once.ts');
  const children = Array.from({ length: 6 }, () =>
    fork(script, { env: { ...process.env, ...environment }, silent: true }),
  );
  const exits = children.map(async (child) => ((await once(child, 'exit')) as [number | null])[0]);
  children[0]?.kill('SIGKILL');
  assert.deepEqual((await Promise.all(exits)).slice(1), [0, 0, 0, 0, 0]);
  const names = readdirSync(cache, { recursive: true, encoding: 'utf8' });
  assert.ok(names.some((name) => name.endsWith('trusted_root.json')));
  await mirror.advance('example.two');
  assert.equal(operatorOf(await fetchTrust(t, environment, { afterHours: 2 })), 'example.two');
});

test('initialising replaces what was trusted in one step, and removes only caches', async (t) => {
  const { environment, cache, url, mirror } = await setting(t);
  await fetchTrust(t, environment);
  writeFileSync(join(cache, 'thesis.doc'), '');
  mkdirSync(join(cache, 'photos'));
  const client = await mirror.client(undefined);
  await client.refresh();
  await new TrustCache(cache).initialize('https://other.example.com/tuf', client.files, new Date());
  assert.equal(new TrustCache(cache).initializedMirror(), 'https://other.example.com/tuf');
  const names = readdirSync(cache)
    .filter((name) => !name.startsWith('.'))
    .sort();
  assert.deepEqual(names, [
    'other.example.com-tuf',
    'other.example.com-tuf.json',
    'photos',
    'remote.json',
    'thesis.doc',
  ]);
  assert.ok(!names.includes(cacheName(url)));
});

test('a note of the mirror that does not parse is an error, not another instance', async (t) => {
  const cache = temporaryFolder(t);
  for (const text of ['', '{', '{}', '{"mirror":7}']) {
    writeFileSync(join(cache, 'remote.json'), text);
    await assert.rejects(fetchTrust(t, { TUF_ROOT: cache }), { code: 'USAGE_NO_TRUST' }, text);
  }
});

test('a folder that cannot be written stops an initialise', async (t) => {
  const { mirror } = await setting(t);
  const blocked = join(temporaryFolder(t), 'file');
  writeFileSync(blocked, '');
  const client = await mirror.client(undefined);
  await client.refresh();
  for (const folder of [blocked, join(blocked, 'root')]) {
    const initialised = new TrustCache(folder).initialize('https://tuf.example.com', client.files, new Date());
    await assert.rejects(initialised, { code: 'USAGE_FILE' });
  }
});

for (const [name, mirror] of [
  ['production', PUBLIC_MIRROR],
  ['staging', STAGING_MIRROR],
] as const) {
  test(`the embedded ${name} root is the published one, and signs itself`, async () => {
    const file = readFileSync(join(EMBEDDED, `${name}-root.json`));
    const checksum = createHash('sha256').update(file).digest('hex');
    assert.ok(readFileSync(join(EMBEDDED, 'README.md'), 'utf8').includes(checksum));
    const root = await embeddedRoot(mirror);
    assert.ok(root !== undefined);
    assert.deepEqual(JSON.parse(Buffer.from(root).toString()), JSON.parse(file.toString()));
    assert.ok(new TrustedMetadata(root, new Date()).rootVersion >= 14);
  });
}

test('no root is embedded for anybody else', async () => {
  for (const url of ['https://tuf.example.com', `${PUBLIC_MIRROR}.example.com`, `${PUBLIC_MIRROR}/`, '']) {
    assert.equal(await embeddedRoot(url), undefined, url);
  }
});
