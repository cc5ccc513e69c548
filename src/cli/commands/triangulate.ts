import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const triangulate: Command = {
  name: 'triangulate',
  summary: 'where the older storage keeps what belongs to an image',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [
    {
      name: 'type',
      nonEmptyInCosign: true,
      kind: 'string',
      value: 'TYPE',
      choices: ['signature', 'attestation', 'sbom', 'digest'],
      default: 'signature',
      help: 'what to name',
      isCommon: true,
    },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright triangulate registry.example/app:1'],
  readsCosignVariables: true,
  run: async (context) => {
    const { triangulateCommand } = await import('../actions/triangulate.ts');
    await triangulateCommand(context);
  },
};
