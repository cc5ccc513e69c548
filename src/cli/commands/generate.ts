import type { Command } from '../grammar/command.ts';
import { annotationFlag } from '../flags/annotation-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const generate: Command = {
  name: 'generate',
  summary: 'print the simple-signing payload of an image, unsigned',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [annotationFlag('noted in the payload'), ...REGISTRY_FLAGS, TAG_PREFIX_FLAG],
  examples: ['sealwright generate -a build=42 registry.example/app:1'],
  readsCosignVariables: true,
  run: async (context) => {
    const { generateCommand } = await import('../actions/generate.ts');
    await generateCommand(context);
  },
};
