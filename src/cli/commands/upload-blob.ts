import type { Command } from '../grammar/command.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';

export const uploadBlob: Command = {
  name: 'upload blob',
  summary: 'push files as an artifact',
  operands: 'REFERENCE',
  operandCount: [1, 1],
  flags: [
    {
      name: 'files',
      short: 'f',
      kind: 'list',
      value: 'FILE[:OS/ARCH]',
      help: 'a file, and the platform that it is for',
      isCommon: true,
    },
    {
      name: 'ct',
      kind: 'string',
      value: 'TYPE',
      help: 'media type; found out from the content when absent',
      isCommon: true,
    },
    { name: 'annotation', short: 'a', kind: 'list', value: 'KEY=VALUE', help: 'noted in the manifest', isCommon: true },
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
  ],
  examples: ['sealwright upload blob -f app:linux/amd64 -f app.exe:windows/amd64 registry.example/app-binaries:1'],
  readsCosignVariables: true,
  work: 'uploading',
  run: async (context) => {
    const { uploadBlobCommand } = await import('../actions/upload.ts');
    await uploadBlobCommand(context);
  },
};
