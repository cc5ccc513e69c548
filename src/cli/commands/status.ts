import { StackFolder } from '../../servers/stack/stack-folder.ts';
import { readStatus, type StackStatus } from '../../servers/stack/stack-status.ts';
import type { Command } from '../grammar/command.ts';
import { OUTPUT_FLAG, OWN_STACK_FLAG, ownStackFolder } from '../flags/stack-flags.ts';

export const status: Command = {
  name: 'status',
  summary: 'what runs in a folder, and where',
  operands: '',
  operandCount: [0, 0],
  flags: [OWN_STACK_FLAG, OUTPUT_FLAG],
  examples: ['sealwright status -o json'],
  readsCosignVariables: false,
  run: (context) => {
    const { flags, terminal } = context;
    const running = readStatus(new StackFolder(ownStackFolder(context)));
    if (flags.string('output') === 'json') terminal.result(JSON.stringify(running, null, 2));
    else for (const line of describe(running)) terminal.result(line);
    return Promise.resolve();
  },
};

function describe(running: StackStatus): readonly string[] {
  const rows: readonly (readonly [string, string])[] = [
    ['pid', String(running.pid)],
    ['url', running.url],
    ['registry', running.registry],
    ['issuer', running.issuer],
    ['trusted root', running.trustedRoot],
    ['signing config', running.signingConfig],
    ['TUF mirror', running.tuf.mirror],
    ['TUF root', running.tuf.root],
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}`);
}
