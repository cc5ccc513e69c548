import type { Command } from '../grammar/command.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { SNAPSHOT_SIGNER_FLAGS } from '../flags/snapshot-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditTrendCommand: Command = {
  name: 'audit trend',
  summary: 'where a series of snapshots goes, as a table, a chart or metrics',
  operands: 'FOLDER|SNAPSHOT...',
  operandCount: [1, 10_000],
  flags: [
    {
      name: 'every',
      kind: 'string',
      value: 'AGE',
      help: 'how often one is due: tell where one is missing',
      isCommon: true,
    },
    {
      name: 'fail-on',
      kind: 'string',
      value: 'WHAT',
      choices: ['regression'],
      help: 'fail when the newest is worse, or one is missing',
      isCommon: true,
    },
    outputFlag(['table', 'markdown', 'html', 'json', 'prometheus', 'openmetrics']),
    ...SNAPSHOT_SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
  ],
  examples: [
    'sealwright audit trend series/ --every 24h',
    'sealwright audit trend series/ -o html --output-file trend.html',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { showTrend } = await import('../actions/audit-trend.ts');
    await showTrend(context);
  },
};
