import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Updater } from 'tuf-js';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import type { TrustRepository } from '../../../src/servers/trust/trust-repository.ts';
import { damaged } from '../../support/damage.ts';
import { generateKeys, openRepository, signingConfig, temporaryFolder, TRUSTED_ROOT } from './repository.ts';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-06-01T12:00:00Z');
const days =
  (count: number): (() => Date) =>
  () =>
    new Date(NOW.getTime() + count * DAY_MS);

interface Signed {
  readonly version: number;
  readonly expires: string;
}

function signed(dir: string, name: string): Signed {
  return (JSON.parse(readFileSync(join(dir, name), 'utf8')) as { signed: Signed }).signed;
}

/** Newest versions: root, targets, snapshot from the names, timestamp from its content. */
function versions(dir: string): Record<string, number> {
  const newest = (role: string): number =>
    Math.max(0, ...readdirSync(dir).flatMap((name) => (name.endsWith(`.${role}.json`) ? [Number.parseInt(name)] : [])));
  return {
    root: newest('root'),
    targets: newest('targets'),
    snapshot: newest('snapshot'),
    timestamp: signed(dir, 'timestamp.json').version,
  };
}

/** What tuf-js, which knows nothing of us, makes of the repository when it starts from this root. */
async function fetchByTufJs(t: TestContext, repository: TrustRepository, rootJson: string): Promise<string[]> {
  const listening = await listen(repository.routes, { host: '127.0.0.1', port: 0 });
  t.after(() => listening.close(0));
  const cache = temporaryFolder(t);
  writeFileSync(join(cache, 'root.json'), rootJson);
  const updater = new Updater({
    metadataDir: cache,
    metadataBaseUrl: listening.url,
    targetDir: cache,
    targetBaseUrl: `${listening.url}/targets`,
  });
  await updater.refresh();
  const contents: string[] = [];
  for (const name of ['trusted_root.json', 'signing_config.v0.2.json']) {
    const target = await updater.getTargetInfo(name);
    assert.ok(target !== undefined, name);
    contents.push(readFileSync(await updater.downloadTarget(target), 'utf8'));
  }
  return contents;
}

for (const kind of ['ecdsa-p256', 'ed25519'] as const) {
  test(`a TUF client starts from the first root and gets both documents (${kind})`, async (t) => {
    const repository = await openRepository(t, { dir: join(temporaryFolder(t), 'tuf'), keys: generateKeys(kind) });
    assert.deepEqual(await fetchByTufJs(t, repository, repository.rootJson), [TRUSTED_ROOT, signingConfig()]);
  });
}

test('an empty folder that is there already will do; one with something else in it will not', async (t) => {
  const empty = join(temporaryFolder(t), 'tuf');
  mkdirSync(empty);
  await openRepository(t, { dir: empty, keys: generateKeys() });
  const full = join(temporaryFolder(t), 'tuf');
  mkdirSync(full);
  writeFileSync(join(full, 'thesis.doc'), '');
  await assert.rejects(openRepository(t, { dir: full, keys: generateKeys() }), { code: 'USAGE_FILE' });
  assert.deepEqual(readdirSync(full), ['thesis.doc']);
});

test('documents that no client could read are not published', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const bad = openRepository(t, { dir, keys: generateKeys(), signingConfig: '{}' });
  await assert.rejects(bad, { code: 'FORMAT_SIGNING_CONFIG' });
  assert.throws(() => readdirSync(dir));
});

test('a key of a kind that TUF has no name for is refused', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  await assert.rejects(openRepository(t, { dir, keys: generateKeys('ecdsa-p521') }), { code: 'USAGE_BAD_CONFIG' });
});

test('opening again changes nothing', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  const first = await openRepository(t, { dir, keys, now: days(0) });
  const before = readFileSync(join(dir, 'timestamp.json'));
  const second = await openRepository(t, { dir, keys, now: days(0.5) });
  assert.deepEqual(readFileSync(join(dir, 'timestamp.json')), before);
  assert.equal(second.rootJson, first.rootJson);
  assert.deepEqual(versions(dir), { root: 1, targets: 1, snapshot: 1, timestamp: 1 });
});

test('what is due is signed again: the timestamp daily, the rest at half its life', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  let clock = days(0);
  const repository = await openRepository(t, { dir, keys, now: () => clock() });
  for (const [day, expected] of [
    [0.9, { root: 1, targets: 1, snapshot: 1, timestamp: 1 }],
    [1, { root: 1, targets: 1, snapshot: 1, timestamp: 2 }],
    [1.5, { root: 1, targets: 1, snapshot: 1, timestamp: 2 }],
    [30, { root: 1, targets: 1, snapshot: 1, timestamp: 3 }],
    [184, { root: 1, targets: 1, snapshot: 1, timestamp: 4 }],
    [185, { root: 2, targets: 2, snapshot: 2, timestamp: 5 }],
    [900, { root: 3, targets: 3, snapshot: 3, timestamp: 6 }],
  ] as const) {
    clock = days(day);
    const response = await repository.routes.request('/timestamp.json');
    assert.equal(response.status, 200);
    assert.deepEqual(versions(dir), expected, `day ${day}`);
    const { expires } = ((await response.json()) as { signed: Signed }).signed;
    assert.ok(new Date(expires) > clock(), `day ${day}: expires ${expires}`);
  }
});

