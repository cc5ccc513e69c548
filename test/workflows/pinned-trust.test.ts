/** `--trust URL#SHA256`: one step to an instance, by the fingerprint of its root and nothing else. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { parsePinnedInstance } from '../../src/io/tuf/pinned-trust.ts';
import { resolveTrust, type ResolvedTrust, type TrustRequest } from '../../src/workflows/trust/trust-source.ts';
import { HostileMirror } from '../io/tuf/hostile-mirror.ts';
import { temporaryFolder } from '../servers/trust/repository.ts';

interface Setting {
  readonly mirror: HostileMirror;
  readonly url: string;
  readonly fingerprint: string;
  readonly home: string;
  readonly resolve: (flags: TrustRequest['flags'], offline?: boolean) => Promise<ResolvedTrust>;
}

async function setting(t: TestContext): Promise<Setting> {
  const mirror = await HostileMirror.create(t);
  const home = temporaryFolder(t);
  const clients: HttpClient[] = [];
  t.after(() => {
    for (const http of clients) http.close();
  });
  return {
    mirror,
    home,
    url: await mirror.url(),
    fingerprint: createHash('sha256').update(mirror.rootJson).digest('hex'),
    resolve: (flags, offline = false) => {
      const http = new HttpClient({ retry: { retries: 0 }, offline });
      clients.push(http);
      return resolveTrust({ flags, environment: { HOME: home }, configFolder: home, http, now: () => new Date() });
    },
  };
}

test('the root with the fingerprint is believed, kept, and enough offline from then on', async (t) => {
  const { url, fingerprint, mirror, resolve } = await setting(t);
  const trust = `${url}/#sha256:${fingerprint.toUpperCase()}`;
  await assert.rejects(resolve({ trust }, true), { code: 'REMOTE_OFFLINE' });
  const { signingConfig, source } = await resolve({ trust });
  assert.equal(signingConfig?.caUrls[0]?.operator, 'example.com');
  assert.equal(source, `the instance at ${url}`);
  mirror.files.clear();
  assert.equal((await resolve({ trust }, true)).signingConfig?.caUrls[0]?.operator, 'example.com');
});

test('another root than the one with the fingerprint is refused, whatever else is in order', async (t) => {
  const { url, fingerprint, home, mirror, resolve } = await setting(t);
  const other = await HostileMirror.create(t);
  await assert.rejects(resolve({ trust: `${await other.url()}#${fingerprint}` }), { code: 'DIGEST_MISMATCH' });
  mirror.files.set('1.root.json', Buffer.concat([mirror.rootJson, Buffer.from(' ')]));
  await assert.rejects(resolve({ trust: `${url}#${fingerprint}` }), { code: 'DIGEST_MISMATCH' });
  mirror.copy();
  await resolve({ trust: `${url}#${fingerprint}` });
  // What somebody put into the cache is held against the fingerprint again.
  writeFileSync(join(home, '.sigstore', 'root', 'pinned', fingerprint, 'pinned-root.json'), other.rootJson);
  assert.equal((await resolve({ trust: `${url}#${fingerprint}` })).signingConfig?.caUrls[0]?.operator, 'example.com');
});

test('it is the only source, and has its shape', async (t) => {
  const { url, fingerprint, resolve } = await setting(t);
  const trust = `${url}#${fingerprint}`;
  for (const other of [{ trustedRoot: 'root.json' }, { trustConfig: 'trust.json' }, { dir: '.' }]) {
    await assert.rejects(resolve({ trust, ...other }), { code: 'USAGE_BAD_FLAG' });
  }
  for (const text of [
    url,
    `${url}#`,
    `${url}#abc`,
    `${url}#${fingerprint}0`,
    `#${fingerprint}`,
    `ftp://a#${fingerprint}`,
    '',
  ]) {
    assert.throws(() => parsePinnedInstance(text), { code: 'USAGE_BAD_FLAG' }, text);
  }
});
