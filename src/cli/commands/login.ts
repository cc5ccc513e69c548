import type { Command } from '../grammar/command.ts';

export const login: Command = {
  name: 'login',
  summary: 'keep credentials for a registry',
  operands: '[SERVER]',
  operandCount: [0, 1],
  cosignOperandCount: [1, 1],
  flags: [
    { name: 'username', short: 'u', kind: 'string', value: 'NAME', help: 'user name', isCommon: true },
    {
      name: 'password',
      short: 'p',
      kind: 'string',
      value: 'TEXT',
      help: 'password or token; others on this machine can read it: prefer --password-stdin',
      isCommon: true,
    },
    { name: 'password-stdin', kind: 'boolean', help: 'read it from stdin', isCommon: true },
  ],
  examples: ['sealwright login registry.example -u dev --password-stdin < token'],
  readsCosignVariables: false,
  run: async (context) => {
    const { loginCommand } = await import('../actions/login.ts');
    await loginCommand(context);
  },
};
