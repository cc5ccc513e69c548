import type { Command } from '../grammar/command.ts';
import { HARDWARE_KEY_FLAGS, KEY_KINDS } from '../flags/key-flags.ts';

export const publicKey: Command = {
  name: 'public-key',
  summary: 'the public half of a key',
  operands: '',
  operandCount: [0, 0],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [0, Infinity],
  flags: [
    {
      name: 'key',
      kind: 'string',
      value: 'KEY',
      help: `a private key: ${KEY_KINDS}`,
      isCommon: true,
    },
    { name: 'outfile', kind: 'string', value: 'FILE', help: 'write it here instead of to stdout', isCommon: true },
    ...HARDWARE_KEY_FLAGS,
  ],
  examples: ['sealwright public-key --key cosign.key', 'sealwright public-key --key k8s://ci/signing --outfile ci.pub'],
  readsCosignVariables: true,
  run: async (context) => {
    const { showPublicKey } = await import('../actions/public-key.ts');
    await showPublicKey(context);
  },
};
