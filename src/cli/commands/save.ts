import type { Command } from '../grammar/command.ts';
import { FOLDER_FLAG } from '../flags/image-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const save: Command = {
  name: 'save',
  summary: 'write an image with all that belongs to it to a folder',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [FOLDER_FLAG, ...REGISTRY_FLAGS, TAG_PREFIX_FLAG],
  examples: [
    'sealwright save --dir ./app registry.example/app:1',
    'sealwright verify --local-image --key cosign.pub ./app',
  ],
  readsCosignVariables: true,
  work: 'saving',
  run: async (context) => {
    const { saveCommand } = await import('../actions/save.ts');
    await saveCommand(context);
  },
};
