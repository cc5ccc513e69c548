/** A report that can be committed: what was run on what, and what came of it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine } from '../../bench/machine.ts';

export async function writeReport(name: string, lines: readonly string[]): Promise<void> {
  const { hardware, node, commit, date } = describeMachine();
  const header = [`# ${name}`, '', `${date}, commit ${commit}, Node ${node}, ${hardware}.`, ''];
  const text = [...header, ...lines, ''].join('\n');
  console.log(text);
  const folder = join(import.meta.dirname, 'reports');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.md`), text);
}
