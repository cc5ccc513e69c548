import type { Command } from '../command.ts';

export const generateKeyPair: Command = {
  name: 'generate-key-pair',
  summary: 'make an encrypted key pair',
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'output-key-prefix',
      kind: 'string',
      value: 'PREFIX',
      default: 'cosign',
      help: 'writes PREFIX.key and PREFIX.pub; never over files that are there',
      isCommon: true,
    },
  ],
  examples: ['sealwright generate-key-pair', 'COSIGN_PASSWORD= sealwright generate-key-pair --output-key-prefix ci'],
  readsCosignVariables: true,
  run: async (context) => {
    const { makeKeyPair } = await import('../actions/generate-key-pair.ts');
    await makeKeyPair(context);
  },
};
