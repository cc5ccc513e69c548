/** What is revoked, as a target of the trust root: nothing goes out that says less than before, or that clients would refuse. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Updater } from 'tuf-js';
import { encodeRevocationAuthority } from '../../../src/core/revocation/revocation-authority.ts';
import { verifySnapshot } from '../../../src/core/revocation/revocation-snapshot.ts';
import { REVOCATION_AUTHORITY_TARGET, REVOCATIONS_TARGET } from '../../../src/core/revocation/trust-root-targets.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import type { UpkeepKeys } from '../../../src/servers/trust/repository-upkeep.ts';
import type { TrustRepository } from '../../../src/servers/trust/trust-repository.ts';
import { Authority, revocation } from '../../support/revocations.ts';
import { generateKeys, instance, openRepository, temporaryFolder } from './repository.ts';

const QUORUM = { narrow: 1, broad: 1, relaxing: 1 };
const people = new Authority(instance, ['ann'], QUORUM);
const AUTHORITY = encodeRevocationAuthority(people.authority);
const [FIRST, SECOND] = [
  people.sign(revocation({ key: 'a'.repeat(64) }), ['ann']),
  people.sign(revocation({ key: 'b'.repeat(64) }), ['ann']),
];
const KEEP = { authority: AUTHORITY, replacesAuthority: false };

interface Setting {
  readonly dir: string;
  readonly keys: UpkeepKeys;
  readonly repository: TrustRepository;
}

async function setting(t: TestContext): Promise<Setting> {
  const [dir, keys] = [join(temporaryFolder(t), 'tuf'), generateKeys()];
  return { dir, keys, repository: await openRepository(t, { dir, keys }) };
}

/** What tuf-js, which knows nothing of us, gets from the first root on. */
async function fetched(t: TestContext, repository: TrustRepository, name: string): Promise<string | undefined> {
  const listening = await listen(repository.routes, { host: '127.0.0.1', port: 0 });
  t.after(() => listening.close(0));
  const cache = temporaryFolder(t);
  writeFileSync(join(cache, 'root.json'), repository.rootJson);
  const base = { metadataDir: cache, metadataBaseUrl: listening.url };
  const updater = new Updater({ ...base, targetDir: cache, targetBaseUrl: `${listening.url}/targets` });
  await updater.refresh();
  const target = await updater.getTargetInfo(name);
  return target === undefined ? undefined : readFileSync(await updater.downloadTarget(target), 'utf8');
}

test('another TUF client finds the snapshot and its authority from the root alone, and the newer one after the next', async (t) => {
  const { repository } = await setting(t);
  assert.equal(await fetched(t, repository, REVOCATIONS_TARGET), undefined);
  const first = await people.snapshot({ statements: [FIRST] });
  assert.deepEqual(await repository.revocations.publish({ ...KEEP, snapshot: first }), { version: 1, isNews: true });
  assert.equal(await fetched(t, repository, REVOCATIONS_TARGET), first);
  assert.equal(await fetched(t, repository, REVOCATION_AUTHORITY_TARGET), AUTHORITY);
  assert.notEqual(await fetched(t, repository, 'trusted_root.json'), undefined);
  const second = await people.snapshot({ version: 2, statements: [FIRST, SECOND] });
  await repository.revocations.publish({ snapshot: second, replacesAuthority: false });
  assert.equal(await fetched(t, repository, REVOCATIONS_TARGET), second);
});

test('the same again is no news, and no version', async (t) => {
  const { repository, dir } = await setting(t);
  const snapshot = await people.snapshot({ statements: [FIRST] });
  await repository.revocations.publish({ ...KEEP, snapshot });
  const before = readdirSync(dir).length;
  assert.deepEqual(await repository.revocations.publish({ ...KEEP, snapshot }), { version: 1, isNews: false });
  assert.equal(readdirSync(dir).length, before);
});

test('what was published outlives the process, and former contents do not pile up', async (t) => {
  const { repository, dir, keys } = await setting(t);
  for (const version of [1, 2, 3, 4, 5]) {
    const snapshot = await people.snapshot({ version, statements: [FIRST] });
    await repository.revocations.publish({ ...KEEP, snapshot });
  }
  const there = readdirSync(join(dir, 'targets')).filter((name) => name.endsWith(`.${REVOCATIONS_TARGET}`));
  assert.equal(there.length, 2);
  await repository.close();
  const again = await openRepository(t, { dir, keys });
  assert.deepEqual(again.revocations.documents, repository.revocations.documents);
  const older = await people.snapshot({ version: 4, statements: [FIRST] });
  await assert.rejects(again.revocations.publish({ ...KEEP, snapshot: older }), { code: 'REVOCATIONS_OLDER' });
});

test('cut short at any step, a publication is there whole or not at all, and the next one comes after both', async (t) => {
  const { repository, dir, keys } = await setting(t);
  const first = await people.snapshot({ statements: [FIRST] });
  await repository.revocations.publish({ ...KEEP, snapshot: first });
  const before = new Set(readdirSync(dir, { recursive: true, encoding: 'utf8' }));
  const timestamp = readFileSync(join(dir, 'timestamp.json'));
  const second = await people.snapshot({ version: 2, statements: [FIRST, SECOND] });
  await repository.revocations.publish({ ...KEEP, snapshot: second });
  await repository.close();
  const added = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => !before.has(name));
  assert.ok(added.length >= 3, added.join());
  // In the order in which they become durable; the timestamp is what makes them seen.
  for (let count = 0; count <= added.length; count++) {
    const copy = join(temporaryFolder(t), 'tuf');
    cpSync(dir, copy, { recursive: true, filter: (path) => !added.slice(count).some((name) => path.endsWith(name)) });
    writeFileSync(join(copy, 'timestamp.json'), timestamp);
    const cut = await openRepository(t, { dir: copy, keys });
    assert.equal(await fetched(t, cut, REVOCATIONS_TARGET), first, String(count));
    await cut.revocations.publish({ ...KEEP, snapshot: second });
    assert.equal(await fetched(t, cut, REVOCATIONS_TARGET), second, String(count));
  }
});

