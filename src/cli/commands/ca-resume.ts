import type { Command } from '../grammar/command.ts';
import { OWN_STACK_FLAG } from '../flags/stack-flags.ts';
import { SUSPENSION_FLAGS } from '../flags/suspension-flags.ts';

export const caResume: Command = {
  name: 'ca resume',
  summary: 'let an identity have certificates again',
  operands: 'IDENTITY',
  operandCount: [1, 1],
  flags: [...SUSPENSION_FLAGS, OWN_STACK_FLAG],
  examples: [
    "sealwright ca resume --issuer https://token.actions.githubusercontent.com 'https://github.com/acme/pay/*'",
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { resumeIdentity } = await import('../actions/ca-suspension.ts');
    await resumeIdentity(context);
  },
};
