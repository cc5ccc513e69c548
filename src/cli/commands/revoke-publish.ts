import type { Command } from '../command.ts';
import { AUTHORITY_FLAG } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokePublish: Command = {
  name: 'revoke publish',
  summary: 'put revocations into the snapshot that verifiers read',
  operands: '[FILE...]',
  operandCount: [0, 1000],
  flags: [
    { ...AUTHORITY_FLAG, default: 'revocation-authority.json', isCommon: true },
    {
      name: 'to',
      kind: 'string',
      value: 'DIR',
      help: 'the running stack of this folder, whose trust root tells it to everybody',
      isCommon: true,
    },
    {
      name: 'replace-authority',
      kind: 'boolean',
      help: 'with --to: another authority takes the place of the one that is told',
    },
    {
      name: 'snapshot',
      kind: 'string',
      value: 'FILE',
      default: 'revocations.json',
      help: 'the snapshot: read, and replaced by the next one',
      isCommon: true,
    },
    { name: 'snapshot-key', kind: 'string', value: 'KEY', help: 'the private key that signs it', isCommon: true },
    {
      name: 'valid-for',
      kind: 'string',
      value: 'DURATION',
      default: '24h',
      help: 'until the next one',
      isCommon: true,
    },
    {
      name: 'notify',
      kind: 'list',
      value: 'URL',
      help: 'webhooks to tell at once: https://…/revocations',
    },
    ...TRUST_FLAGS,
  ],
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
