import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parsePredicate, type Predicate } from '../../../src/core/attestation/predicate.ts';
import { MAX_STATEMENT_BYTES } from '../../../src/core/attestation/statement.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';

interface Vector {
  readonly type: string;
  readonly content: string;
  readonly predicateType?: string;
  readonly predicate?: unknown;
  readonly refused?: string;
}

const FILE = join(resolve(import.meta.dirname, '../../vectors/predicates'), 'cosign-3.1.3.json');
const VECTORS = JSON.parse(readFileSync(FILE, 'utf8')) as readonly Vector[];
const TIME = new Date('2026-01-31T12:00:00.987Z');

function parse(type: string, content: unknown, allowIncomplete = false): Predicate {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return parsePredicate({ type, content: utf8(text), timestamp: TIME, allowIncomplete });
}

for (const { type, content, predicateType, predicate, refused } of VECTORS) {
  const title = `${type} ${JSON.stringify(content).slice(0, 80)}`;
  if (refused === undefined) {
    test(`as cosign 3.1.3 attests it: ${title}`, () => {
      const { type: uri, value } = parse(type, content, true);
      assert.equal(uri, predicateType);
      const text = JSON.stringify(value).replace('"2026-01-31T12:00:00Z"', '"TIME"');
      assert.deepEqual(JSON.parse(text), predicate);
    });
  } else {
    test(`refused, as by cosign 3.1.3: ${title}`, () => {
      assert.throws(
        () => parse(type, content, true),
        (error: { code: string }) => {
          assert.ok(['FORMAT_PREDICATE', 'FORMAT_BASE64'].includes(error.code), error.code);
          return true;
        },
      );
    });
  }
}

test('there are as many predicates that cosign refuses as ones that it takes', () => {
  const refused = VECTORS.filter((vector) => vector.refused !== undefined).length;
  assert.ok(refused >= VECTORS.length / 2 && refused < VECTORS.length - 20);
});

test('what a type has no place for is named, at any depth', () => {
  const predicate = {
    builder: { id: 'b', version: '1' },
    buildType: 't',
    materials: [{ uri: 'u', annotations: {} }],
    _type: 'link',
  };
  assert.deepEqual(parse('slsaprovenance', predicate).dropped, [
    'predicate.builder.version',
    'predicate.materials[0].annotations',
    'predicate._type',
  ]);
  assert.deepEqual(parse('https://example.com/p/v1', predicate).dropped, []);
});

const PROVENANCE = {
  buildDefinition: { buildType: 't', externalParameters: {} },
  runDetails: { builder: { id: 'b' } },
};
const SCAN = {
  scanner: { result: {} },
  metadata: { scanStartedOn: '2026-01-01T00:00:00Z', scanFinishedOn: '2026-01-01T00:00:01Z' },
};

const INCOMPLETE: readonly (readonly [string, string, object, string])[] = [
  ['slsaprovenance', 'no builder', { buildType: 't' }, 'predicate.builder is missing'],
  ['slsaprovenance', 'a builder without id', { builder: {}, buildType: 't' }, 'predicate.builder.id is missing'],
  ['slsaprovenance02', 'no build type', { builder: { id: 'b' } }, 'predicate.buildType is missing'],
  ['slsaprovenance1', 'no run', { buildDefinition: PROVENANCE.buildDefinition }, 'predicate.runDetails is missing'],
  [
    'slsaprovenance1',
    'no parameters',
    { ...PROVENANCE, buildDefinition: { buildType: 't' } },
    'predicate.buildDefinition.externalParameters is missing',
  ],
  [
    'slsaprovenance1',
    'a whole statement',
    { _type: 'https://in-toto.io/Statement/v1', predicateType: 'x', predicate: PROVENANCE },
    'predicate.buildDefinition is missing',
  ],
  ['vuln', 'no scanner', { metadata: SCAN.metadata }, 'predicate.scanner is missing'],
  ['vuln', 'no end', { ...SCAN, metadata: { scanStartedOn: 'x' } }, 'predicate.metadata.scanFinishedOn is missing'],
];
for (const [type, what, predicate, message] of INCOMPLETE) {
  test(`${type} with ${what} is refused, unless cosign's leniency is asked for`, () => {
    assert.throws(() => parse(type, predicate), { code: 'FORMAT_PREDICATE', message });
    if (what !== 'no end') assert.equal(typeof parse(type, predicate, true).value, 'object');
  });
}

test('complete predicates pass', () => {
  assert.deepEqual(parse('slsaprovenance1', PROVENANCE).value, PROVENANCE);
  assert.equal(parse('vuln', SCAN).type, 'https://cosign.sigstore.dev/attestation/vuln/v1');
});

test('an SPDX text is kept to the letter', () => {
  const { type, value } = parse('spdx', 'SPDXVersion: SPDX-2.3\n"quoted" ü\n');
  assert.deepEqual([type, value], ['https://spdx.dev/Document', 'SPDXVersion: SPDX-2.3\n"quoted" ü\n']);
});

const REFUSED: readonly (readonly [string, string, Uint8Array, string])[] = [
  ['a short name that is none', 'slsa', utf8('{}'), 'USAGE_BAD_FLAG'],
  ['a member twice', 'cyclonedx', utf8('{"a":1,"a":2}'), 'FORMAT_PREDICATE'],
  ['null', 'cyclonedx', utf8('null'), 'FORMAT_PREDICATE'],
  ['a number that no double holds', 'openvex', utf8('{"a":[1e999]}'), 'FORMAT_PREDICATE'],
  ['half a surrogate pair', 'spdxjson', utf8('{"a":"\\ud83d"}'), 'FORMAT_PREDICATE'],
  ['half a surrogate pair as a name', 'spdxjson', utf8('{"\\ud83d":1}'), 'FORMAT_PREDICATE'],
  ['bytes that are no UTF-8', 'spdxjson', Uint8Array.of(0x7b, 0xff, 0x7d), 'FORMAT_PREDICATE'],
  ['text that is no UTF-8', 'spdx', Uint8Array.of(0xff), 'FORMAT_PREDICATE'],
  ['custom text that is no UTF-8', 'custom', Uint8Array.of(0xc3), 'FORMAT_PREDICATE'],
  ['64 levels', 'cyclonedx', utf8(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`), 'LIMIT_DEPTH'],
  ['a document that is too large', 'cyclonedx', new Uint8Array(MAX_STATEMENT_BYTES + 1), 'LIMIT_SIZE'],
  ['a text that is too large', 'spdx', new Uint8Array(MAX_STATEMENT_BYTES + 1), 'LIMIT_SIZE'],
  ['a custom text that is too large', 'custom', new Uint8Array(MAX_STATEMENT_BYTES + 1), 'LIMIT_SIZE'],
];
for (const [what, type, content, code] of REFUSED) {
  test(`${type}: ${what} is refused with ${code}`, () => {
    for (const allowIncomplete of [false, true]) {
      assert.throws(() => parsePredicate({ type, content, timestamp: TIME, allowIncomplete }), { code });
    }
  });
}
