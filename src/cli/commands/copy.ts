import type { Command } from '../grammar/command.ts';
import { FORCE_FLAG, PLATFORM_FLAG } from '../flags/image-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const copy: Command = {
  name: 'copy',
  summary: 'copy an image with its signatures, attestations and all that refers to it',
  operands: 'SOURCE DESTINATION',
  operandCount: [2, 2],
  flags: [
    {
      name: 'only',
      kind: 'list',
      value: 'KINDS',
      help: 'of what belongs to the image, these alone: sig, att, sbom; no tag is written',
      isCommon: true,
    },
    { name: 'sig-only', kind: 'boolean', help: 'signatures alone', deprecated: 'say --only=sig' },
    FORCE_FLAG,
    PLATFORM_FLAG,
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright copy registry.example/app:1 mirror.example/app:1'],
  readsCosignVariables: true,
  work: 'copying',
  run: async (context) => {
    const { copyCommand } = await import('../actions/copy.ts');
    await copyCommand(context);
  },
};
