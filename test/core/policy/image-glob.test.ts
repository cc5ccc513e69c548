import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../../../src/core/image/reference.ts';
import { ImageGlob, repositoryGlob } from '../../../src/core/policy/document/image-glob.ts';

const HEX = 'ab12'.repeat(16);
const AT = `@sha256:${HEX}`;

/** policy-controller's rules (defaults, anchors, stars that stop at slashes), as an offline tester meets them. */
const TEXTS: readonly (readonly [image: string, glob: string, matches: boolean])[] = [
  ['foo', 'index.docker.io/library/*', true],
  ['foo', 'index.docker.io/library/foo:latest', true],
  ['foo', 'inde**', true],
  ['foo', 'foo*', true], // the text as typed
  ['foo', '*', true], // Docker Hub's official images
  ['team/app', '*', false],
  ['team/app', '*/*', true],
  ['team/app:2', 'team/app:*', true], // the text as typed
  ['ghcr.io/foo', 'ghcr.io/*/*', false],
  ['ghcr.io/foo', '*/**', true],
  ['ghcr.io/team/app', 'ghcr.io/*/*', true],
  ['ghcr.io/team/deep/app', 'ghcr.io/*/*', false],
  ['ghcr.io/team/deep/app', 'ghcr.io/**/app:latest', true],
  ['prefix-ghcr.io/foo', 'ghcr.io/foo', false],
  ['ghcr.io/foo-suffix', 'ghcr.io/foo', false],
  ['ghcrxio/foo', 'ghcr.io/**', false],
  ['docker.io/library/foo', 'index.docker.io/library/*', true],
];

for (const [image, glob, matches] of TEXTS) {
  test(`${glob} ${matches ? 'matches' : 'does not match'} ${image}`, () => {
    assert.equal(ImageGlob.parse(glob).matchesText(image), matches);
  });
}

/** At admission an image is at a digest, and prints without its tag. */
const PINNED: readonly (readonly [image: string, glob: string, matches: boolean])[] = [
  [`localhost:1338/k1${AT}`, 'localhost:1338/k1', false],
  [`localhost:1338/k1${AT}`, 'localhost:1338/k1@*', true],
  [`localhost:1338/k1:v1${AT}`, 'localhost:1338/k1@*', true],
  [`localhost:1338/k1:v1${AT}`, 'localhost:1338/k1:*', false],
  [`localhost:1338/k1${AT}`, `localhost:1338/k1${AT}`, true],
  [`localhost:1338/k1${AT}`, `localhost:1338/k1@sha256:${'0'.repeat(64)}`, false],
  [`nginx${AT}`, 'nginx*', false],
  [`nginx${AT}`, '*', true],
  [`r.example.com/a/b${AT}`, 'r.example.com/**', true],
  [`r.example.com/a/b${AT}`, 'r.example.com/*', false],
];

for (const [image, glob, matches] of PINNED) {
  test(`${glob} ${matches ? 'matches' : 'does not match'} ${image.slice(0, 40)}… at admission`, () => {
    assert.equal(ImageGlob.parse(glob).matches(parseReference(image)), matches);
  });
}

for (const text of [
  '.+',
  '[a-z]*',
  '[a]*',
  '[::1',
  '[::g]/a',
  '**[::1]/a',
  '[::1]/[::1]',
  'a?',
  'a b',
  '',
  'ä',
  'a\n',
  'a'.repeat(1025),
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no glob`, () => {
    assert.throws(() => ImageGlob.parse(text), { code: 'FORMAT_POLICY' });
  });
}

test('a text that is no image is refused, whatever the glob', () => {
  assert.throws(() => ImageGlob.parse('**').matchesText('invalid&name'), { code: 'FORMAT_REFERENCE' });
});

test('coverage is known before the digest is, unless the glob spells out a part of it', () => {
  const repository = parseReference('r.example.com/shop/app:1');
  const coverage = (glob: string): string => ImageGlob.parse(glob).coverage(repository);
  assert.equal(coverage('r.example.com/**'), 'always');
  assert.equal(coverage('r.example.com/shop/app@*'), 'always');
  assert.equal(coverage('r.example.com/shop/*'), 'always');
  assert.equal(coverage('r.example.com/other/**'), 'never');
  assert.equal(coverage('r.example.com/shop/app:1'), 'never');
  assert.equal(coverage(`r.example.com/shop/app${AT}`), 'depends');
  assert.equal(coverage('r.example.com/shop/app@sha256:ab*'), 'depends');
  assert.equal(coverage('r.example.com/shop/app@sha256:xy*'), 'never');
});

test('a glob that can never match says why', () => {
  const futility = (glob: string): string | undefined => ImageGlob.parse(glob).futility;
  assert.match(futility('r.example.com/app:*') ?? '', /@\*/);
  assert.match(futility('r.example.com/app:v1') ?? '', /digest/);
  assert.match(futility('r.example.com/app') ?? '', /digest/);
  assert.match(futility('nginx*') ?? '', /registry/);
  assert.match(futility('team/app@*') ?? '', /registry/);
  assert.match(futility('docker.io/library/**') ?? '', /index\.docker\.io/);
  for (const fine of [
    '**',
    '*',
    '*/*',
    '*/**',
    'localhost/x@*',
    'r.example.com/**',
    'ghcr.io/*/*',
    `a.b/c${AT}`,
    '**x*',
  ])
    assert.equal(futility(fine), undefined, fine);
});

test('a glob full of stars costs no more than its length times the length of the name', () => {
  const glob = ImageGlob.parse('**a'.repeat(300));
  assert.equal(glob.matchesText(`r.example.com/${'a'.repeat(200)}`), false);
});

test('the glob of a repository matches all its versions and nothing else', () => {
  const glob = ImageGlob.parse(repositoryGlob(parseReference('127.0.0.1:5080/shop/app:1')));
  assert.equal(glob.matches(parseReference(`127.0.0.1:5080/shop/app${AT}`)), true);
  assert.equal(glob.matches(parseReference(`127.0.0.1:5080/shop/app/x${AT}`)), false);
  assert.equal(glob.matches(parseReference(`127.0.0.1:5080/shop/app2${AT}`)), false);
  assert.equal(glob.futility, undefined);
});

test('a registry that is an IPv6 address has its glob, which matches that address alone', () => {
  const image = parseReference(`[::1]:5080/shop/app${AT}`);
  const glob = ImageGlob.parse(repositoryGlob(image));
  assert.equal(glob.text, '[::1]:5080/shop/app@*');
  assert.equal(glob.matches(image), true);
  assert.equal(glob.matches(parseReference(`[::2]:5080/shop/app${AT}`)), false);
  assert.equal(glob.futility, undefined);
  assert.equal(glob.coverage(image), 'always');
  assert.equal(ImageGlob.parse('[2001:db8::1]/**').matches(parseReference(`[2001:db8::1]/a${AT}`)), true);
});