test('requests at the same moment sign once', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  let clock = days(0);
  const repository = await openRepository(t, { dir, keys: generateKeys(), now: () => clock() });
  clock = days(3);
  const texts = new Set(
    await Promise.all(
      Array.from({ length: 20 }, async () => (await repository.routes.request('/timestamp.json')).text()),
    ),
  );
  assert.equal(texts.size, 1);
  assert.equal(versions(dir)['timestamp'], 2);
});

test('other documents get new versions, and the old ones stay', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  const { rootJson } = await openRepository(t, { dir, keys });
  const names = readdirSync(join(dir, 'targets'));
  const next = await openRepository(t, { dir, keys, signingConfig: signingConfig('another.example.com') });
  assert.deepEqual(versions(dir), { root: 1, targets: 2, snapshot: 2, timestamp: 2 });
  for (const name of names) assert.equal((await next.routes.request(`/targets/${name}`)).status, 200);
  assert.equal((await next.routes.request('/1.targets.json')).status, 200);
  const contents = await fetchByTufJs(t, next, rootJson);
  assert.deepEqual(contents, [TRUSTED_ROOT, signingConfig('another.example.com')]);
});

for (const role of ['targets', 'snapshot', 'timestamp'] as const) {
  test(`another ${role} key: a new root names it, and clients follow`, async (t) => {
    const dir = join(temporaryFolder(t), 'tuf');
    const keys = generateKeys();
    const { rootJson } = await openRepository(t, { dir, keys });
    const rotated = { ...keys, [role]: PrivateKey.generate('ed25519') };
    const repository = await openRepository(t, { dir, keys: rotated });
    assert.equal(versions(dir)['root'], 2);
    assert.deepEqual(await fetchByTufJs(t, repository, rootJson), [TRUSTED_ROOT, signingConfig()]);
    assert.deepEqual(await fetchByTufJs(t, repository, readFileSync(join(dir, '2.root.json'), 'utf8')), [
      TRUSTED_ROOT,
      signingConfig(),
    ]);
  });
}

test('another root key: signed by the old one too, clients follow from any root', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  const { rootJson } = await openRepository(t, { dir, keys });
  const rotated = { ...keys, root: PrivateKey.generate('ecdsa-p256') };
  const repository = await openRepository(t, { dir, keys: { ...rotated, previousRoot: keys.root } });
  assert.equal(repository.rootJson, rootJson);
  assert.deepEqual(await fetchByTufJs(t, repository, rootJson), [TRUSTED_ROOT, signingConfig()]);
  const later = await openRepository(t, { dir, keys: rotated });
  assert.equal(versions(dir)['root'], 2);
  assert.deepEqual(await fetchByTufJs(t, later, readFileSync(join(dir, '2.root.json'), 'utf8')), [
    TRUSTED_ROOT,
    signingConfig(),
  ]);
});

test('a root key that nothing vouches for is refused, and nothing is written', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  await openRepository(t, { dir, keys });
  const before = readdirSync(dir, { recursive: true }).sort();
  const stranger = { ...keys, root: PrivateKey.generate('ecdsa-p256') };
  await assert.rejects(openRepository(t, { dir, keys: stranger }), { code: 'STATE_CORRUPT' });
  await assert.rejects(
    openRepository(t, { dir, keys: { ...stranger, previousRoot: PrivateKey.generate('ecdsa-p256') } }),
    { code: 'STATE_CORRUPT' },
  );
  assert.deepEqual(readdirSync(dir, { recursive: true }).sort(), before);
});

