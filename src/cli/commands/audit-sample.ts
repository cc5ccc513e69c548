import type { Command } from '../grammar/command.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { SNAPSHOT_SIGNER_FLAGS } from '../flags/snapshot-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditSampleCommand: Command = {
  name: 'audit sample',
  summary: 'entries of snapshots for an auditor, drawn so that anybody can draw them again',
  operands: 'FOLDER|SNAPSHOT...',
  operandCount: [1, 10_000],
  flags: [
    { name: 'n', short: 'n', kind: 'string', value: 'COUNT', default: '25', help: 'how many', isCommon: true },
    {
      name: 'seed',
      kind: 'string',
      value: 'TEXT',
      help: "what is drawn by; the auditor's choice, made after the snapshots",
      isCommon: true,
    },
    { name: 'state', kind: 'list', value: 'STATE', help: 'draw from these states alone', isCommon: true },
    outputFlag(['text', 'markdown', 'json']),
    ...SNAPSHOT_SIGNER_FLAGS,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
  ],
  examples: ['sealwright audit sample series/ --n 25 --seed 2030-Q1 -o markdown'],
  readsCosignVariables: false,
  run: async (context) => {
    const { takeSample } = await import('../actions/audit-sample.ts');
    await takeSample(context);
  },
};
