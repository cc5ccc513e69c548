import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from '../../src/cli/grammar/flag-parser.ts';
import type { Flag } from '../../src/cli/grammar/flag.ts';

const FLAGS: readonly Flag[] = [
  { name: 'key', kind: 'string', help: 'a key' },
  { name: 'certificate-identity', kind: 'string', help: 'who' },
  { name: 'output', short: 'o', kind: 'string', choices: ['text', 'json'], help: 'format' },
  { name: 'annotations', short: 'a', kind: 'list', help: 'notes' },
  { name: 'yes', short: 'y', kind: 'boolean', help: 'no questions' },
  { name: 'n', short: 'n', kind: 'string', help: 'how many' },
  { name: 'upload', kind: 'boolean', default: true, help: 'push' },
  { name: 'old', kind: 'boolean', help: 'old', deprecated: 'it means nothing' },
];

function parse(args: readonly string[], environment: Record<string, string> = {}) {
  return parseFlags(FLAGS, { arguments: args, environment });
}

test('values stand behind a space, an equals sign or directly behind a letter; arguments may be anywhere', () => {
  const { values, warnings } = parse(['IMAGE', '--key', 'a.key', '-ojson', '--annotations=x=1,y=2', '-a', 'z=3', 'B']);
  assert.deepEqual(values.arguments, ['IMAGE', 'B']);
  assert.equal(values.string('key'), 'a.key');
  assert.equal(values.string('output'), 'json');
  assert.deepEqual(values.list('annotations'), ['x=1', 'y=2', 'z=3']);
  assert.deepEqual(warnings, []);
});

test('booleans take no separate value, and may be denied with an equals sign', () => {
  const { values } = parse(['-y', 'IMAGE', '--upload=false']);
  assert.equal(values.boolean('yes'), true);
  assert.equal(values.boolean('upload'), false);
  assert.deepEqual(values.arguments, ['IMAGE']);
  assert.equal(parse([]).values.boolean('upload'), true);
  assert.equal(parse(['--yes=F']).values.boolean('yes'), false);
});

test('two dashes end the flags; one dash is an argument', () => {
  assert.deepEqual(parse(['-', '--', '--key', '-y']).values.arguments, ['-', '--key', '-y']);
});

test('a value may look like a flag, as in pflag', () => {
  assert.equal(parse(['--key', '--yes']).values.string('key'), '--yes');
});

test('wrong dashes are put right, and said', () => {
  const { values, warnings } = parse(['-key', 'k', '--y']);
  assert.equal(values.string('key'), 'k');
  assert.equal(values.boolean('yes'), true);
  assert.equal(warnings.length, 2);
});

test('a name of one letter is typed with one dash or with two', () => {
  for (const args of [['--n', '3'], ['--n=3'], ['-n', '3'], ['-n3']]) {
    const { values, warnings } = parse(args);
    assert.deepEqual([values.string('n'), warnings], ['3', []], args.join(' '));
  }
});

test('what was given for flags can be typed again; what the command does not have was not given', () => {
  const { values } = parse(['--key', 'a b', '-a', 'x=1', '-a', 'y=2', '--upload=false', '-y', 'IMAGE']);
  const words = values.words(['upload', 'annotations', 'key', 'yes', 'old', 'none of them']);
  assert.deepEqual(words, ['--upload=false', '--annotations=x=1', '--annotations=y=2', '--key=a b', '--yes']);
  assert.equal(parse(words).values.string('key'), 'a b');
});

test("cosign's aliases mean the full names", () => {
  assert.equal(parse(['--cert-identity', 'me']).values.string('certificate-identity'), 'me');
});

test('COSIGN_NAME stands for --name, and the command line wins', () => {
  const environment = { COSIGN_KEY: 'env.key', COSIGN_ANNOTATIONS: 'a=1', COSIGN_YES: '1' };
  assert.equal(parse([], environment).values.string('key'), 'env.key');
  assert.equal(parse([], environment).values.boolean('yes'), true);
  const { values } = parse(['--key', 'given.key', '-a', 'b=2', '-a', 'c=3'], environment);
  assert.equal(values.string('key'), 'given.key');
  assert.deepEqual(values.list('annotations'), ['b=2', 'c=3']);
});

test('a deprecated flag is accepted, and warned about', () => {
  assert.deepEqual(
    parse(['--old']).warnings.map(({ text }) => text),
    ['--old is deprecated: it means nothing'],
  );
});

for (const { name, args, environment = {}, found, closest } of [
  { name: 'an unknown flag, with the nearest', args: ['--kye', 'x'], found: '--kye', closest: '--key' },
  { name: 'half of a name', args: ['--identity=me'], found: '--identity', closest: '--certificate-identity' },
  { name: 'a flag like nothing', args: ['--zzzzzzzz'], found: '--zzzzzzzz', closest: undefined },
  { name: 'an unknown letter', args: ['-z'], found: '-z', closest: undefined },
  { name: 'a value that is none of the choices', args: ['-o', 'xml'], found: 'xml', closest: undefined },
  { name: 'a boolean with nonsense', args: ['--yes=maybe'], found: 'maybe', closest: undefined },
  { name: 'a missing value', args: ['--key'], found: undefined, closest: undefined },
  { name: 'nonsense in the environment', args: [], environment: { COSIGN_YES: 'x' }, found: 'x', closest: undefined },
] as {
  name: string;
  args: string[];
  environment?: Record<string, string>;
  found: string | undefined;
  closest: string | undefined;
}[]) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => parse(args, environment),
      (error: { code?: string; facts?: { found?: string; closest?: string } }) => {
        assert.equal(error.code, 'USAGE_BAD_FLAG');
        assert.equal(error.facts?.found, found);
        assert.equal(error.facts?.closest, closest);
        return true;
      },
    );
  });
}

test('numbers, missing and contradicting flags', () => {
  const { values } = parse(['--key', '70000', '-y', '--old']);
  assert.equal(values.integer('key', 0, 70000), 70000);
  assert.throws(() => values.integer('key', 0, 65535), { code: 'USAGE_BAD_FLAG' });
  assert.throws(() => values.required('certificate-identity'), { code: 'USAGE_BAD_FLAG' });
  assert.throws(
    () => {
      values.exclude('yes', 'old');
    },
    { code: 'USAGE_BAD_FLAG' },
  );
  assert.throws(() => values.string('undeclared'), { code: 'INVARIANT' });
});
