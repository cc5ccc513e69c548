import type { Command } from '../grammar/command.ts';
import { OWN_STACK_FLAG } from '../flags/stack-flags.ts';

export const devToken: Command = {
  name: 'dev-token',
  summary: "a test identity token of the stack's development issuer",
  operands: '',
  operandCount: [0, 0],
  flags: [
    OWN_STACK_FLAG,
    { name: 'email', kind: 'string', value: 'ADDRESS', help: 'whose token it is to be', isCommon: true },
    {
      name: 'audience',
      kind: 'string',
      value: 'NAME',
      default: 'sigstore',
      help: 'who is to accept it',
      isCommon: true,
    },
  ],
  examples: ['SIGSTORE_ID_TOKEN=$(sealwright dev-token --email dev@example.com) sealwright sign IMAGE'],
  readsCosignVariables: false,
  run: async (context) => {
    const { printTestToken } = await import('../actions/dev-token.ts');
    await printTestToken(context);
  },
};
