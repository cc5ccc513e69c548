import type { Command } from '../grammar/command.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { SNAPSHOT_SIGNER_FLAGS } from '../flags/snapshot-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditInventory: Command = {
  name: 'audit inventory',
  summary: 'who signs: every identity and key in snapshots and in the log, and whether a policy accepts them',
  operands: 'FOLDER|SNAPSHOT...',
  operandCount: [1, 1000],
  flags: [
    { name: 'search-log', kind: 'boolean', help: 'read all of the log as well', isCommon: true },
    { name: 'log', kind: 'string', value: 'URL', help: 'which log of the trusted root; its only one of version 2' },
    { name: 'limit', kind: 'string', value: 'N', default: '1000000', help: 'entries of the log that may be held' },
    outputFlag(['table', 'json', 'markdown']),
    ...SNAPSHOT_SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
  ],
  examples: [
    'sealwright audit inventory snapshots/*.json --search-log',
    'sealwright audit inventory now.json -o markdown --output-file signers.md',
  ],
  readsCosignVariables: false,
  work: 'reading who signs',
  run: async (context) => {
    const { takeInventory } = await import('../actions/audit-inventory.ts');
    await takeInventory(context);
  },
};
