import type { Command } from '../grammar/command.ts';
import { FORCE_FLAG } from '../flags/image-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const clean: Command = {
  name: 'clean',
  summary: 'remove what was attached to an image',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [
    {
      name: 'type',
      nonEmptyInCosign: true,
      kind: 'string',
      value: 'TYPE',
      choices: ['signature', 'attestation', 'referrer', 'sbom', 'all'],
      default: 'all',
      help: 'what to remove, in both formats',
      isCommon: true,
    },
    { ...FORCE_FLAG, help: 'do not ask before' },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright clean --type signature registry.example/app:1'],
  readsCosignVariables: true,
  work: 'removing',
  run: async (context) => {
    const { cleanCommand } = await import('../actions/clean.ts');
    await cleanCommand(context);
  },
};