test('a crash between any two files leaves a repository that clients accept and that moves on', async (t) => {
  const keys = generateKeys();
  const dir = join(temporaryFolder(t), 'tuf');
  const { rootJson } = await openRepository(t, { dir, keys });
  const old = join(temporaryFolder(t), 'tuf');
  cpSync(dir, old, { recursive: true });
  await openRepository(t, { dir, keys, signingConfig: signingConfig('another.example.com') });
  const added = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !readdirSync(old, { recursive: true, encoding: 'utf8' }).includes(name),
  );
  // In the order in which they become durable; the timestamp is the last, and its loss is what makes the crash.
  const order = ['targets/', '2.targets.json', '2.snapshot.json'];
  const rank = (name: string): number => order.findIndex((prefix) => name.startsWith(prefix));
  added.sort((a, b) => rank(a) - rank(b));
  assert.equal(added.length, 3);
  for (let survived = 0; survived <= added.length; survived++) {
    const crashed = join(temporaryFolder(t), 'tuf');
    cpSync(old, crashed, { recursive: true });
    for (const name of added.slice(0, survived)) cpSync(join(dir, name), join(crashed, name));
    const kept = new Map(
      readdirSync(crashed)
        .filter((name) => /^\d/.test(name))
        .map((name) => [name, readFileSync(join(crashed, name), 'utf8')]),
    );
    const repository = await openRepository(t, {
      dir: crashed,
      keys,
      signingConfig: signingConfig('third.example.com'),
    });
    assert.deepEqual(await fetchByTufJs(t, repository, rootJson), [TRUSTED_ROOT, signingConfig('third.example.com')]);
    for (const [name, text] of kept) assert.equal(readFileSync(join(crashed, name), 'utf8'), text, name);
  }
});

test('a crash right after a root with another timestamp key is made good at the next start', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  const { rootJson } = await openRepository(t, { dir, keys });
  const before = readFileSync(join(dir, 'timestamp.json'));
  const rotated = { ...keys, timestamp: PrivateKey.generate('ecdsa-p256') };
  await openRepository(t, { dir, keys: rotated });
  // The root is there, the timestamp that it wants is not.
  writeFileSync(join(dir, 'timestamp.json'), before);
  const root = readFileSync(join(dir, '2.root.json'));
  const repository = await openRepository(t, { dir, keys: rotated });
  assert.deepEqual(readFileSync(join(dir, '2.root.json')), root);
  assert.deepEqual(versions(dir), { root: 2, targets: 1, snapshot: 1, timestamp: 2 });
  assert.deepEqual(await fetchByTufJs(t, repository, rootJson), [TRUSTED_ROOT, signingConfig()]);
});

test('what a crash left of a first attempt is thrown away', async (t) => {
  const parent = temporaryFolder(t);
  mkdirSync(join(parent, '.tuf.new'));
  writeFileSync(join(parent, '.tuf.new', '1.root.json'), 'half');
  await openRepository(t, { dir: join(parent, 'tuf'), keys: generateKeys() });
  assert.deepEqual(readdirSync(parent), ['tuf']);
});

for (const name of ['1.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json']) {
  test(`without ${name}, or with damage that shows, it does not start: versions may have been lost`, async (t) => {
    const keys = generateKeys();
    const dir = join(temporaryFolder(t), 'tuf');
    await openRepository(t, { dir, keys });
    await openRepository(t, { dir, keys, signingConfig: signingConfig('another.example.com') });
    const good = readFileSync(join(dir, name));
    rmSync(join(dir, name));
    await assert.rejects(openRepository(t, { dir, keys }), { code: 'STATE_CORRUPT' });
    let cut = 0;
    for (const bytes of damaged(good)) {
      // Every 40th truncation; a flipped bit may leave JSON that parses, and is then signed again.
      if (bytes.length === good.length) break;
      if (cut++ % 40 !== 0 || bytes.length === good.length - 1) continue;
      writeFileSync(join(dir, name), bytes);
      await assert.rejects(openRepository(t, { dir, keys }), { code: 'STATE_CORRUPT' }, `${bytes.length} bytes`);
    }
  });
}

test('only published names are served', async (t) => {
  const dir = join(temporaryFolder(t), 'tuf');
  const repository = await openRepository(t, { dir, keys: generateKeys() });
  const status = async (path: string): Promise<number> => (await repository.routes.request(path)).status;
  assert.equal(await status('/root.json'), 200);
  assert.equal(await status('/1.root.json'), 200);
  writeFileSync(join(dir, 'secret.json'), '{}');
  writeFileSync(join(dir, 'targets', 'secret.json'), '{}');
  for (const path of [
    '/2.root.json',
    '/0.root.json',
    '/01.root.json',
    '/99999999999.root.json',
    '/1.timestamp.json',
    '/snapshot.json',
    '/secret.json',
    '/targets/secret.json',
    '/targets/trusted_root.json',
    `/targets/${'0'.repeat(64)}.trusted_root.json`,
    '/..%2fkeys%2froot.pem',
    '/targets/..%2f1.root.json',
    '/',
  ]) {
    assert.equal(await status(path), 404, path);
  }
});

test('metadata that changes is not to be kept, and what never changes is', async (t) => {
  const repository = await openRepository(t, { dir: join(temporaryFolder(t), 'tuf'), keys: generateKeys() });
  const policy = async (path: string): Promise<string | null> =>
    (await repository.routes.request(path)).headers.get('cache-control');
  assert.equal(await policy('/timestamp.json'), 'no-cache');
  assert.equal(await policy('/root.json'), 'no-cache');
  assert.match((await policy('/1.snapshot.json')) ?? '', /immutable/);
  assert.equal(await policy('/2.root.json'), null);
});
