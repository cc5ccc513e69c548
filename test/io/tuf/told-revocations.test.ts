/** What a mirror may do to the revocations that its repository tells: hold them back, replace them, freeze them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { encodeRevocationAuthority } from '../../../src/core/revocation/revocation-authority.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { resolveTrust, type ResolvedTrust } from '../../../src/workflows/trust/trust-source.ts';
import { instance, openRepository, temporaryFolder, TRUSTED_ROOT } from '../../servers/trust/repository.ts';
import type { TrustRepository } from '../../../src/servers/trust/trust-repository.ts';
import { encodeTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { Authority } from '../../support/revocations.ts';
import { HostileMirror } from './hostile-mirror.ts';

const MINUTE_MS = 60_000;
const people = new Authority(instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
const AUTHORITY = encodeRevocationAuthority(people.authority);

interface Setting {
  readonly mirror: HostileMirror;
  readonly publish: (version: number) => Promise<string>;
  readonly trust: (options?: { readonly afterMinutes?: number; readonly offline?: boolean }) => Promise<ResolvedTrust>;
}

async function setting(t: TestContext): Promise<Setting> {
  const mirror = await HostileMirror.create(t);
  const [cache, rootFile] = [join(temporaryFolder(t), 'root'), join(temporaryFolder(t), 'first.json')];
  writeFileSync(rootFile, mirror.rootJson);
  const environment = { TUF_MIRROR: await mirror.url(), TUF_ROOT: cache, TUF_ROOT_JSON: rootFile };
  let repository: TrustRepository | undefined;
  return {
    mirror,
    publish: async (version) => {
      repository ??= await openRepository(t, { dir: mirror.dir, keys: mirror.keys });
      const snapshot = await people.snapshot({ version });
      await repository.revocations.publish({ snapshot, authority: AUTHORITY, replacesAuthority: false });
      mirror.copy();
      return snapshot;
    },
    trust: ({ afterMinutes = 0, offline = false } = {}) => {
      const http = new HttpClient({ retry: { retries: 0 }, offline });
      t.after(() => {
        http.close();
      });
      const now = (): Date => new Date(Date.now() + afterMinutes * MINUTE_MS);
      return resolveTrust({ flags: {}, environment, configFolder: undefined, http, now });
    },
  };
}

test('a repository that tells none has none', async (t) => {
  const { trust, mirror } = await setting(t);
  const { revocations, instance: name } = await trust();
  assert.equal(revocations, undefined);
  assert.equal(name, await mirror.url());
});

test('authority and snapshot come with the trust, and each further reading asks the mirror anew', async (t) => {
  const { trust, publish } = await setting(t);
  const first = await publish(1);
  const { revocations, trustedRoot } = await trust();
  assert.equal(revocations?.authority, AUTHORITY);
  assert.equal(await revocations.read(), first);
  const second = await publish(2);
  assert.equal(await revocations.read(), second);
  assert.equal(encodeTrustedRoot(trustedRoot), TRUSTED_ROOT);
});

test('a mirror that tells revocations is asked again after a minute, one that does not after an hour', async (t) => {
  const { trust, publish, mirror } = await setting(t);
  await trust();
  const asked = mirror.seen.length;
  await trust({ afterMinutes: 50 });
  assert.equal(mirror.seen.length, asked);
  const first = await publish(1);
  assert.equal(await (await trust({ afterMinutes: 61 })).revocations?.read(), first);
  const second = await publish(2);
  assert.equal(await (await trust({ afterMinutes: 61.5 })).revocations?.read(), first);
  assert.equal(await (await trust({ afterMinutes: 63 })).revocations?.read(), second);
});

test('offline, the cache tells what the mirror told last', async (t) => {
  const { trust, publish } = await setting(t);
  const first = await publish(1);
  await (await trust()).revocations?.read();
  assert.equal(await (await trust({ offline: true })).revocations?.read(), first);
});

test('a snapshot that the mirror does not have is no snapshot, and the trust holds', async (t) => {
  const { trust, publish, mirror } = await setting(t);
  await publish(1);
  mirror.files.delete(mirror.named('.revocations.json'));
  const { revocations, trustedRoot } = await trust();
  assert.equal(encodeTrustedRoot(trustedRoot), TRUSTED_ROOT);
  await assert.rejects(async () => revocations?.read(), { code: 'REMOTE_STATUS' });
});

test('without the authority there is no trust: it belongs to it', async (t) => {
  const { trust, publish, mirror } = await setting(t);
  await publish(1);
  mirror.files.delete(mirror.named('.revocation-authority.json'));
  await assert.rejects(trust(), { code: 'REMOTE_STATUS' });
});

test('half a snapshot, or another one, is refused by its digest', async (t) => {
  const { trust, publish, mirror } = await setting(t);
  const first = await publish(1);
  const name = mirror.named('.revocations.json');
  for (const text of [first.slice(0, first.length / 2), await people.snapshot({ version: 9 }), '']) {
    mirror.files.set(name, Buffer.from(text));
    const { revocations } = await trust();
    await assert.rejects(
      async () => revocations?.read(),
      (error: { code?: string }) => ['TUF_MISMATCH', 'REMOTE_BODY'].includes(error.code ?? ''),
    );
  }
});

test('a mirror that is set back to what it told before is found out', async (t) => {
  const { trust, publish, mirror } = await setting(t);
  await publish(1);
  const before = new Map(mirror.files);
  await publish(2);
  const { revocations } = await trust();
  await revocations?.read();
  mirror.files.clear();
  for (const [name, bytes] of before) mirror.files.set(name, bytes);
  await assert.rejects(async () => revocations?.read(), { code: 'TUF_ROLLBACK' });
});

test('a mirror that is frozen ends with its timestamp', async (t) => {
  const { trust, publish } = await setting(t);
  await publish(1);
  await trust();
  await assert.rejects(trust({ afterMinutes: 60 * 24 * 8 }), { code: 'TRUST_STALE' });
});

test('a mirror that cannot be asked: the trust is had from the cache, news of revocations are not', async (t) => {
  const { trust, publish, mirror } = await setting(t);
  const first = await publish(1);
  const { revocations } = await trust();
  assert.equal(await revocations?.read(), first);
  for (const name of mirror.files.keys()) mirror.files.set(name, { status: 503 });
  await assert.rejects(async () => revocations?.read(), { code: 'REMOTE_STATUS' });
  assert.equal((await trust({ afterMinutes: 5 })).revocations?.authority, AUTHORITY);
});
