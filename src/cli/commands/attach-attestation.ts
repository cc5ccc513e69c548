import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const attachAttestationCommand: Command = {
  name: 'attach attestation',
  summary: 'attach attestations that were made elsewhere',
  operands: 'IMAGE',
  operandCount: [1, 1],
  // It reads no words behind, and complains of none.
  cosignOperandCount: [1, Infinity],
  flags: [
    {
      name: 'attestation',
      kind: 'list',
      value: 'FILE',
      help: 'a Sigstore bundle or a DSSE envelope; may be repeated',
      isCommon: true,
    },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright attach attestation --attestation provenance.json registry.example/app@sha256:…'],
  readsCosignVariables: true,
  run: async (context) => {
    const { attachImageAttestations } = await import('../actions/attachments.ts');
    await attachImageAttestations(context);
  },
};
