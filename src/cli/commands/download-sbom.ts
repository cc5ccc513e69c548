import type { Command } from '../grammar/command.ts';
import { PLATFORM_FLAG } from '../flags/image-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const downloadSbom: Command = {
  name: 'download sbom',
  summary: 'print the SBOM that is attached to an image',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [PLATFORM_FLAG, ...REGISTRY_FLAGS, TAG_PREFIX_FLAG],
  examples: ['sealwright download sbom registry.example/app:1 > app.spdx.json'],
  readsCosignVariables: true,
  run: async (context) => {
    const { downloadSbomCommand } = await import('../actions/download-sbom.ts');
    await downloadSbomCommand(context);
  },
};
