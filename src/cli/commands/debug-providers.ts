import type { Command } from '../grammar/command.ts';

export const debugProviders: Command = {
  name: 'debug providers',
  summary: 'which providers of identity tokens there are here',
  operands: '',
  // As cosign, which reads no words behind it and complains of none.
  operandCount: [0, Infinity],
  flags: [],
  examples: ['sealwright debug providers'],
  readsCosignVariables: false,
  run: async ({ terminal, environment, compat }) => {
    const { isOffered, TOKEN_PROVIDERS } = await import('../../io/oidc/offered-tokens.ts');
    for (const provider of TOKEN_PROVIDERS) {
      // cosign knows no provider for CircleCI.
      if (compat && provider === 'circleci') continue;
      terminal.result(`${provider}: ${String(await isOffered(provider, environment))}`);
    }
  },
};
