import type { Command } from '../grammar/command.ts';
import { DRILL_FLAGS } from '../flags/drill-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { SNAPSHOT_SIGNER_FLAGS } from '../flags/snapshot-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditDiff: Command = {
  name: 'audit diff',
  summary: 'what changed between two snapshots, on one page',
  operands: 'BEFORE AFTER',
  operandCount: [2, 2],
  flags: [
    outputFlag(['markdown', 'html', 'json']),
    {
      name: 'again',
      kind: 'string',
      value: 'SNAPSHOT',
      help: 'one more, minutes after AFTER: tell whether they agree',
      isCommon: true,
    },
    {
      name: 'ticket',
      kind: 'string',
      value: 'URL',
      help: 'where the gap is followed up, for the report',
      isCommon: true,
    },
    {
      name: 'fail-on',
      kind: 'string',
      value: 'WHAT',
      choices: ['regression'],
      help: 'end with an error when anything got worse, or nobody can tell',
      isCommon: true,
    },
    ...DRILL_FLAGS,
    ...SNAPSHOT_SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
  ],
  examples: [
    'sealwright audit diff before.json after.json -o html --output-file report.html',
    'sealwright audit diff before.json after.json --drill drill.json --fail-on regression',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { compareSnapshots } = await import('../actions/audit-diff.ts');
    await compareSnapshots(context);
  },
};
