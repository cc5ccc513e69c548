import type { Command } from '../grammar/command.ts';
import { SNAPSHOT_SIGNER_FLAGS } from '../flags/snapshot-flags.ts';
import { DRILL_FLAGS } from '../flags/drill-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditTicket: Command = {
  name: 'audit ticket',
  summary: "keep one ticket of what is not proven yet, in the team's own tracker",
  operands: 'SNAPSHOT',
  operandCount: [1, 1],
  flags: [
    {
      name: 'to',
      kind: 'string',
      value: 'PLACE',
      help: 'github:OWNER/REPOSITORY, gitlab:GROUP/PROJECT, jira:PROJECT, or FILE.md',
      isCommon: true,
    },
    { name: 'system', kind: 'string', value: 'NAME', help: 'fail when the snapshot is of another one', isCommon: true },
    { name: 'owner', kind: 'string', value: 'NAME', help: 'who closes the gap', isCommon: true },
    {
      name: 'review',
      kind: 'string',
      value: 'DAY',
      help: 'the next review, such as 2030-01-31 [the next quarter]',
      isCommon: true,
    },
    {
      name: 'close-after',
      kind: 'string',
      value: 'DAYS',
      default: '14',
      help: 'how long the close rule has to hold',
      isCommon: true,
    },
    { name: 'dry-run', kind: 'boolean', help: 'show what would be done, and change nothing', isCommon: true },
    { name: 'fail-while-open', kind: 'boolean', help: 'end with an error until the close rule holds', isCommon: true },
    { name: 'issue-type', kind: 'string', value: 'NAME', default: 'Task', help: 'of a new issue in Jira' },
    outputFlag(['text', 'json']),
    ...SNAPSHOT_SIGNER_FLAGS,
    ...DRILL_FLAGS.map(({ isCommon: _, ...flag }) => flag),
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
  ],
  examples: [
    'sealwright audit ticket now.json --to github:acme/ops --owner payments --dry-run',
    'sealwright audit ticket now.json --to docs/gap.md --review 2030-01-31',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { keepTicket } = await import('../actions/audit-ticket.ts');
    await keepTicket(context);
  },
};
