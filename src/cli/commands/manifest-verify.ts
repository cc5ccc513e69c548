import type { Command } from '../grammar/command.ts';
import { flagsForNamedImages } from './verify.ts';

export const manifestVerify: Command = {
  name: 'manifest verify',
  summary: 'verify the images that a Kubernetes manifest runs',
  operands: 'MANIFEST',
  operandCount: [1, 1],
  flags: flagsForNamedImages,
  examples: ['sealwright manifest verify --key cosign.pub deployment.yaml'],
  readsCosignVariables: true,
  work: 'verifying',
  run: async (context) => {
    const { verifyManifest } = await import('../actions/verify-file.ts');
    await verifyManifest(context);
  },
};
