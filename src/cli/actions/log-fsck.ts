import { IntegrityError } from '../../errors.ts';
import { fsckStack, type LogReport } from '../../servers/stack/stack-fsck.ts';
import { StackFolder } from '../../servers/stack/stack-folder.ts';
import type { CommandContext } from '../grammar/command.ts';
import { ownStackFolder } from '../flags/stack-flags.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { visibleText } from '../terminal/visible-text.ts';

/** @throws IntegrityError STATE_CORRUPT when anything differs, after all of it has been printed */
export async function checkLogs(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const reports = await fsckStack(new StackFolder(ownStackFolder(context)));
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(reports.map(record), null, 2));
  else for (const report of reports) print(terminal, report);
  const differing = reports.filter(({ differences }) => differences.length > 0);
  const [first] = differing;
  if (first === undefined) return;
  const count = differing.reduce((sum, { differences }) => sum + differences.length, 0);
  throw new IntegrityError('STATE_CORRUPT', 'what the logs hold is not what their entries make it', {
    found: `${count} differences, the first in the ${first.log}: ${first.differences[0]?.name ?? ''}`,
    expected: 'tiles and checkpoints that follow from the entries',
  });
}

function print(terminal: Terminal, { log, treeSize, objectsChecked, differences, dir }: LogReport): void {
  if (differences.length === 0) {
    terminal.result(terminal.done(`${log}: ${treeSize ?? 0n} entries, ${objectsChecked} objects checked in ${dir}`));
  }
  for (const { name, found, expected } of differences) {
    terminal.result(`${log}: ${name}\n  found:    ${visibleText(found)}\n  expected: ${visibleText(expected)}`);
  }
}

function record({ log, dir, treeSize, objectsChecked, differences }: LogReport): object {
  return { log, dir, treeSize: treeSize?.toString() ?? null, objectsChecked, differences };
}
