import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Digest } from '../../../src/core/image/digest.ts';
import { legacyTag, referrersTag } from '../../../src/core/image/attached-tag.ts';
import { parsePlatform, platformMatches } from '../../../src/core/image/platform.ts';
import { ImageReference, isRepository, parseReference, parseRepository } from '../../../src/core/image/reference.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

const HEX = 'a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4';
const DIGEST = `sha256:${HEX}`;

/** Text, what it means in full, and what the registry is asked for. */
const READ: readonly [string, string, string][] = [
  ['alpine', 'index.docker.io/library/alpine:latest', 'latest'],
  ['alpine:3.20', 'index.docker.io/library/alpine:3.20', '3.20'],
  ['docker.io/alpine', 'index.docker.io/library/alpine:latest', 'latest'],
  ['docker.io/a/b', 'index.docker.io/a/b:latest', 'latest'],
  ['index.docker.io/library/alpine', 'index.docker.io/library/alpine:latest', 'latest'],
  ['owner/app', 'index.docker.io/owner/app:latest', 'latest'],
  ['ghcr.io/owner/app:v1', 'ghcr.io/owner/app:v1', 'v1'],
  ['localhost/app', 'localhost/app:latest', 'latest'],
  ['localhost:5000/app', 'localhost:5000/app:latest', 'latest'],
  ['localhost:5000/app:tag', 'localhost:5000/app:tag', 'tag'],
  ['[::1]:5000/app', '[::1]:5000/app:latest', 'latest'],
  ['Registry/app', 'Registry/app:latest', 'latest'],
  ['r.test/a/b/c__d/e-f/g---h/i.j', 'r.test/a/b/c__d/e-f/g---h/i.j:latest', 'latest'],
  [`r.test/app@${DIGEST}`, `r.test/app@${DIGEST}`, DIGEST],
  [`r.test/app:v1@${DIGEST}`, `r.test/app:v1@${DIGEST}`, DIGEST],
  [`r.test/app:${'t'.repeat(128)}`, `r.test/app:${'t'.repeat(128)}`, 't'.repeat(128)],
];
for (const [text, full, identifier] of READ) {
  test(`${text.slice(0, 60)} is read`, () => {
    const reference = parseReference(text);
    assert.equal(reference.toString(), full);
    assert.equal(reference.identifier, identifier);
    assert.equal(parseReference(full).toString(), full);
  });
}

const REFUSED: readonly [string, string][] = [
  ['', 'FORMAT_REFERENCE'],
  ['/', 'FORMAT_REFERENCE'],
  ['r.test/', 'FORMAT_REFERENCE'],
  [':tag', 'FORMAT_REFERENCE'],
  ['app:', 'FORMAT_REFERENCE'],
  ['app:bad/tag', 'FORMAT_REFERENCE'],
  ['app:-tag', 'FORMAT_REFERENCE'],
  [`app:${'t'.repeat(129)}`, 'FORMAT_REFERENCE'],
  ['r.test/App', 'FORMAT_REFERENCE'],
  ['r.test/../etc', 'FORMAT_REFERENCE'],
  ['r.test/a/./b', 'FORMAT_REFERENCE'],
  ['r.test//a', 'FORMAT_REFERENCE'],
  ['r.test/a/', 'FORMAT_REFERENCE'],
  ['r.test/.a', 'FORMAT_REFERENCE'],
  ['r.test/a___b', 'FORMAT_REFERENCE'],
  ['r.test/a%2f..%2fb', 'FORMAT_REFERENCE'],
  ['r.test/a\\b', 'FORMAT_REFERENCE'],
  ['r.test/a b', 'FORMAT_REFERENCE'],
  ['r.test/a\n', 'FORMAT_REFERENCE'],
  ['r.test\n/a', 'FORMAT_REFERENCE'],
  ['user@r.test/a', 'FORMAT_DIGEST'],
  ['r.test:99999999/a', 'FORMAT_REFERENCE'],
  ['r.test:port/a', 'FORMAT_REFERENCE'],
  ['https://r.test/a', 'FORMAT_REFERENCE'],
  ['[::1/a', 'FORMAT_REFERENCE'],
  [`r.test/${'a/'.repeat(130)}a`, 'FORMAT_REFERENCE'],
  ['x'.repeat(100_000), 'FORMAT_REFERENCE'],
  ['r.test/app@', 'FORMAT_DIGEST'],
  [`r.test/app@sha256:${HEX.slice(1)}`, 'FORMAT_DIGEST'],
  [`r.test/app@sha256:${HEX.toUpperCase()}`, 'FORMAT_DIGEST'],
  [`r.test/app@md5:${HEX.slice(32)}`, 'FORMAT_DIGEST'],
  [`r.test/app@${DIGEST}@${DIGEST}`, 'FORMAT_DIGEST'],
];
for (const [text, code] of REFUSED) {
  test(`${JSON.stringify(text.slice(0, 60))} is ${code}`, () => {
    assert.throws(() => parseReference(text), { code });
  });
}

