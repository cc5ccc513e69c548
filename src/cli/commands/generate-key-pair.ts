import type { Command } from '../grammar/command.ts';

export const generateKeyPair: Command = {
  name: 'generate-key-pair',
  summary: 'make a key pair, encrypted or in a secret or a key service',
  operands: '[k8s://NAMESPACE/SECRET|gitlab://PROJECT]',
  operandCount: [0, 1],
  flags: [
    {
      name: 'output-key-prefix',
      kind: 'string',
      value: 'PREFIX',
      default: 'cosign',
      help: 'writes PREFIX.key and PREFIX.pub; never over files that are there',
      isCommon: true,
    },
    {
      name: 'kms',
      kind: 'string',
      value: 'NAME://KEY',
      help: 'has a key service make the pair, by its program sigstore-kms-NAME; writes PREFIX.pub',
      isCommon: true,
    },
  ],
  examples: [
    'sealwright generate-key-pair',
    'COSIGN_PASSWORD= sealwright generate-key-pair --output-key-prefix ci',
    'sealwright generate-key-pair k8s://ci/signing',
  ],
  readsCosignVariables: true,
  run: async (context) => {
    const { makeKeyPair } = await import('../actions/generate-key-pair.ts');
    await makeKeyPair(context);
  },
};
