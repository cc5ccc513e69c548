import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const downloadAttestation: Command = {
  name: 'download attestation',
  summary: "print an image's attestations, unverified",
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [
    {
      name: 'predicate-type',
      kind: 'string',
      value: 'TYPE',
      help: 'only those of it: a short name or a URI',
      isCommon: true,
    },
    {
      name: 'platform',
      kind: 'string',
      value: 'OS/ARCH',
      help: 'those of the image that an index names for it',
      isCommon: true,
    },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright download attestation --predicate-type spdxjson registry.example/app:1'],
  readsCosignVariables: true,
  run: async (context) => {
    const { downloadImageAttestations } = await import('../actions/download-attestation.ts');
    await downloadImageAttestations(context);
  },
};
