import type { Command } from '../grammar/command.ts';
import { OUTPUT_FLAG, OWN_STACK_FLAG } from '../flags/stack-flags.ts';

export const logFsck: Command = {
  name: 'log fsck',
  summary: 're-derive every tile of the logs and say what differs',
  operands: '',
  operandCount: [0, 0],
  flags: [OWN_STACK_FLAG, OUTPUT_FLAG],
  examples: ['sealwright log fsck'],
  readsCosignVariables: false,
  isService: true,
  run: async (context) => {
    const { checkLogs } = await import('../actions/log-fsck.ts');
    await checkLogs(context);
  },
};
