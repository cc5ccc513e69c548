import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const downloadSignature: Command = {
  name: 'download signature',
  summary: "an image's signatures as they are stored, one a line",
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [...REGISTRY_FLAGS, TAG_PREFIX_FLAG],
  examples: ['sealwright download signature registry.example/app:1'],
  readsCosignVariables: true,
  run: async (context) => {
    const { downloadImageSignatures } = await import('../actions/attachments.ts');
    await downloadImageSignatures(context);
  },
};
