import type { Command } from '../grammar/command.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokeStatus: Command = {
  name: 'revoke status',
  summary: 'what is revoked, by whom, and how old the news are',
  operands: '',
  operandCount: [0, 0],
  flags: [
    ...REVOCATION_FLAGS.map((flag) => ({ ...flag, isCommon: true as const })),
    outputFlag(['table', 'json']),
    ...TRUST_FLAGS,
  ],
  examples: [
    'sealwright revoke status --revocations revocations.json --revocation-authority revocation-authority.json',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { tellRevocations } = await import('../actions/revoke-status.ts');
    await tellRevocations(context);
  },
};
