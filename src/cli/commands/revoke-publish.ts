import type { Command } from '../grammar/command.ts';
import { PUBLICATION_FLAGS } from '../flags/publication-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokePublish: Command = {
  name: 'revoke publish',
  summary: 'put revocations into the snapshot that verifiers read',
  operands: '[FILE...]',
  operandCount: [0, 1000],
  flags: [...PUBLICATION_FLAGS, ...TRUST_FLAGS],
  examples: [
    'sealwright revoke publish --snapshot-key snapshot.key r1.json r2.json',
    'sealwright revoke publish --snapshot-key snapshot.key   # renews it',
    'sealwright revoke publish --to ~/stack --snapshot-key snapshot.key r1.json',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { publishRevocations } = await import('../actions/revoke-publish.ts');
    await publishRevocations(context);
  },
};
