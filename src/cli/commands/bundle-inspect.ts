import type { Command } from '../grammar/command.ts';

export const bundleInspect: Command = {
  name: 'bundle inspect',
  summary: 'what is in a signature bundle, unverified',
  operands: 'FILE',
  operandCount: [1, 1],
  flags: [],
  examples: ['sealwright bundle inspect app.tgz.sigstore.json'],
  readsCosignVariables: false,
  run: async (context) => {
    const { inspectBundle } = await import('../actions/bundle.ts');
    inspectBundle(context);
  },
};
