import type { Command } from '../grammar/command.ts';

export const initialize: Command = {
  name: 'initialize',
  summary: 'start trusting an instance by its TUF root',
  operands: '',
  operandCount: [0, 0],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [0, Infinity],
  flags: [
    {
      name: 'mirror',
      kind: 'string',
      value: 'URL',
      help: "the instance's TUF repository; the public instance's when left out",
      isCommon: true,
    },
    {
      name: 'root',
      kind: 'string',
      value: 'FILE|URL',
      help: 'the root.json to start from, as its keepers gave it to you',
      isCommon: true,
    },
    {
      name: 'root-checksum',
      kind: 'string',
      value: 'HEX',
      help: 'SHA-256 of that root, or sha512:HEX',
      isCommon: true,
    },
    { name: 'staging', kind: 'boolean', help: "Sigstore's staging instance", isCommon: true },
  ],
  examples: ['sealwright initialize', 'sealwright initialize --mirror https://tuf.example.com --root root.json'],
  readsCosignVariables: true,
  work: 'asking the mirror',
  run: async (context) => {
    const { startTrusting } = await import('../actions/initialize.ts');
    await startTrusting(context);
  },
};
