import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeOutputFile } from '../../src/cli/terminal/output-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealwright-output-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a file is replaced whole, and a link stays a link', () => {
  const [file, link] = [join(folder, 'file'), join(folder, 'link')];
  writeFileSync(file, 'before');
  symlinkSync(file, link);
  writeOutputFile(link, 'after');
  assert.equal(readFileSync(file, 'utf8'), 'after');
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a link to nothing yet makes the file it names', () => {
  const [file, link, first] = [join(folder, 'later'), join(folder, 'dangling'), join(folder, 'dangling-twice')];
  symlinkSync('later', link);
  symlinkSync('dangling', first);
  writeOutputFile(first, 'after');
  assert.equal(readFileSync(file, 'utf8'), 'after');
  assert.ok(lstatSync(link).isSymbolicLink() && lstatSync(first).isSymbolicLink());
});

test('links in a circle are refused', () => {
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  symlinkSync(one, other);
  symlinkSync(other, one);
  assert.throws(
    () => {
      writeOutputFile(one, 'anything');
    },
    (error: Error & { code: string; facts: { found: string } }) =>
      error.code === 'USAGE_FILE' && error.facts.found === 'ELOOP',
  );
  assert.ok(lstatSync(one).isSymbolicLink());
});

test('a device is written to, and never replaced', (t) => {
  if (!existsSync('/dev/full')) {
    t.skip('no /dev/full here');
    return;
  }
  writeOutputFile('/dev/null', 'anything');
  assert.ok(statSync('/dev/null').isCharacterDevice());
  assert.throws(
    () => {
      writeOutputFile('/dev/full', 'anything');
    },
    (error: Error & { code: string; facts: { found: string } }) =>
      error.code === 'USAGE_FILE' && error.facts.found === 'ENOSPC',
  );
  assert.ok(statSync('/dev/full').isCharacterDevice());
});

test('what cannot be written leaves nothing behind, and what was there as it was', () => {
  writeFileSync(join(folder, 'kept'), 'before');
  for (const path of [join(folder, 'no', 'such', 'folder'), folder]) {
    assert.throws(
      () => {
        writeOutputFile(path, 'anything');
      },
      { code: 'USAGE_FILE' },
    );
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  );
  assert.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'before');
});
