/** Exceptions: complete, scoped and bounded in time, or none at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import { parseImageException } from '../../../src/core/policy/objects/image-exception.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const SPEC = {
  digests: [DIGEST],
  owner: 'pay team',
  reason: 'hotfix',
  ticket: 'PAY-1',
  from: '2026-01-01T00:00:00Z',
  expires: '2026-01-03T00:00:00Z',
};

function parse(kind: string, spec: JsonObject, metadata: JsonObject = {}): ReturnType<typeof parseImageException> {
  const document = {
    apiVersion: 'sealwright.dev/v1alpha1',
    kind,
    metadata: { name: 'x', namespace: 'shop', ...metadata },
    spec,
  };
  return parseImageException(new JsonFields(document, 'document', 'FORMAT_POLICY'));
}

test('an exception says who, why, where it is written down, for what and until when', () => {
  const exception = parse('ImageException', { ...SPEC, images: ['r.example/shop/*'] });
  assert.deepEqual(
    [
      exception.owner,
      exception.reason,
      exception.ticket,
      exception.namespace,
      exception.images.length,
      exception.digests,
    ],
    ['pay team', 'hotfix', 'PAY-1', 'shop', 1, [DIGEST]],
  );
  assert.equal(exception.expires.toISOString(), '2026-01-03T00:00:00.000Z');
});

test('broken glass may last 72 hours, counted from its making where it says no beginning', () => {
  const { from: _, ...spec } = SPEC;
  const made = { creationTimestamp: '2026-01-01T00:00:00Z' };
  assert.equal(parse('BreakGlass', { ...spec, expires: '2026-01-04T00:00:00Z' }, made).kind, 'BreakGlass');
  assert.throws(() => parse('BreakGlass', { ...spec, expires: '2026-01-04T00:00:01Z' }, made), {
    code: 'FORMAT_POLICY',
  });
  assert.throws(() => parse('BreakGlass', { ...spec }), { code: 'FORMAT_POLICY' });
});

const WRONG: readonly (readonly [what: string, kind: string, spec: JsonObject, code?: string])[] = [
  ['another kind', 'Exception', SPEC],
  ...(['owner', 'reason', 'ticket', 'expires'] as const).map(
    (name) =>
      [
        `no ${name}`,
        'ImageException',
        Object.fromEntries(Object.entries(SPEC).filter(([key]) => key !== name)),
      ] as const,
  ),
  ['an empty ticket', 'ImageException', { ...SPEC, ticket: ' ' }],
  ['an owner without end', 'ImageException', { ...SPEC, owner: 'x'.repeat(501) }],
  ['no image and no digest', 'ImageException', { ...SPEC, digests: [] }],
  ['broken glass without a digest', 'BreakGlass', { ...SPEC, digests: [] }],
  ['broken glass by name', 'BreakGlass', { ...SPEC, images: ['**'] }],
  ['broken glass for four days', 'BreakGlass', { ...SPEC, expires: '2026-01-05T00:00:00Z' }],
  ['a digest that is none', 'BreakGlass', { ...SPEC, digests: ['sha256:ab'] }, 'FORMAT_DIGEST'],
  ['a glob that is none', 'ImageException', { ...SPEC, images: ['a?'] }],
  ['an end before the beginning', 'ImageException', { ...SPEC, expires: '2025-12-31T00:00:00Z' }],
  ['a time that is none', 'ImageException', { ...SPEC, expires: '2026-13-01T00:00:00Z' }],
  ['a day without a time', 'ImageException', { ...SPEC, expires: '2026-01-03' }],
  ['a member that does not exist', 'ImageException', { ...SPEC, policies: ['x'] }],
];

for (const [what, kind, spec, code = 'FORMAT_POLICY'] of WRONG) {
  test(`${what} is no exception`, () => {
    assert.throws(() => parse(kind, spec), { code });
  });
}
