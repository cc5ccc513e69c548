import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyInput } from '../../../src/core/attestation/policy-input.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';

const TYPE = 'https://example.com/p/v1';
const SUBJECT = {
  name: 'a',
  digest: { sha256: 'ab' },
  uri: 'u',
  mediaType: 'm',
  annotations: { reviewed: true },
};

function statement(predicate: unknown, more: object = {}): object {
  return { _type: 'https://in-toto.io/Statement/v1', subject: [SUBJECT], predicateType: TYPE, predicate, ...more };
}

function input(type: string, value: unknown): unknown {
  return JSON.parse(policyInput(type, utf8(typeof value === 'string' ? value : JSON.stringify(value))));
}

test('any URI, and the types without a structure of their own: the statement as it is', () => {
  const whole = statement({ level: 3, big: 1e21, nothing: null });
  for (const type of [TYPE, 'custom', 'openvex', 'slsaprovenance02', 'slsaprovenance1']) {
    assert.deepEqual(input(type, whole), whole, type);
  }
});

test('what protobuf leaves out is not there: empty texts and lists, and members that are null', () => {
  const value = statement({}, { subject: [{ name: '', digest: { sha256: 'ab' }, uri: null }] });
  assert.deepEqual(input(TYPE, value), { ...value, subject: [{ digest: { sha256: 'ab' } }] });
});

const OLD_HEADER = {
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: TYPE,
  subject: [{ name: 'a', digest: { sha256: 'ab' } }],
};

test('software bills of material: subjects have only a name and a digest', () => {
  for (const type of ['spdx', 'spdxjson', 'cyclonedx']) {
    assert.deepEqual(input(type, statement({ a: [1] })), { ...OLD_HEADER, predicate: { a: [1] } }, type);
  }
  assert.deepEqual(input('spdx', statement('SPDXVersion: 1')), { ...OLD_HEADER, predicate: 'SPDXVersion: 1' });
});

test('links: every member is there, and no other', () => {
  assert.deepEqual(input('link', statement({ name: 'n', more: 1 })), {
    ...OLD_HEADER,
    predicate: {
      _type: '',
      name: 'n',
      materials: null,
      products: null,
      byproducts: null,
      command: null,
      environment: null,
    },
  });
});

test("slsaprovenance: in-toto-golang's structure, with its spelling of the invocation's id", () => {
  const predicate = {
    builder: { id: 'b', version: 1 },
    buildType: 't',
    metadata: { buildInvocationId: 'i', buildStartedOn: '2026-01-01T00:00:00.500Z' },
    materials: [{ uri: 'u' }],
  };
  assert.deepEqual(input('slsaprovenance', statement(predicate)), {
    ...OLD_HEADER,
    predicate: {
      builder: { id: 'b' },
      buildType: 't',
      invocation: { configSource: {} },
      metadata: {
        buildInvocationID: 'i',
        buildStartedOn: '2026-01-01T00:00:00.5Z',
        completeness: { parameters: false, environment: false, materials: false },
        reproducible: false,
      },
      materials: [{ uri: 'u' }],
    },
  });
});

test('scans: without the type of the statement, and with zero values for what is absent', () => {
  const { name, digest, uri, annotations } = SUBJECT;
  assert.deepEqual(input('vuln', statement({ scanner: { result: { a: 1 } } })), {
    subject: [{ name, digest, uri, annotations }],
    predicateType: TYPE,
    predicate: {
      invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
      scanner: { uri: '', version: '', db: { uri: '', version: '' }, result: { a: 1 } },
      metadata: { scanStartedOn: '0001-01-01T00:00:00Z', scanFinishedOn: '0001-01-01T00:00:00Z' },
    },
  });
});

const REFUSED: readonly (readonly [string, string, unknown])[] = [
  ['a member that statements do not have', TYPE, statement({}, { more: 1 })],
  ['a member that subjects do not have', TYPE, statement({}, { subject: [{ ...SUBJECT, more: 1 }] })],
  ['a predicate that is a list', TYPE, statement([1])],
  ['a predicate that is a number', 'cyclonedx', statement(1)],
  ['a subject that is null', TYPE, statement({}, { subject: [null] })],
  ['a digest that is null', TYPE, statement({}, { subject: [{ digest: { sha256: null } }] })],
  ['a link whose command is a text', 'link', statement({ command: 'make' })],
  ['a link whose material is a text', 'link', statement({ materials: { a: 'x' } })],
  ['a provenance whose builder is a text', 'slsaprovenance', statement({ builder: 'b' })],
  [
    'a provenance with a day that does not exist',
    'slsaprovenance',
    statement({ metadata: { buildStartedOn: '2026-02-30T00:00:00Z' } }),
  ],
  ['a scan whose time is a number', 'vuln', statement({ metadata: { scanStartedOn: 1 } })],
  ['a number that no double holds', TYPE, '{"predicateType":"a","predicate":{"a":1e999}}'],
  ['no JSON', TYPE, '{'],
];
for (const [what, type, value] of REFUSED) {
  test(`policies are not shown ${what}`, () => {
    assert.throws(() => input(type, value), { code: 'FORMAT_STATEMENT' });
  });
}
