import type { Command } from '../grammar/command.ts';
import { OWN_STACK_FLAG } from '../flags/stack-flags.ts';

export const caStatus: Command = {
  name: 'ca status',
  summary: 'who gets no certificates from a running stack',
  operands: '[IDENTITY]',
  operandCount: [0, 1],
  flags: [OWN_STACK_FLAG],
  examples: ['sealwright ca status', 'sealwright ca status dev@example.com'],
  readsCosignVariables: false,
  run: async (context) => {
    const { tellSuspensions } = await import('../actions/ca-suspension.ts');
    await tellSuspensions(context);
  },
};
