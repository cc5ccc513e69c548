/** cosign's command line has the rows, the rows have the tests, and what is not there is refused, never ignored. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { findCommand, COMMANDS } from '../../src/cli/command-table.ts';
import { GLOBAL_FLAGS } from '../../src/cli/grammar/flag.ts';
import { openFields, PARITY_FILE, parityTables } from '../../tools/parity.ts';
import { errorCode, Sandbox } from '../support/command-line.ts';
import { peer } from '../support/peers.ts';
import { SameProcess } from '../support/same-process.ts';
import type { CommandRow } from './command-rows.ts';
import { partsOf } from './contradicted-rows.ts';
import { keptCommandLine, readCommandLine } from './cosign-command-line.ts';
import { faultsOf } from './parity-table.ts';
import { ALL_ROWS } from './rows/all-rows.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
after(() => {
  sandbox.remove();
});

const of = (...verdicts: readonly string[]): readonly CommandRow[] =>
  ALL_ROWS.filter(({ verdict }) => verdicts.includes(verdict));

/** How a test may spell it. */
async function namesOf({ command, flag }: ReturnType<typeof partsOf>): Promise<readonly string[]> {
  const declared = command === '' ? GLOBAL_FLAGS : ((await findCommand(command)?.load())?.flags ?? []);
  const letter = declared.find(({ name }) => name === flag)?.short;
  return letter === undefined ? [flag] : [flag, `'-${letter}'`];
}

test('what is kept of cosign’s command line is what cosign says', async (t) => {
  const cosign = peer(t, 'cosign');
  if (cosign === undefined) return;
  assert.deepEqual(await readCommandLine(cosign, keptCommandLine()), keptCommandLine());
});

test('each command and flag of cosign’s has one row, and each row is one of cosign’s', () => {
  const fields = parityTables(keptCommandLine()).flatMap((table) => table.fields);
  assert.ok(fields.length > 700);
  assert.deepEqual(ALL_ROWS.map(({ field }) => field).toSorted(), fields.toSorted());
});

test('every row is same, safer or refused, and names a test that is there and says the flag’s name', async () => {
  assert.deepEqual(
    ALL_ROWS.filter(({ verdict }) => !['same', 'safer', 'refused'].includes(verdict)),
    [],
  );
  const faults: string[] = [];
  for (const row of ALL_ROWS) faults.push(...faultsOf(row, await namesOf(partsOf(row))));
  assert.deepEqual(faults, []);
});

test('a row that is missing, or names no test, is open, and the page is not made', () => {
  const [first, ...rest] = ALL_ROWS;
  assert.ok(first !== undefined);
  const table = { title: '', fields: ALL_ROWS.map(({ field }) => field), rows: ALL_ROWS };
  assert.deepEqual(openFields([table]), []);
  assert.deepEqual(openFields([{ ...table, rows: rest }]), [first.field]);
  const { field, verdict } = first;
  assert.deepEqual(openFields([{ ...table, rows: [{ field, verdict }, ...rest] }]), [first.field]);
});

test('what is safer or refused says how', () => {
  assert.deepEqual(
    of('safer', 'refused').filter(({ how = '' }) => how === ''),
    [],
  );
});

/** What else the commands want, so that it is the flag that they refuse: `--sk`, `--slot`, `--local-image`. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  sign: ['localhost:1/a:1'],
  'sign-blob': ['there.json'],
  attest: ['--predicate', 'there.json', 'localhost:1/a:1'],
  'attest-blob': ['--predicate', 'there.json', 'there.json'],
  verify: ['localhost:1/a:1'],
  'verify-attestation': ['localhost:1/a:1'],
  'verify-blob': ['--bundle', 'there.json', 'there.json'],
  'verify-blob-attestation': ['--bundle', 'there.json', 'there.json'],
  'dockerfile verify': ['Dockerfile'],
  'manifest verify': ['pod.yaml'],
  'bundle create': ['--artifact', 'there.json', '--signature', 'there.json'],
};

test('what is refused is refused by name, before anything is asked or written', async () => {
  sandbox.write('there.json', '{}');
  sandbox.write('Dockerfile', 'FROM localhost:1/a:1\n');
  sandbox.write('pod.yaml', 'kind: Pod\nspec:\n  containers:\n  - image: localhost:1/a:1\n');
  for (const row of of('refused')) {
    const { command, flag } = partsOf(row);
    if (flag === '') continue;
    const declared = (await findCommand(command)?.load())?.flags.find(({ name }) => name === flag);
    const value = declared?.kind === 'boolean' ? `--${flag}` : `--${flag}=x`;
    const ended = await line.run([...command.split(' '), value, ...(BESIDE[command] ?? [])]);
    assert.equal(ended.exitCode, 1, row.field);
    assert.equal(errorCode(ended), 'USAGE_BAD_FLAG', `${row.field}: ${ended.stderr}`);
    assert.ok(ended.stderr.includes(`--${flag}`), `${row.field}: ${ended.stderr}`);
  }
});

test('every flag that there is stands on the page', async () => {
  const page = readFileSync(PARITY_FILE, 'utf8');
  for (const { name, load } of COMMANDS.flatMap(({ entries }) => entries)) {
    for (const flag of (await load()).flags) {
      const isThere =
        page.includes(`| \`${name} --${flag.name}\` |`) ||
        new RegExp(`^\\| \`${name}\` \\| .*\`--${flag.name}\``, 'm').test(page);
      assert.ok(isThere, `${name} --${flag.name}`);
    }
  }
});

/** Cosign's in other commands, and harmless: a name for a kind of key, and a file to trust. */
const SHARED = new Set(['signing-algorithm', 'trusted-root']);

test('a variable of the environment sets no flag that cosign does not have in that command', async () => {
  const { global, commands } = keptCommandLine();
  for (const { load } of COMMANDS.flatMap(({ entries }) => entries)) {
    const { name, flags, readsCosignVariables } = await load();
    if (!readsCosignVariables) continue;
    const known = new Set([...global, ...(commands[name]?.flags ?? []), ...(commands[name]?.hidden ?? [])]);
    const strangers = flags.filter((flag) => !known.has(flag.name) && flag.isOurs !== true && !SHARED.has(flag.name));
    assert.deepEqual(
      strangers.map((flag) => `${name} --${flag.name}`),
      [],
    );
    const cosigns = flags.filter((flag) => known.has(flag.name) && flag.isOurs === true);
    assert.deepEqual(
      cosigns.map((flag) => `${name} --${flag.name}`),
      [],
    );
  }
});
