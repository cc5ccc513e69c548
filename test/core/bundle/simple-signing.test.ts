import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSimpleSigning, parseSimpleSigning } from '../../../src/core/bundle/simple-signing.ts';
import { Digest } from '../../../src/core/image/digest.ts';

const DIGEST = Digest.parse(`sha256:${'ab'.repeat(32)}`);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("a payload is cosign's, byte for byte", () => {
  assert.equal(
    text(encodeSimpleSigning('index.docker.io/library/alpine', DIGEST)),
    `{"critical":{"identity":{"docker-reference":"index.docker.io/library/alpine"},"image":{"docker-manifest-digest":"${DIGEST.toString()}"},"type":"cosign container image signature"},"optional":null}`,
  );
  assert.match(
    text(encodeSimpleSigning('a', DIGEST, { b: '<&>', a: '\u2028' })),
    /"optional":\{"a":"\\u2028","b":"\\u003c\\u0026\\u003e"\}/,
  );
});

test('a payload comes back as it went, without what is no string', () => {
  const parsed = parseSimpleSigning(encodeSimpleSigning('registry.example/a', DIGEST, { b: '<&>', a: '1' }));
  assert.equal(parsed.dockerReference, 'registry.example/a');
  assert.equal(parsed.imageDigest.toString(), DIGEST.toString());
  assert.equal(parsed.type, 'cosign container image signature');
  assert.deepEqual(parsed.annotations, { a: '1', b: '<&>' });
  assert.deepEqual(parseSimpleSigning(payload({ optional: { n: 1, s: 's', o: {} } })).annotations, { s: 's' });
});

test("cosign's first spelling is read, as Go reads it", () => {
  const parsed = parseSimpleSigning(
    `{"Critical":{"Identity":{"docker-reference":""},"Image":{"Docker-manifest-digest":"${DIGEST.toString()}"},"Type":"cosign container signature"},"Optional":{"sig":"original"}}`,
  );
  assert.equal(parsed.type, 'cosign container signature');
  assert.deepEqual(parsed.annotations, { sig: 'original' });
});

function payload(change: object = {}, critical: object = {}): string {
  return JSON.stringify({
    critical: {
      identity: { 'docker-reference': 'a' },
      image: { 'docker-manifest-digest': DIGEST.toString() },
      type: 'cosign container image signature',
      ...critical,
    },
    optional: null,
    ...change,
  });
}

const REFUSED: readonly (readonly [string, string, string])[] = [
  ['is not JSON', 'FORMAT_SIMPLE_SIGNING', 'x'],
  ['is a list', 'FORMAT_SIMPLE_SIGNING', '[]'],
  ['has no critical part', 'FORMAT_SIMPLE_SIGNING', '{"optional":null}'],
  ['has another member', 'FORMAT_SIMPLE_SIGNING', payload({ more: 1 })],
  ['has an unknown critical member', 'FORMAT_SIMPLE_SIGNING', payload({}, { until: 'tomorrow' })],
  ['names no type', 'FORMAT_SIMPLE_SIGNING', payload({}, { type: null })],
  ['names no image', 'FORMAT_SIMPLE_SIGNING', payload({}, { image: {} })],
  ['says the digest twice', 'FORMAT_SIMPLE_SIGNING', payload({}, { Image: { 'docker-manifest-digest': 'sha256:' } })],
  ['has one member twice', 'FORMAT_SIMPLE_SIGNING', payload().replace('{"critical"', '{"critical":{},"critical"')],
  [
    'has a digest without its algorithm',
    'FORMAT_DIGEST',
    payload({}, { image: { 'docker-manifest-digest': DIGEST.hex } }),
  ],
  ['has a cut digest', 'FORMAT_DIGEST', payload({}, { image: { 'docker-manifest-digest': 'sha256:abab' } })],
  ['has a list of annotations', 'FORMAT_SIMPLE_SIGNING', payload({ optional: [] })],
  ['is too large', 'LIMIT_SIZE', payload({ optional: { a: 'x'.repeat(1 << 20) } })],
];

for (const [what, code, input] of REFUSED) {
  test(`a payload that ${what} is refused with ${code}`, () => {
    assert.throws(() => parseSimpleSigning(input), { code });
  });
}

test('a payload cut anywhere is refused', () => {
  const whole = payload();
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => parseSimpleSigning(whole.slice(0, length)), { code: 'FORMAT_SIMPLE_SIGNING' });
  }
});
