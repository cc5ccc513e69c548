/**
 * Makes `docs/parity.md` of the rows in `test/parity`: `npm run docs:parity`. With `--read COSIGN` it first asks that
 * executable anew what it has, which takes a minute.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { COMMANDS } from '../src/cli/command-table.ts';
import { fieldOf, type CommandRow, type CommandVerdict } from '../test/parity/command-rows.ts';
import {
  COMMAND_LINE_FILE,
  keptCommandLine,
  readCommandLine,
  type CosignCommandLine,
} from '../test/parity/cosign-command-line.ts';
import type { ParityTable } from '../test/parity/parity-table.ts';
import { ALL_ROWS } from '../test/parity/rows/all-rows.ts';
import { parityTable, verdictCounts } from './parity-page.ts';

export const PARITY_FILE = join(resolve(import.meta.dirname, '..'), 'docs', 'parity.md');

const WORDS: Readonly<Record<CommandVerdict, string>> = {
  same: 'same',
  safer: '**safer**',
  refused: 'refused',
};

/** Each command of cosign's, with its flags. */
export function parityTables(line: CosignCommandLine): readonly ParityTable<CommandVerdict>[] {
  const table = (title: string, fields: readonly string[]): ParityTable<CommandVerdict> => ({
    title,
    fields,
    rows: ALL_ROWS.filter(({ field }) => fields.includes(field)),
  });
  return [
    table(
      'Every command',
      line.global.map((flag) => fieldOf('', flag)),
    ),
    ...Object.entries(line.commands).map(([name, { flags, hidden }]) =>
      table(
        name,
        ['', ...flags, ...hidden].map((flag) => fieldOf(name, flag)),
      ),
    ),
  ];
}

/** What nothing is said about, or nothing that a test holds: the page has no word for it. */
export function openFields(tables: readonly ParityTable<CommandVerdict>[]): readonly string[] {
  return tables.flatMap(({ fields, rows }) =>
    fields.filter((field) => rows.find((row) => row.field === field)?.proof === undefined),
  );
}

export async function renderParity(): Promise<string> {
  const line = keptCommandLine();
  const tables = parityTables(line);
  const rows: readonly CommandRow[] = tables.flatMap((table) => table.rows);
  const open = openFields(tables);
  if (open.length > 0) throw new Error(`no row, or none with a test, for ${open.join(', ')}: see test/parity/rows`);
  return [
    '# cosign’s command line, flag by flag',
    '',
    `Made by \`npm run docs:parity\`. The left column is read from cosign ${line.version} itself: every command and every flag of its help, and those`,
    'that it takes without listing them, because they are deprecated. *Same* and *safer* rows name a test that fails when the flag is',
    'ignored; *refused* is known, and never done, and the refusal names it. Nothing is ignored, and nothing is left open.',
    'Where a default differs, [differences.md](differences.md) says how and why; with `--compat cosign`, or called as `cosign`, it does not.',
    '',
    `${Object.keys(line.commands).length} commands, ${rows.length} rows: ${verdictCounts(rows, WORDS)}.`,
    '',
    ...tables.flatMap((table) => parityTable(table, WORDS, 'flags')),
    ...(await beyond(line)),
  ].join('\n');
}

/** What cosign has not, so that every flag there is can be found on the page. */
async function beyond({ commands }: CosignCommandLine): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { name, load } of COMMANDS.flatMap(({ entries }) => entries)) {
    const theirs = commands[name];
    const known = new Set([...(theirs?.flags ?? []), ...(theirs?.hidden ?? [])]);
    const ours = (await load()).flags.filter((flag) => !known.has(flag.name)).map((flag) => `\`--${flag.name}\``);
    if (ours.length > 0 || theirs === undefined) lines.push(`| \`${name}\` | ${ours.join(', ') || '–'} |`);
  }
  return [
    '## Beyond cosign',
    '',
    'What [cli.md](cli.md) describes and cosign has not.',
    '',
    '| Command | Flags of our own |',
    '|---|---|',
    ...lines,
    '',
  ];
}

if (import.meta.main) {
  const [option, executable] = process.argv.slice(2);
  if (option === '--read' && executable !== undefined) {
    writeFileSync(COMMAND_LINE_FILE, `${JSON.stringify(await readCommandLine(executable), null, 2)}\n`);
  }
  writeFileSync(PARITY_FILE, await renderParity());
}
