import type { Command } from '../grammar/command.ts';

export const importKeyPair: Command = {
  name: 'import-key-pair',
  summary: 'take over a key that another program made',
  operands: '',
  operandCount: [0, 0],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [0, Infinity],
  flags: [
    {
      name: 'key',
      short: 'k',
      kind: 'string',
      value: 'FILE',
      help: 'an unencrypted PEM key: PKCS#1, SEC 1 or PKCS#8',
      isCommon: true,
    },
    {
      name: 'output-key-prefix',
      short: 'o',
      kind: 'string',
      value: 'PREFIX',
      default: 'import-cosign',
      help: 'writes PREFIX.key, encrypted, and PREFIX.pub',
      isCommon: true,
    },
    { name: 'yes', short: 'y', kind: 'boolean', help: 'over files that are there as well', isCommon: true },
  ],
  examples: ['sealwright import-key-pair --key openssl.pem --output-key-prefix release'],
  readsCosignVariables: true,
  run: async (context) => {
    const { takeOverKeyPair } = await import('../actions/import-key-pair.ts');
    await takeOverKeyPair(context);
  },
};
