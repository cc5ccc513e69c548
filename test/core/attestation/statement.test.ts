import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  encodeStatement,
  parseStatement,
  STATEMENT_V01,
  STATEMENT_V1,
} from '../../../src/core/attestation/statement.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { shared } from '../../support/shared.ts';

type Json = Record<string, unknown>;
const HEX = 'A0CFC71271D6E278E57CD332FF957C3F7043FDDA354C4CBB190A30D56EFA01BF';
const base = (): Json => ({
  _type: STATEMENT_V1,
  subject: [{ name: 'a.txt', digest: { sha256: HEX, gitCommit: 'anything' } }],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: { buildDefinition: {} },
});
const parse = (json: unknown): ReturnType<typeof parseStatement> => parseStatement(utf8(JSON.stringify(json)));

test('the statement that the conformance suite has clients sign reads', (t) => {
  const path = shared(t, 'conformance/statement.json');
  if (path === undefined) return;
  const statement = parseStatement(readFileSync(path));
  assert.match(statement.type, /^https:\/\/in-toto\.io\/Statement\/v(0\.)?1$/);
  assert.equal(statement.subjects[0]?.digests.get('sha256')?.length, 64);
});

test('digests of known algorithms are lower-cased, others stay as they are', () => {
  const statement = parse(base());
  assert.deepEqual(
    [...statement.subjects[0]!.digests],
    [
      ['sha256', HEX.toLowerCase()],
      ['gitCommit', 'anything'],
    ],
  );
  assert.equal(parse({ ...base(), _type: STATEMENT_V01 }).type, STATEMENT_V01);
});

test('a statement survives its own encoding, annotations and absent predicate included', () => {
  const subject = [{ digest: { sha512: 'ab'.repeat(64) }, annotations: { reviewed: true } }];
  const statement = parse({ ...base(), subject, predicate: null });
  assert.equal(statement.subjects[0]?.name, undefined);
  assert.deepEqual(parseStatement(encodeStatement(statement)), statement);
});

test('1,024 subjects of 32 digests are the limit', () => {
  const digest = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`h${i}`, 'x']));
  assert.equal(parse({ ...base(), subject: Array(1024).fill({ digest }) }).subjects.length, 1024);
  assert.throws(() => parse({ ...base(), subject: Array(1025).fill({ digest }) }), { code: 'LIMIT_COUNT' });
  assert.throws(() => parse({ ...base(), subject: [{ digest: { ...digest, h32: 'x' } }] }), {
    code: 'FORMAT_STATEMENT',
  });
});

const REFUSED: readonly (readonly [string, Json])[] = [
  ['another type', { ...base(), _type: 'https://in-toto.io/Statement/v2' }],
  ['no type', { ...base(), _type: undefined }],
  ['no subject', { ...base(), subject: [] }],
  ['an absent subject', { ...base(), subject: undefined }],
  ['a subject that is no object', { ...base(), subject: ['a.txt'] }],
  ['a subject without a digest', { ...base(), subject: [{ name: 'a' }] }],
  ['a subject with an empty digest set', { ...base(), subject: [{ digest: {} }] }],
  ['a SHA-256 digest that is too short', { ...base(), subject: [{ digest: { sha256: HEX.slice(2) } }] }],
  ['a SHA-256 digest in base64', { ...base(), subject: [{ digest: { sha256: `${HEX.slice(1)}=` } }] }],
  ['a digest that is a number', { ...base(), subject: [{ digest: { sha256: 1 } }] }],
  ['a name that is no text', { ...base(), subject: [{ name: 1, digest: { a: 'b' } }] }],
  ['annotations that are no object', { ...base(), subject: [{ digest: { a: 'b' }, annotations: [] }] }],
  ['no predicate type', { ...base(), predicateType: undefined }],
  ['an empty predicate type', { ...base(), predicateType: '' }],
];
for (const [what, json] of REFUSED) {
  test(`a statement with ${what} is refused`, () => {
    assert.throws(() => parse(json), { code: 'FORMAT_STATEMENT' });
  });
}

test('a predicate nested too deeply, bad UTF-8 and duplicate names are refused', () => {
  const deep = `${'['.repeat(70)}${']'.repeat(70)}`;
  const json = JSON.stringify(base());
  assert.throws(() => parseStatement(utf8(json.replace('{"buildDefinition":{}}', deep))), { code: 'LIMIT_DEPTH' });
  assert.throws(() => parseStatement(Uint8Array.of(0x22, 0xff, 0x22)), { code: 'FORMAT_STATEMENT' });
  assert.throws(() => parseStatement(utf8(json.replace('{"name"', '{"digest":{},"name"'))), {
    code: 'FORMAT_STATEMENT',
  });
});
