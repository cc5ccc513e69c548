/** Tags page by page, and referrers: what the API lists, filters, announces and forgets. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  OCI_INDEX,
  OCI_MANIFEST,
  digestOf,
  manifestJson,
  pushBlob,
  pushImage,
  send,
  startRegistry,
  type TestRegistry,
} from '../../support/registry-server.ts';

interface Listed {
  readonly digest: string;
  readonly artifactType?: string;
  readonly annotations?: Record<string, string>;
}

async function tagsAt(registry: TestRegistry, query = ''): Promise<{ tags: string[]; link: string | undefined }> {
  const { status, body, headers } = await send(registry, 'GET', `/v2/a/b/tags/list${query}`);
  assert.equal(status, 200, body.toString());
  const { name, tags } = JSON.parse(body.toString()) as { name: string; tags: string[] };
  assert.equal(name, 'a/b');
  return { tags, link: linkIn(headers['link']) };
}

function linkIn(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : /^<(.*)>; rel="next"$/.exec(String(header))?.[1];
}

async function referrersOf(registry: TestRegistry, digest: string, query = ''): Promise<Listed[]> {
  const { status, body, headers } = await send(registry, 'GET', `/v2/a/b/referrers/${digest}${query}`);
  assert.equal(status, 200);
  assert.equal(headers['content-type'], OCI_INDEX);
  const index = JSON.parse(body.toString()) as { schemaVersion: number; mediaType: string; manifests: Listed[] };
  assert.deepEqual([index.schemaVersion, index.mediaType], [2, OCI_INDEX]);
  return index.manifests;
}

function subject(digest: string): Record<string, unknown> {
  return { subject: { mediaType: OCI_MANIFEST, digest, size: manifestJson().length } };
}

test('tags come in order without regard to case, in pages that lead to the end', async (t) => {
  const registry = await startRegistry(t);
  const tags = ['1.0', '1.10', '1.9', 'a', 'B', 'b', 'c', 'Latest', 'z'];
  for (const tag of [...tags].reverse()) await pushImage(registry, 'a/b', tag);
  assert.deepEqual((await tagsAt(registry)).tags, tags);
  const seen: string[] = [];
  let query: string | undefined = '?n=2';
  while (query !== undefined) {
    const page = await tagsAt(registry, query);
    assert.ok(page.tags.length <= 2);
    seen.push(...page.tags);
    query = page.link?.slice('/v2/a/b/tags/list'.length);
  }
  assert.deepEqual(seen, tags);
  assert.deepEqual(await tagsAt(registry, `?n=${tags.length}`), { tags, link: undefined });
  assert.deepEqual(await tagsAt(registry, '?n=0'), { tags: [], link: undefined });
  assert.deepEqual(await tagsAt(registry, '?last=c'), { tags: ['Latest', 'z'], link: undefined });
  assert.deepEqual(await tagsAt(registry, '?last=d'), { tags: ['Latest', 'z'], link: undefined });
  assert.deepEqual(await tagsAt(registry, '?last=z&n=5'), { tags: [], link: undefined });
  assert.deepEqual((await tagsAt(registry, '?n=99999999999')).tags, tags);
  for (const n of ['-1', 'x', '1.5', '']) {
    assert.equal((await send(registry, 'GET', `/v2/a/b/tags/list?n=${n}`)).status, 400, n);
  }
});

test('a repository that was never pushed to is NAME_UNKNOWN; one without tags has none', async (t) => {
  const registry = await startRegistry(t);
  const answer = await send(registry, 'GET', '/v2/a/b/tags/list');
  assert.deepEqual([answer.status, answer.code], [404, 'NAME_UNKNOWN']);
  await pushImage(registry, 'a/b');
  assert.deepEqual((await tagsAt(registry)).tags, []);
  assert.equal((await send(registry, 'GET', '/v2/a/tags/list')).code, 'NAME_UNKNOWN', 'the parent is another one');
});

test('what has a subject is announced, listed with type and annotations, and forgotten when deleted', async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, 'a/b', 'v1');
  assert.deepEqual(await referrersOf(registry, image), []);
  await pushBlob(registry, 'a/b', '{}');
  const body = manifestJson({
    ...subject(image),
    artifactType: 'application/x.signature',
    annotations: { why: 'because' },
  });
  const answer = await send(registry, 'PUT', `/v2/a/b/manifests/${digestOf(body)}`, {
    headers: { 'content-type': OCI_MANIFEST },
    body,
  });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers['oci-subject'], image);
  const listed = {
    mediaType: OCI_MANIFEST,
    size: body.length,
    digest: digestOf(body),
    annotations: { why: 'because' },
    artifactType: 'application/x.signature',
  };
  assert.deepEqual(await referrersOf(registry, image), [listed]);
  await send(registry, 'PUT', `/v2/a/b/manifests/again`, { headers: { 'content-type': OCI_MANIFEST }, body });
  assert.deepEqual(await referrersOf(registry, image), [listed], 'once, however often it is pushed');
  assert.equal((await send(registry, 'DELETE', `/v2/a/b/manifests/${digestOf(body)}`)).status, 202);
  assert.deepEqual(await referrersOf(registry, image), []);
});

test('the type of a referrer is its own, else its config type, else none for an index', async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, 'a/b', 'v1');
  await pushImage(registry, 'a/b', 'own', { ...subject(image), artifactType: 'application/x.own' });
  await pushImage(registry, 'a/b', 'config', subject(image));
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], ...subject(image) });
  const answer = await send(registry, 'PUT', '/v2/a/b/manifests/index', {
    headers: { 'content-type': OCI_INDEX },
    body: index,
  });
  assert.equal(answer.headers['oci-subject'], image);
  const types = (await referrersOf(registry, image)).map(({ artifactType }) => artifactType);
  assert.deepEqual(new Set(types), new Set(['application/x.own', 'application/vnd.oci.empty.v1+json', undefined]));
});

test('the filter is applied, said to be, and exact', async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, 'a/b', 'v1');
  for (const [tag, artifactType] of [
    ['s1', 'application/x.signature'],
    ['s2', 'application/x.signature'],
    ['sbom', 'application/x.sbom+json'],
  ] as const) {
    await pushImage(registry, 'a/b', tag, { ...subject(image), artifactType, annotations: { tag } });
  }
  const path = `/v2/a/b/referrers/${image}`;
  const filtered = await send(registry, 'GET', `${path}?artifactType=application/x.signature`);
  assert.equal(filtered.headers['oci-filters-applied'], 'artifactType');
  assert.equal((await referrersOf(registry, image, '?artifactType=application/x.signature')).length, 2);
  assert.equal((await referrersOf(registry, image, '?artifactType=application%2Fx.sbom%2Bjson')).length, 1);
  assert.equal((await referrersOf(registry, image, '?artifactType=application/x.sign')).length, 0);
  assert.equal((await send(registry, 'GET', path)).headers['oci-filters-applied'], undefined);
  assert.equal((await referrersOf(registry, image)).length, 3);
});

test('referrers may come before their subject, and of what never was there is an empty list', async (t) => {
  const registry = await startRegistry(t);
  const image = digestOf(manifestJson());
  const early = await pushImage(registry, 'a/b', undefined, subject(image));
  assert.deepEqual(
    (await referrersOf(registry, image)).map(({ digest }) => digest),
    [early],
  );
  assert.deepEqual(await referrersOf(registry, digestOf('nothing')), []);
  const elsewhere = await send(registry, 'GET', `/v2/never/pushed/referrers/${image}`);
  assert.equal(elsewhere.status, 200, '404 would say that there is no such API');
  const bad = await send(registry, 'GET', '/v2/a/b/referrers/latest');
  assert.deepEqual([bad.status, bad.code], [400, 'DIGEST_INVALID']);
});

test('a list too long for one page continues in the next, with its filter', async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, 'a/b', 'v1');
  const artifactType = 'application/x.large';
  // Eight descriptors of 600 KiB do not fit into the 4 MiB that a manifest may have.
  const pushed = new Set<string>();
  for (let index = 0; index < 8; index++) {
    const annotations = { index: String(index), padding: 'x'.repeat(600 << 10) };
    pushed.add(await pushImage(registry, 'a/b', undefined, { ...subject(image), artifactType, annotations }));
  }
  const seen: string[] = [];
  let path: string | undefined = `/v2/a/b/referrers/${image}?artifactType=${artifactType}`;
  let pages = 0;
  while (path !== undefined) {
    const { body, headers } = await send(registry, 'GET', path);
    assert.ok(body.length <= 4 << 20);
    assert.equal(headers['oci-filters-applied'], 'artifactType');
    seen.push(...(JSON.parse(body.toString()) as { manifests: Listed[] }).manifests.map(({ digest }) => digest));
    path = linkIn(headers['link']);
    pages += 1;
  }
  assert.equal(pages, 2);
  assert.equal(seen.length, 8);
  assert.deepEqual(new Set(seen), pushed);
});

test('a stored referrer that was damaged makes the list fail: a signature is never left out in silence', async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, 'a/b', 'v1');
  await pushImage(registry, 'a/b', undefined, subject(image));
  const folder = join(registry.dir, 'repositories/a/b/_referrers', image.replace(':', '-'));
  writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), '{}');
  const answer = await send(registry, 'GET', `/v2/a/b/referrers/${image}`);
  assert.deepEqual([answer.status, answer.code], [500, 'UNKNOWN']);
  assert.equal(registry.failures.length, 1);
});