test('a published snapshot that was changed or removed on the disk stops the repository', async (t) => {
  for (const damage of ['changed', 'removed'] as const) {
    const { repository, dir, keys } = await setting(t);
    await repository.revocations.publish({ ...KEEP, snapshot: await people.snapshot({ statements: [FIRST] }) });
    await repository.close();
    const [name = ''] = readdirSync(join(dir, 'targets')).filter((file) => file.endsWith(`.${REVOCATIONS_TARGET}`));
    const path = join(dir, 'targets', name);
    if (damage === 'changed') writeFileSync(path, `${readFileSync(path, 'utf8')} `);
    else rmSync(path);
    await assert.rejects(openRepository(t, { dir, keys }), { code: 'STATE_CORRUPT' });
  }
});

const stranger = new Authority(instance, ['eve'], QUORUM);
const both = new Authority(instance, ['ben'], QUORUM);
/** Ann's statements stand under it, and Ben may add to them. */
const WIDER = { ...both.authority, members: [...people.authority.members, ...both.authority.members] };

const REFUSED: readonly (readonly [name: string, code: string, publication: () => Promise<object>])[] = [
  [
    'forged by a key of nobody',
    'SIGNATURE_INVALID',
    async () => ({ snapshot: await people.snapshot({ version: 3 }, PrivateKey.generate('ecdsa-p256')) }),
  ],
  [
    'older',
    'REVOCATIONS_OLDER',
    async () => ({ snapshot: await people.snapshot({ version: 1, statements: [FIRST] }) }),
  ],
  [
    'another one of the same version',
    'REVOCATIONS_CONFLICT',
    async () => ({ snapshot: await people.snapshot({ version: 2, statements: [FIRST] }) }),
  ],
  [
    'a statement less',
    'REVOCATIONS_CONFLICT',
    async () => ({ snapshot: await people.snapshot({ version: 3, statements: [SECOND] }) }),
  ],
  [
    'a statement of a stranger',
    'KEY_MISMATCH',
    async () => ({
      snapshot: await people.snapshot({
        version: 3,
        statements: [FIRST, SECOND, stranger.sign(revocation({ key: 'c'.repeat(64) }), ['eve'])],
      }),
    }),
  ],
  ['no snapshot', 'FORMAT_REVOCATION', () => Promise.resolve({ snapshot: '{}' })],
  ['no authority', 'FORMAT_REVOCATION', () => Promise.resolve({ snapshot: '{}', authority: '{}' })],
  [
    'another authority, unasked',
    'USAGE_WOULD_OVERWRITE',
    async () => ({
      snapshot: await stranger.snapshot({ version: 3 }),
      authority: encodeRevocationAuthority(stranger.authority),
    }),
  ],
  [
    'another authority that forgets what was revoked',
    'REVOCATIONS_CONFLICT',
    async () => ({
      snapshot: await stranger.snapshot({ version: 3 }),
      authority: encodeRevocationAuthority(stranger.authority),
      replacesAuthority: true,
    }),
  ],
  [
    'another authority by whom the statements do not stand',
    'KEY_MISMATCH',
    async () => ({
      snapshot: await stranger.snapshot({ version: 3, statements: [FIRST, SECOND] }),
      authority: encodeRevocationAuthority(stranger.authority),
      replacesAuthority: true,
    }),
  ],
];

for (const [name, code, publication] of REFUSED) {
  test(`refused, and what was there stays: ${name}`, async (t) => {
    const { repository } = await setting(t);
    const snapshot = await people.snapshot({ version: 2, statements: [FIRST, SECOND] });
    await repository.revocations.publish({ ...KEEP, snapshot });
    const wanted = { replacesAuthority: false, snapshot: '', ...(await publication()) };
    await assert.rejects(repository.revocations.publish(wanted), { code });
    assert.equal(await fetched(t, repository, REVOCATIONS_TARGET), snapshot);
  });
}

test('the first snapshot needs somebody who may revoke', async (t) => {
  const { repository } = await setting(t);
  const publication = { snapshot: await people.snapshot({}), replacesAuthority: false };
  await assert.rejects(repository.revocations.publish(publication), { code: 'USAGE_BAD_CONFIG' });
});

test('an authority that takes the place of another keeps what was revoked', async (t) => {
  const { repository } = await setting(t);
  await repository.revocations.publish({ ...KEEP, snapshot: await people.snapshot({ statements: [FIRST] }) });
  const authority = encodeRevocationAuthority(WIDER);
  const snapshot = await both.snapshot({
    version: 2,
    statements: [FIRST, both.sign(revocation({ key: 'd'.repeat(64) }), ['ben'])],
  });
  await repository.revocations.publish({ snapshot, authority, replacesAuthority: true });
  const told = repository.revocations.documents;
  const known = verifySnapshot(told?.snapshot ?? '', { authority: WIDER, trustedRoot: instance.trustedRoot });
  assert.equal(known.history.inForce.length, 2);
});
