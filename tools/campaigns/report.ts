/** A report that can be committed: what was run on what, and what came of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine } from '../../bench/machine.ts';

export async function writeReport(name: string, lines: readonly string[]): Promise<void> {
  const { hardware, node, commit, date } = describeMachine();
  const header = [`# ${name}`, '', `${date}, commit ${commit}, Node ${node}, ${hardware}.`, ''];
  const text = [...header, ...lines, ''].join('\n');
  await writeFile(join(import.meta.dirname, 'reports', `${name}.md`), text);
  console.log(text);
}
