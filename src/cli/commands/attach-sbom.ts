import type { Command } from '../grammar/command.ts';
import { REFERRERS_MODE_FLAG } from '../flags/image-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const attachSbom: Command = {
  name: 'attach sbom',
  summary: 'attach an SBOM to an image, unsigned',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [
    { name: 'sbom', kind: 'string', value: 'FILE', help: 'the SBOM; - reads stdin', isCommon: true },
    {
      name: 'type',
      nonEmptyInCosign: true,
      kind: 'string',
      value: 'TYPE',
      choices: ['spdx', 'cyclonedx', 'syft'],
      default: 'spdx',
      help: 'what kind of SBOM',
      isCommon: true,
    },
    {
      name: 'input-format',
      kind: 'string',
      value: 'FORMAT',
      choices: ['json', 'xml', 'text'],
      help: "how it is written; by the file's name when absent",
      isCommon: true,
    },
    REFERRERS_MODE_FLAG,
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright attach sbom --sbom app.spdx.json registry.example/app:1'],
  readsCosignVariables: true,
  run: async (context) => {
    const { attachSbomCommand } = await import('../actions/attach-sbom.ts');
    await attachSbomCommand(context);
  },
};
