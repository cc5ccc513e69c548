import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfileImages } from '../../../src/core/image/dockerfile-images.ts';

const FILES: readonly (readonly [what: string, text: string, images: readonly string[], base: string | undefined])[] = [
  ['one stage', 'FROM alpine:3\nRUN true', ['alpine:3'], 'alpine:3'],
  ['lower case, a platform, a stage', 'from --platform=linux/amd64 golang as Build\nFROM build', ['golang'], 'golang'],
  ['scratch', 'FROM golang AS b\nFROM scratch\nCOPY --from=b /a /a', ['golang'], undefined],
  ['another image to copy from', 'FROM a\nCOPY --chown=1 --from=b/c:1 /x /y', ['a', 'b/c:1'], 'a'],
  ['a stage by its number', 'FROM a\nFROM b\nCOPY --from=0 /x /y', ['a', 'b'], 'b'],
  ['a mount', 'FROM a\nRUN --mount=type=bind,from=tools:1,target=/t make', ['a', 'tools:1'], 'a'],
  ['an argument', 'ARG V=3\nFROM alpine:${V}', ['alpine:3'], 'alpine:3'],
  ['an assumed value', 'FROM ${R:-docker.io}/a:${V:-1}', ['docker.io/a:1'], 'docker.io/a:1'],
  ['a value if set', 'ARG D=x\nFROM a${D:+-debug}', ['a-debug'], 'a-debug'],
  ['the environment', 'ARG BASE\nFROM $BASE', ['from.env/a'], 'from.env/a'],
  ['ENV, both forms', 'ENV A=1 B="2"\nENV C 3\nFROM x:$A.$B.$C', ['x:1.2.3'], 'x:1.2.3'],
  ['lines joined, with a comment between', 'FROM \\\n# which one\n  alpine:3', ['alpine:3'], 'alpine:3'],
  ['another escape', '# escape=`\nFROM `\n alpine', ['alpine'], 'alpine'],
  ['a here-document', 'FROM a\nRUN <<EOF\nFROM evil\nEOF\nCOPY --from=b x y', ['a', 'b'], 'a'],
  ['nothing', '', [], undefined],
  ['FROM within another word', 'FROMAGE brie\nFROM a', ['a'], 'a'],
];

for (const [what, text, images, base] of FILES) {
  test(`${what}: ${images.join(', ') || 'no image'}`, () => {
    assert.deepEqual(parseDockerfileImages(text, { BASE: 'from.env/a' }), { images, base });
  });
}

for (const text of [
  'FROM',
  'FROM a AS',
  'FROM a b c',
  'FROM a # no comment here',
  'FROM $NOBODY',
  'FROM a:${NOBODY}',
  'FROM a\nCOPY --from= x y',
  'FROM a\nRUN --mount=from=$NOBODY true',
]) {
  test(`${JSON.stringify(text)}: FORMAT_DOCKERFILE`, () => {
    assert.throws(() => parseDockerfileImages(text, {}), { code: 'FORMAT_DOCKERFILE' });
  });
}

test('a Dockerfile of megabytes is refused', () => {
  assert.throws(() => parseDockerfileImages('#'.repeat((4 << 20) + 1), {}), { code: 'LIMIT_SIZE' });
  assert.throws(() => parseDockerfileImages('RUN true\n'.repeat(100_001), {}), { code: 'LIMIT_COUNT' });
});
