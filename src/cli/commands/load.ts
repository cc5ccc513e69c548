import type { Command } from '../grammar/command.ts';
import { FOLDER_FLAG } from '../flags/image-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const load: Command = {
  name: 'load',
  summary: 'push an image that was saved, with all that belongs to it',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [FOLDER_FLAG, ...REGISTRY_FLAGS, TAG_PREFIX_FLAG],
  examples: ['sealwright load --dir ./app registry.example/app:1'],
  readsCosignVariables: true,
  work: 'loading',
  run: async (context) => {
    const { loadCommand } = await import('../actions/load.ts');
    await loadCommand(context);
  },
};
