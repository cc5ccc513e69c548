/** Real clients initialise from our trust root: cosign (go-tuf) and sigstore-python (python-tuf). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { encodeRevocationAuthority } from '../../../src/core/revocation/revocation-authority.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { KeyKind } from '../../../src/core/crypto/public-key.ts';
import { createApp } from '../../../src/servers/shell/app.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import type { UpkeepKeys } from '../../../src/servers/trust/repository-upkeep.ts';
import { interop } from '../../support/interop.ts';
import { Authority } from '../../support/revocations.ts';
import { generateKeys, instance, openRepository, signingConfig, temporaryFolder, TRUSTED_ROOT } from './repository.ts';

const run = promisify(execFile);

interface Mirror {
  readonly url: string;
  readonly dir: string;
  readonly rootFile: string;
}

/** Served below `/tuf`, as a stack does it. */
async function serve(
  t: TestContext,
  keys: UpkeepKeys,
  dir: string,
  signing = signingConfig(),
  tellsRevocations = false,
): Promise<Mirror> {
  const repository = await openRepository(t, { dir, keys, signingConfig: signing });
  if (tellsRevocations) {
    const people = new Authority(instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
    const authority = encodeRevocationAuthority(people.authority);
    await repository.revocations.publish({ snapshot: await people.snapshot({}), authority, replacesAuthority: false });
  }
  const app = createApp();
  app.route('/tuf', repository.routes);
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  t.after(() => listening.close(0));
  const rootFile = join(temporaryFolder(t), 'root.json');
  writeFileSync(rootFile, repository.rootJson);
  return { url: `${listening.url}/tuf`, dir, rootFile };
}

async function initialize(cosign: string, cache: string, mirror: Mirror, root = mirror.rootFile): Promise<string> {
  const checksum = createHash('sha256').update(readFileSync(mirror.rootFile)).digest('hex');
  const { stdout, stderr } = await run(
    cosign,
    ['initialize', '--mirror', mirror.url, '--root', root, '--root-checksum', checksum],
    { env: { PATH: process.env['PATH'], HOME: cache, TUF_ROOT: join(cache, 'root') } },
  );
  return `${stdout}${stderr}`;
}

/** The one folder of a mirror in cosign's cache. */
function cached(cache: string, name: string): string {
  const root = join(cache, 'root');
  const [folder = ''] = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
  return readFileSync(join(root, folder, name), 'utf8');
}

for (const kind of ['ecdsa-p256', 'ed25519'] satisfies KeyKind[]) {
  interop(
    'cosign',
    'sealwright → peer',
    `trust root (${kind}): initialize fetches both documents`,
    async (t, cosign) => {
      const cache = temporaryFolder(t);
      const mirror = await serve(t, generateKeys(kind), join(temporaryFolder(t), 'tuf'));
      assert.equal(await initialize(cosign, cache, mirror), '');
      assert.equal(cached(cache, 'targets/trusted_root.json'), TRUSTED_ROOT);
      assert.equal(cached(cache, 'targets/signing_config.v0.2.json'), signingConfig());
    },
  );
}

interop('cosign', 'sealwright → peer', 'trust root: follows rotated keys and new documents', async (t, cosign) => {
  const cache = temporaryFolder(t);
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  const first = await serve(t, keys, dir);
  await initialize(cosign, cache, first);
  const rotated = {
    ...keys,
    root: PrivateKey.generate('ecdsa-p256'),
    timestamp: PrivateKey.generate('ed25519'),
    previousRoot: keys.root,
  };
  const second = await serve(t, rotated, dir, signingConfig('another.example.com'));
  assert.equal(await initialize(cosign, cache, { ...second, rootFile: first.rootFile }), '');
  assert.equal(cached(cache, 'targets/signing_config.v0.2.json'), signingConfig('another.example.com'));
  assert.match(cached(cache, 'root.json'), /"version": 2/);
});

interop(
  'cosign',
  'sealwright → peer',
  'trust root: initialize reads one that tells what is revoked',
  async (t, cosign) => {
    const cache = temporaryFolder(t);
    const mirror = await serve(t, generateKeys(), join(temporaryFolder(t), 'tuf'), signingConfig(), true);
    assert.equal(await initialize(cosign, cache, mirror), '');
    assert.equal(cached(cache, 'targets/trusted_root.json'), TRUSTED_ROOT);
    assert.match(cached(cache, 'targets.json'), /"revocations\.json"/);
  },
);

interop('cosign', 'sealwright → peer', 'trust root: refuses a root of somebody else', async (t, cosign) => {
  const cache = temporaryFolder(t);
  const mirror = await serve(t, generateKeys(), join(temporaryFolder(t), 'tuf'));
  const other = await serve(t, generateKeys(), join(temporaryFolder(t), 'tuf'));
  await assert.rejects(initialize(cosign, cache, { ...mirror, rootFile: other.rootFile }));
  assert.ok(!existsSync(join(cache, 'root', 'targets', 'trusted_root.json')));
});

interop('sigstore-python', 'sealwright → peer', 'trust root: trust-instance, then an update', async (t, sigstore) => {
  const home = temporaryFolder(t);
  const dir = join(temporaryFolder(t), 'tuf');
  const keys = generateKeys();
  const mirror = await serve(t, keys, dir, signingConfig(), true);
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CACHE_HOME: join(home, 'cache'),
  };
  const sigstorePython = (...args: readonly string[]): Promise<unknown> =>
    run(sigstore, ['--instance', mirror.url, ...args], { env });
  await sigstorePython('trust-instance', mirror.rootFile);
  await sigstorePython('plumbing', 'update-trust-root');
  const names = readdirSync(join(home, 'cache'), { recursive: true, encoding: 'utf8' });
  const found = names.find((name) => name.endsWith('trusted_root.json'));
  assert.ok(found !== undefined, names.join(', '));
  assert.equal(readFileSync(join(home, 'cache', found), 'utf8'), TRUSTED_ROOT);
});
