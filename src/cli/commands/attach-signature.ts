import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const attachSignatureCommand: Command = {
  name: 'attach signature',
  summary: 'attach a signature that was made elsewhere',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [
    {
      name: 'signature',
      kind: 'string',
      value: 'FILE',
      help: 'the signature: a file, or the base64 itself',
      isCommon: true,
    },
    {
      name: 'payload',
      kind: 'string',
      value: 'FILE',
      aliases: ['bundle'],
      help: 'what was signed; or a Sigstore bundle, which has every part inside',
      isCommon: true,
    },
    { name: 'certificate', kind: 'string', value: 'FILE', help: 'the certificate: PEM or DER' },
    { name: 'certificate-chain', kind: 'string', value: 'FILE', help: "its authority's chain, PEM" },
    { name: 'tsr', kind: 'string', value: 'FILE', help: 'the timestamp' },
    { name: 'rekor-response', kind: 'string', value: 'FILE', help: "the log's promise, or its answer" },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright attach signature --signature app.sig --payload app.json registry.example/app@sha256:…'],
  readsCosignVariables: true,
  run: async (context) => {
    const { attachImageSignature } = await import('../actions/attachments.ts');
    await attachImageSignature(context);
  },
};
