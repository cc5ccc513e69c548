import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { checkPrivate, forgetStack, readRecordedStack, recordStack } from '../../../src/io/tuf/recorded-stack.ts';
import { temporaryFolder } from '../../servers/trust/repository.ts';

test('a recorded stack comes back as an absolute path, its note for its owner alone', async (t) => {
  const config = join(temporaryFolder(t), 'config', 'sealwright');
  assert.equal(readRecordedStack(config), undefined);
  const dir = temporaryFolder(t);
  await recordStack(config, relative(process.cwd(), dir));
  assert.deepEqual(readRecordedStack(config), { dir });
  assert.equal(statSync(join(config, 'stack.json')).mode & 0o777, 0o600);
  assert.equal(statSync(config).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(config), ['stack.json']);
});

test('the last one recorded counts, and forgetting takes it away', async (t) => {
  const config = temporaryFolder(t);
  await recordStack(config, '/one');
  await recordStack(config, '/two');
  assert.deepEqual(readRecordedStack(config), { dir: '/two' });
  forgetStack(config);
  assert.equal(readRecordedStack(config), undefined);
  forgetStack(config);
});

test('a note that others could have written is refused, and says how to repair it', async (t) => {
  for (const [path, mode] of [
    ['stack.json', 0o620],
    ['stack.json', 0o602],
    ['.', 0o770],
    ['.', 0o707],
  ] as const) {
    const config = temporaryFolder(t);
    await recordStack(config, '/stack');
    chmodSync(join(config, path), mode);
    assert.throws(
      () => readRecordedStack(config),
      (error: Error & { code?: string; facts?: { fix?: string } }) =>
        error.code === 'USAGE_NO_TRUST' && error.facts?.fix?.startsWith('chmod go-w ') === true,
      `${path} ${mode.toString(8)}`,
    );
  }
});

test('what belongs to another user is refused', (t) => {
  const path = temporaryFolder(t);
  checkPrivate(path, statSync(path));
  const theirs = Object.assign(statSync(path), { uid: (process.getuid?.() ?? 0) + 1 });
  assert.throws(
    () => {
      checkPrivate(path, theirs);
    },
    { code: 'USAGE_NO_TRUST' },
  );
});

test('a link instead of a note is refused, wherever it leads', async (t) => {
  const real = temporaryFolder(t);
  await recordStack(real, '/stack');
  const config = temporaryFolder(t);
  symlinkSync(join(real, 'stack.json'), join(config, 'stack.json'));
  assert.throws(() => readRecordedStack(config), { code: 'USAGE_NO_TRUST' });
});

test('a note that does not say one absolute path is refused', (t) => {
  const config = temporaryFolder(t);
  for (const text of [
    '',
    '{}',
    '[]',
    '{"version":1}',
    '{"version":2,"dir":"/stack"}',
    '{"version":1,"dir":"./.sealwright"}',
    '{"version":1,"dir":7}',
    '{"version":1,"dir":"/a","dir":"/b"}',
    `{"version":1,"dir":"/${'x'.repeat(70_000)}"}`,
  ]) {
    writeFileSync(join(config, 'stack.json'), text, { mode: 0o600 });
    assert.throws(() => readRecordedStack(config), { code: 'USAGE_NO_TRUST' }, text.slice(0, 40));
  }
});

test('a folder that cannot be written says so', async (t) => {
  const config = join(temporaryFolder(t), 'file');
  writeFileSync(config, '');
  await assert.rejects(recordStack(config, '/stack'), { code: 'USAGE_FILE' });
  assert.equal(readFileSync(config, 'utf8'), '');
});
