import type { Command } from '../grammar/command.ts';
import { BLAST_FLAGS } from '../flags/blast-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { SIGNING_FLAGS } from '../flags/signing-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokeApprove: Command = {
  name: 'revoke approve',
  summary: 'agree to a revocation that somebody else has signed',
  operands: 'FILE',
  operandCount: [1, 1],
  flags: [
    { name: 'out', kind: 'string', value: 'FILE', help: 'write it here; else to the file itself', isCommon: true },
    ...BLAST_FLAGS.filter(({ name }) => name !== 'force-stop').map(({ isCommon: _, ...flag }) => flag),
    ...SIGNING_FLAGS,
    ...TOKEN_FLAGS,
    ...TRUST_FLAGS,
    SIGNING_CONFIG_FLAG,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: ['sealwright revoke approve --key ben.key r2.json'],
  readsCosignVariables: false,
  run: async (context) => {
    const { approveStatementOfRevocation } = await import('../actions/revoke-sign.ts');
    await approveStatementOfRevocation(context);
  },
};
