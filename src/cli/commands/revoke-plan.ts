import type { Command } from '../grammar/command.ts';
import { BLAST_FLAGS } from '../flags/blast-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { REVOKED_FLAGS } from '../flags/revoked-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokePlan: Command = {
  name: 'revoke plan',
  summary: 'what a revocation would stop, without making it',
  operands: '[IMAGE]',
  operandCount: [0, 1],
  flags: [
    ...REVOKED_FLAGS,
    ...BLAST_FLAGS,
    outputFlag(['text', 'json']),
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: [
    "sealwright revoke plan --identity 'https://github.com/acme/pay/*' --issuer https://token.actions.githubusercontent.com",
    'sealwright revoke plan --resource rendered.yaml --policy policies/ registry.example/app@sha256:…',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { planRevocation } = await import('../actions/revoke-plan.ts');
    await planRevocation(context);
  },
};
