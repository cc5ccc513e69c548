import type { Command } from '../grammar/command.ts';
import { OWN_STACK_FLAG } from '../flags/stack-flags.ts';
import { SUSPENSION_FLAGS } from '../flags/suspension-flags.ts';

export const caSuspend: Command = {
  name: 'ca suspend',
  summary: 'have the certificate authority of a running stack refuse an identity, at once',
  operands: 'IDENTITY',
  operandCount: [1, 1],
  flags: [
    ...SUSPENSION_FLAGS,
    { name: 'reason', kind: 'string', value: 'TEXT', help: 'why, for whoever is refused', isCommon: true },
    OWN_STACK_FLAG,
  ],
  examples: [
    'sealwright ca suspend --issuer https://token.actions.githubusercontent.com \\',
    "  --reason 'token stolen' 'https://github.com/acme/pay/*'",
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { suspendIdentity } = await import('../actions/ca-suspension.ts');
    await suspendIdentity(context);
  },
};
