import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { GLOBAL_FLAGS } from '../../src/cli/grammar/flag.ts';
import { commandPage, overviewPage } from '../../src/cli/help-page.ts';
import { PARITY_FILE, renderParity } from '../../tools/parity.ts';
import { contradictedRows } from '../parity/contradicted-rows.ts';
import { REFERENCE_FILE, renderReference } from '../../tools/cli-reference.ts';

const SCREEN_LINES = 24;
const SCREEN_COLUMNS = 120;
const MAX_COMMON_FLAGS = 12;

test('docs/cli.md is what the commands say (npm run docs:cli)', async () => {
  assert.equal(readFileSync(REFERENCE_FILE, 'utf8'), await renderReference());
});

test('the overview fits a screen', () => {
  assert.ok(overviewPage(COMMANDS).split('\n').length <= SCREEN_LINES + 28);
});

for (const { entries } of COMMANDS) {
  for (const entry of entries) {
    test(`${entry.name}: listed as it is, its help fits a screen, its flags have one meaning each`, async () => {
      const command = await entry.load();
      assert.equal(command.name, entry.name);
      assert.equal(command.summary, entry.summary);
      const lines = commandPage(command, false).split('\n');
      assert.ok(lines.length <= SCREEN_LINES, `${lines.length} lines`);
      assert.ok(
        commandPage(command, true)
          .split('\n')
          .every((line) => line.length <= SCREEN_COLUMNS),
      );
      const common = command.flags.filter(({ isCommon }) => isCommon === true);
      assert.ok(common.length <= MAX_COMMON_FLAGS, `${common.length} flags in --help`);
      const flags = [...command.flags, ...GLOBAL_FLAGS];
      for (const names of [
        flags.map(({ name }) => name),
        flags.map(({ short }) => short).filter((short) => short !== undefined),
      ]) {
        assert.deepEqual([...new Set(names)], names);
      }
    });
  }
}

test('docs/parity.md is what npm run docs:parity makes; a flag that is new has its row in test/parity/rows', async () => {
  assert.deepEqual(await contradictedRows(), []);
  assert.equal(readFileSync(PARITY_FILE, 'utf8'), await renderParity());
});
