import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAdmissionReview, parseAdmissionReview } from '../../../src/core/wire/admission-review.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';

/** As kube-apiserver 1.35 sends it. */
const REVIEW = {
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    uid: '0df28fbd-5f5f-11e8-bc74-36e6bb280816',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    requestKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    requestResource: { group: 'apps', version: 'v1', resource: 'deployments' },
    name: 'pay',
    namespace: 'shop',
    operation: 'UPDATE',
    userInfo: { username: 'alice', groups: ['system:authenticated'], extra: { a: ['b'] } },
    object: { kind: 'Deployment', spec: {} },
    oldObject: { kind: 'Deployment' },
    dryRun: true,
    options: { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1' },
  },
};

function bytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function changed(change: (review: Record<string, unknown>, request: Record<string, unknown>) => void): Uint8Array {
  const copy = structuredClone(REVIEW) as unknown as { request: Record<string, unknown> } & Record<string, unknown>;
  change(copy, copy.request);
  return bytes(copy);
}

test('what the API server sends is read', () => {
  const request = parseAdmissionReview(bytes(REVIEW));
  assert.equal(request.uid, REVIEW.request.uid);
  assert.deepEqual(request.resource, REVIEW.request.resource);
  assert.equal(request.kind, 'Deployment');
  assert.equal(request.subResource, '');
  assert.equal(request.operation, 'UPDATE');
  assert.equal(request.isDryRun, true);
  assert.equal(request.object?.string('kind'), 'Deployment');
  assert.equal(request.oldObject?.string('kind'), 'Deployment');
});

test('absent and null mean the same', () => {
  const request = parseAdmissionReview(
    changed((_, fields) => {
      fields['object'] = null;
      delete fields['oldObject'];
      delete fields['dryRun'];
      fields['operation'] = 'DELETE';
    }),
  );
  assert.equal(request.object, undefined);
  assert.equal(request.oldObject, undefined);
  assert.equal(request.isDryRun, false);
});

const REFUSED: readonly (readonly [what: string, body: Uint8Array, code?: string])[] = [
  ['nothing', new Uint8Array(0)],
  ['no JSON', Buffer.from('uid: 1')],
  ['a text', bytes('AdmissionReview')],
  ['a list', bytes([REVIEW])],
  ['null', bytes(null)],
  ['no request', changed((review) => delete review['request'])],
  ['a request that is a list', changed((review) => (review['request'] = [1]))],
  ['v1beta1', changed((review) => (review['apiVersion'] = 'admission.k8s.io/v1beta1'))],
  ['another group', changed((review) => (review['apiVersion'] = 'admissionregistration.k8s.io/v1'))],
  ['a ConversionReview', changed((review) => (review['kind'] = 'ConversionReview'))],
  ['no kind', changed((review) => delete review['kind'])],
  ['a kind that is a number', changed((review) => (review['kind'] = 1))],
  ['no uid', changed((_, request) => delete request['uid'])],
  ['an empty uid', changed((_, request) => (request['uid'] = ''))],
  ['a uid without end', changed((_, request) => (request['uid'] = 'x'.repeat(1025)))],
  ['a uid that is a number', changed((_, request) => (request['uid'] = 1))],
  ['no resource', changed((_, request) => delete request['resource'])],
  ['a resource that is a text', changed((_, request) => (request['resource'] = 'pods'))],
  ['a resource without a name', changed((_, request) => (request['resource'] = { group: '', version: 'v1' }))],
  ['no operation', changed((_, request) => delete request['operation'])],
  ['another operation', changed((_, request) => (request['operation'] = 'PATCH'))],
  ['an operation in lower case', changed((_, request) => (request['operation'] = 'create'))],
  ['an object that is a text', changed((_, request) => (request['object'] = 'Pod'))],
  ['an old object that is a list', changed((_, request) => (request['oldObject'] = []))],
  ['a dryRun that is a text', changed((_, request) => (request['dryRun'] = 'false'))],
  ['a duplicate member', Buffer.from(JSON.stringify(REVIEW).replace('"uid":', '"uid":"first","uid":'))],
  [
    'a duplicate image',
    Buffer.from(JSON.stringify(REVIEW).replace('"spec":{}', '"spec":{"image":"a","ima\\u0067e":"b"}')),
  ],
  ['bytes that are not UTF-8', Buffer.from(JSON.stringify(REVIEW).replace('alice', '\xff\xfe'), 'latin1')],
  ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes(REVIEW)])],
  ['nesting without end', Buffer.from(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`), 'LIMIT_DEPTH'],
  ['lists without end', Buffer.from('['.repeat(1_000_000))],
  ['101 levels', changed((_, request) => (request['object'] = nested(99))), 'LIMIT_DEPTH'],
  ['more than 8 MiB', Buffer.alloc((8 << 20) + 1, 0x20), 'LIMIT_SIZE'],
];

function nested(levels: number): object {
  return levels === 0 ? {} : { a: nested(levels - 1) };
}

for (const [what, body, code] of REFUSED) {
  test(`${what}: refused`, () => {
    assert.throws(() => parseAdmissionReview(body), { code: code ?? 'FORMAT_ADMISSION_REVIEW' });
  });
}

test('100 levels are read: managed fields of large objects come near that', () => {
  parseAdmissionReview(changed((_, request) => (request['object'] = nested(97))));
});

test('a review damaged anywhere is read or refused by name', () => {
  for (const body of damaged(bytes(REVIEW))) {
    try {
      parseAdmissionReview(body);
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    }
  }
});

test('the answer says no more than it has to', () => {
  const none = { warnings: [], auditAnnotations: {}, patch: [] };
  const parse = (text: string): unknown => (JSON.parse(text) as { response: unknown }).response;
  assert.deepEqual(parse(encodeAdmissionReview('u', { isAllowed: true, ...none })), { uid: 'u', allowed: true });
  const status = { code: 403, reason: 'Forbidden', message: 'm' };
  assert.deepEqual(
    parse(
      encodeAdmissionReview('u', {
        isAllowed: false,
        status,
        warnings: ['w'],
        auditAnnotations: { a: 'b' },
        patch: [],
      }),
    ),
    { uid: 'u', allowed: false, status, warnings: ['w'], auditAnnotations: { a: 'b' } },
  );
});

test('a patch is base64 of RFC 6902', () => {
  const patch = [{ op: 'replace', path: '/spec/a~1b', value: 'é' }] as const;
  const text = encodeAdmissionReview('u', { isAllowed: true, warnings: [], auditAnnotations: {}, patch });
  const { response } = JSON.parse(text) as { response: { patch: string; patchType: string } };
  assert.equal(response.patchType, 'JSONPatch');
  assert.deepEqual(JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8')), patch);
});
