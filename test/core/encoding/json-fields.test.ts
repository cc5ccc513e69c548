import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import type { JsonValue } from '../../../src/core/encoding/json.ts';
import { FormatError } from '../../../src/errors.ts';

function fields(value: JsonValue): JsonFields {
  return new JsonFields(value, 'entry', 'FORMAT_LOG_ENTRY');
}

test('members are read by their type', () => {
  const read = fields({
    text: 'abc',
    flag: false,
    count: 3,
    size: '9223372036854775807',
    body: 'Zm9v',
    inner: { name: 'x' },
    list: [{ a: 1 }, { a: 2 }],
    words: ['a', 'b'],
  });
  assert.equal(read.string('text'), 'abc');
  assert.equal(read.optionalBoolean('flag'), false);
  assert.equal(read.integer('count'), 3);
  assert.equal(read.int64('size'), 9223372036854775807n);
  assert.deepEqual(Buffer.from(read.bytes('body')).toString(), 'foo');
  assert.equal(read.object('inner').string('name'), 'x');
  assert.deepEqual(
    read.objects('list', 2).map((element) => element.integer('a')),
    [1, 2],
  );
  assert.deepEqual(read.strings('words', 2), ['a', 'b']);
  assert.equal(read.names().length, 8);
});

test('absent and null are the same, as in proto3 JSON', () => {
  for (const read of [fields({}), fields({ x: null })]) {
    assert.equal(read.has('x'), false);
    assert.equal(read.value('x'), undefined);
    assert.equal(read.optionalString('x'), undefined);
    assert.equal(read.optionalBoolean('x'), undefined);
    assert.equal(read.optionalInteger('x'), undefined);
    assert.equal(read.optionalInt64('x'), undefined);
    assert.equal(read.optionalBytes('x'), undefined);
    assert.equal(read.optionalObject('x'), undefined);
    assert.deepEqual(read.array('x', 1), []);
  }
});

test('what an object inherits is no member', () => {
  const read = fields({});
  for (const name of ['toString', 'constructor', '__proto__']) {
    assert.equal(read.has(name), false);
    assert.equal(read.value(name), undefined);
  }
});

const INT64: readonly (readonly [JsonValue, bigint])[] = [
  ['0', 0n],
  ['-1', -1n],
  ['-9223372036854775808', -9223372036854775808n],
  ['9223372036854775807', 9223372036854775807n],
  [0, 0n],
  [9007199254740991, 9007199254740991n],
];

test('int64 is a decimal string, or a number a double holds exactly', () => {
  for (const [value, expected] of INT64) assert.equal(fields({ x: value }).int64('x'), expected);
});

const NOT_INT64: readonly JsonValue[] = [
  '',
  ' 1',
  '+1',
  '01',
  '-0',
  '1.0',
  '1e3',
  '0x10',
  '9223372036854775808',
  '-9223372036854775809',
  '99999999999999999999',
  9007199254740992,
  1.5,
  true,
  [],
  {},
];

for (const value of NOT_INT64) {
  test(`int64 refuses ${JSON.stringify(value)}`, () => {
    assert.throws(() => fields({ x: value }).int64('x'), { code: 'FORMAT_LOG_ENTRY' });
  });
}

const WRONG: readonly (readonly [string, JsonValue, (read: JsonFields) => unknown, string])[] = [
  ['a number for a string', 1, (read) => read.string('x'), 'FORMAT_LOG_ENTRY'],
  ['nothing for a string', null, (read) => read.string('x'), 'FORMAT_LOG_ENTRY'],
  ['a string for a boolean', 'true', (read) => read.optionalBoolean('x'), 'FORMAT_LOG_ENTRY'],
  ['a string for an integer', '1', (read) => read.integer('x'), 'FORMAT_LOG_ENTRY'],
  ['a fraction for an integer', 0.5, (read) => read.integer('x'), 'FORMAT_LOG_ENTRY'],
  ['an integer that a double rounds', 2 ** 53, (read) => read.integer('x'), 'FORMAT_LOG_ENTRY'],
  ['nothing for an integer', null, (read) => read.integer('x'), 'FORMAT_LOG_ENTRY'],
  ['an array for an object', [], (read) => read.object('x'), 'FORMAT_LOG_ENTRY'],
  ['a string for an object', '{}', (read) => read.object('x'), 'FORMAT_LOG_ENTRY'],
  ['nothing for an object', null, (read) => read.object('x'), 'FORMAT_LOG_ENTRY'],
  ['an object for an array', {}, (read) => read.array('x', 9), 'FORMAT_LOG_ENTRY'],
  ['a string for an array', 'ab', (read) => read.strings('x', 9), 'FORMAT_LOG_ENTRY'],
  ['a number among strings', ['a', 1], (read) => read.strings('x', 9), 'FORMAT_LOG_ENTRY'],
  ['null among objects', [{}, null], (read) => read.objects('x', 9), 'FORMAT_LOG_ENTRY'],
  ['one element too many', [1, 2, 3], (read) => read.array('x', 2), 'LIMIT_COUNT'],
  ['text that is not base64', 'a*b=', (read) => read.bytes('x'), 'FORMAT_BASE64'],
  ['base64url where base64 is the form', '-_-_', (read) => read.bytes('x'), 'FORMAT_BASE64'],
  ['a number for bytes', 1, (read) => read.bytes('x'), 'FORMAT_LOG_ENTRY'],
  ['nothing for bytes', null, (read) => read.bytes('x'), 'FORMAT_LOG_ENTRY'],
  ['a stranger', 1, (read) => read.only('y', 'z'), 'FORMAT_LOG_ENTRY'],
];

for (const [what, value, read, code] of WRONG) {
  test(`refused: ${what}`, () => {
    assert.throws(() => read(fields({ x: value })), { code });
  });
}

for (const value of [undefined, null, true, 1, 'x', []]) {
  test(`refused as an object: ${JSON.stringify(value)}`, () => {
    assert.throws(() => new JsonFields(value, 'entry', 'FORMAT_BUNDLE'), { code: 'FORMAT_BUNDLE' });
  });
}

test('only() lets known members pass', () => {
  assert.equal(fields({ a: 1 }).only('a', 'b').integer('a'), 1);
});

test('a refusal names the whole path of the member at fault, and never its value', () => {
  const read = fields({ outer: [{}, { inner: { secret: 's3cret' } }] });
  assert.throws(
    () => read.objects('outer', 9)[1]?.object('inner').integer('secret'),
    (error: unknown) => {
      assert.ok(error instanceof FormatError);
      assert.match(error.message, /^entry\.outer\[1\]\.inner\.secret /);
      assert.doesNotMatch(JSON.stringify(error.facts), /s3cret/);
      return true;
    },
  );
});
