import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attestationStatement,
  checkPredicateType,
  checkStatementSubject,
  parseStatementText,
} from '../../../src/core/attestation/attestation-statement.ts';
import { MAX_STATEMENT_BYTES, STATEMENT_V1 } from '../../../src/core/attestation/statement.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';

const HEX = 'ab'.repeat(32);
const SUBJECT = { name: 'registry.example/app', digests: new Map([['sha256', HEX]] as const) };
const TYPE = 'https://example.com/p/v1';

function statement(subject: unknown, more: object = {}): Uint8Array {
  return utf8(JSON.stringify({ _type: STATEMENT_V1, subject, predicateType: TYPE, predicate: {}, ...more }));
}

test('a statement is made as cosign makes it: version 0.1, one named subject', () => {
  const { payload } = attestationStatement(SUBJECT, { type: TYPE, value: { a: 1 }, dropped: [] });
  assert.equal(
    Buffer.from(payload).toString(),
    `{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"name":"registry.example/app","digest":{"sha256":"${HEX}"}}],` +
      `"predicateType":"${TYPE}","predicate":{"a":1}}`,
  );
});

test('a statement of somebody else keeps its bytes', () => {
  const bytes = utf8(` ${Buffer.from(statement([{ digest: { sha256: HEX } }])).toString()}\n`);
  assert.equal(parseStatementText(bytes).payload, bytes);
});

test('only the first digest goes into a statement made here; any counts in one made elsewhere', () => {
  const hex = 'ef'.repeat(64);
  const subject = { name: 'a', digests: new Map([...SUBJECT.digests, ['sha512', hex] as const]) };
  const made = attestationStatement(subject, { type: TYPE, value: {}, dropped: [] });
  assert.deepEqual([...made.statement.subjects[0]!.digests.keys()], ['sha256']);
  checkStatementSubject(parseStatementText(statement([{ digest: { sha512: hex } }])).statement, subject);
});

test('any of the subjects may be the one', () => {
  const others = [{ digest: { sha512: 'cd'.repeat(64) } }, { digest: { sha256: HEX.toUpperCase() } }];
  checkStatementSubject(parseStatementText(statement(others)).statement, SUBJECT);
});

const OTHERS: readonly (readonly [string, readonly object[]])[] = [
  ['another digest', [{ digest: { sha256: 'cd'.repeat(32) } }]],
  ['the digest under another algorithm', [{ digest: { gitCommit: HEX } }]],
  ['the name alone', [{ name: SUBJECT.name, digest: { sha1: '00' } }]],
  ['five others', Array(5).fill({ digest: { sha256: 'cd'.repeat(32) } })],
];
for (const [what, subjects] of OTHERS) {
  test(`a statement about ${what} is not about the artifact`, () => {
    const { statement: read } = parseStatementText(statement(subjects));
    assert.throws(
      () => {
        checkStatementSubject(read, SUBJECT);
      },
      { code: 'SUBJECT_MISMATCH' },
    );
  });
}

const REFUSED: readonly (readonly [string, Uint8Array, string])[] = [
  ['no JSON', utf8('statement'), 'FORMAT_STATEMENT'],
  [
    'an envelope',
    utf8('{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}'),
    'FORMAT_STATEMENT',
  ],
  ['no subject', statement([]), 'FORMAT_STATEMENT'],
  ['1,025 subjects', statement(Array(1025).fill({ digest: { sha256: HEX } })), 'LIMIT_COUNT'],
  ['too many bytes', new Uint8Array(MAX_STATEMENT_BYTES + 1), 'LIMIT_SIZE'],
];
for (const [what, bytes, code] of REFUSED) {
  test(`a statement with ${what} is refused with ${code}`, () => {
    assert.throws(() => parseStatementText(bytes), { code });
  });
}

test('a predicate that becomes too large in its statement is refused', () => {
  // Each line feed takes two bytes more in JSON than in the file.
  const value = '\n'.repeat(MAX_STATEMENT_BYTES / 2);
  assert.throws(() => attestationStatement(SUBJECT, { type: TYPE, value, dropped: [] }), { code: 'LIMIT_SIZE' });
});

test('another predicate type than the one asked for is told by both names', () => {
  const { statement: read } = parseStatementText(statement([{ digest: { sha256: HEX } }]));
  checkPredicateType(read, TYPE);
  assert.throws(
    () => {
      checkPredicateType(read, 'https://example.com/other');
    },
    { code: 'PREDICATE_TYPE_MISMATCH' },
  );
});