test('a capital in the repository is answered with the lower-case spelling', () => {
  assert.throws(
    () => parseReference('r.test/My/App:V1'),
    (error: SealwrightError) => error.facts.closest === 'r.test/my/app:V1',
  );
});

test('a reference moves to a digest or a tag within its repository', () => {
  const reference = parseReference('r.test/a:v1');
  assert.equal(reference.atDigest(Digest.parse(DIGEST)).toString(), `r.test/a@${DIGEST}`);
  assert.equal(reference.atTag('v2').toString(), 'r.test/a:v2');
  assert.equal(reference.context, 'r.test/a');
  assert.throws(() => reference.atTag('../v2'), { code: 'FORMAT_REFERENCE' });
  assert.throws(() => new ImageReference({ registry: 'a/b', repository: 'c' }), { code: 'FORMAT_REFERENCE' });
});

test('a repository alone has neither tag nor digest', () => {
  assert.deepEqual(parseRepository('localhost:5000/sigs'), { registry: 'localhost:5000', repository: 'sigs' });
  for (const text of ['r.test/a:v1', `r.test/a@${DIGEST}`, '']) {
    assert.throws(() => parseRepository(text), { code: 'FORMAT_REFERENCE' });
  }
});

test('a damaged reference is read or refused, never anything else', () => {
  for (const bytes of damaged(utf8(`localhost:5000/owner/app:v1.2@${DIGEST}`))) {
    const text = Buffer.from(bytes).toString('latin1');
    try {
      const { repository } = parseReference(text);
      assert.ok(isRepository(repository));
    } catch (error) {
      assert.ok(error instanceof SealwrightError, String(error));
    }
  }
});

test('digests compare, name content, and have one spelling', () => {
  const digest = Digest.of(utf8('{}'));
  assert.equal(digest.toString(), 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  assert.ok(digest.names(utf8('{}')));
  assert.ok(!digest.names(utf8('{} ')));
  assert.ok(digest.equals(Digest.fromBytes(digest.bytes)));
  assert.ok(!digest.equals(Digest.of(utf8('{}'), 'sha512')));
  assert.equal(JSON.stringify({ digest }), `{"digest":"${digest.toString()}"}`);
  assert.throws(() => Digest.fromBytes(new Uint8Array(31)), { code: 'FORMAT_DIGEST' });
  for (const text of [
    '',
    'sha256:',
    HEX,
    `SHA256:${HEX}`,
    `sha384:${'0'.repeat(96)}`,
    `${DIGEST}\n`,
    `sha512:${HEX}`,
  ]) {
    assert.throws(() => Digest.parse(text), { code: 'FORMAT_DIGEST' });
  }
});

test('attached tags', () => {
  assert.equal(referrersTag(Digest.parse(DIGEST)), `sha256-${HEX}`);
  assert.equal(referrersTag(Digest.parse(`sha512:${HEX}${HEX}`)), `sha512-${HEX}`);
  assert.equal(legacyTag(Digest.parse(DIGEST), 'sig'), `sha256-${HEX}.sig`);
});

test('platforms', () => {
  const arm = parsePlatform('linux/arm64/v8');
  assert.deepEqual(arm, { os: 'linux', architecture: 'arm64', variant: 'v8' });
  assert.ok(platformMatches(parsePlatform('linux/arm64'), arm));
  assert.ok(!platformMatches(parsePlatform('linux/arm64/v7'), arm));
  assert.ok(!platformMatches(parsePlatform('linux/amd64'), arm));
  assert.ok(!platformMatches(parsePlatform('windows/arm64'), arm));
  for (const text of ['', 'linux', 'linux/', '/amd64', 'a/b/c/d', 'linux amd64']) {
    assert.throws(() => parsePlatform(text), { code: 'FORMAT_REFERENCE' });
  }
});
