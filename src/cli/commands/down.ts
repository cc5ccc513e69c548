import type { Command } from '../grammar/command.ts';
import { OWN_STACK_FLAG } from '../flags/stack-flags.ts';

export const down: Command = {
  name: 'down',
  summary: 'stop the stack of a folder',
  operands: '',
  operandCount: [0, 0],
  flags: [OWN_STACK_FLAG],
  examples: ['sealwright down'],
  readsCosignVariables: false,
  run: async (context) => {
    const { stop } = await import('../actions/down.ts');
    await stop(context);
  },
};
