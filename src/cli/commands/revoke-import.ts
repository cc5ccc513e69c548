import type { Command } from '../grammar/command.ts';
import { AUTHORITY_FLAG } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokeImport: Command = {
  name: 'revoke import',
  summary: 'bring a snapshot to a site without a network, with the age that it may have',
  operands: 'FILE',
  operandCount: [1, 1],
  flags: [
    {
      name: 'max-age',
      kind: 'string',
      value: 'AGE',
      help: 'how old it may be, from when it was issued: refused later',
      isCommon: true,
    },
    { ...AUTHORITY_FLAG, isCommon: true },
    ...TRUST_FLAGS,
  ],
  examples: ['sealwright revoke import --max-age 720h --revocation-authority authority.json revocations.json'],
  readsCosignVariables: false,
  run: async (context) => {
    const { importRevocations } = await import('../actions/revoke-import.ts');
    await importRevocations(context);
  },
};
