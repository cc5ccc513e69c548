import type { Command } from '../grammar/command.ts';
import { flagsForNamedImages } from './verify.ts';

export const dockerfileVerify: Command = {
  name: 'dockerfile verify',
  summary: 'verify the images that a Dockerfile builds upon',
  operands: 'DOCKERFILE',
  operandCount: [1, 1],
  flags: [
    { name: 'base-image-only', kind: 'boolean', help: 'the last stage alone', isCommon: true },
    ...flagsForNamedImages,
  ],
  examples: ['sealwright dockerfile verify --key cosign.pub Dockerfile'],
  readsCosignVariables: true,
  work: 'verifying',
  run: async (context) => {
    const { verifyDockerfile } = await import('../actions/verify-file.ts');
    await verifyDockerfile(context);
  },
};
