import type { Command } from '../grammar/command.ts';
import { BLAST_FLAGS } from '../flags/blast-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const tabletop: Command = {
  name: 'tabletop',
  summary: 'walk through an emergency at a table: nothing is signed, and nothing is stopped',
  operands: 'SCENARIO [IMAGE]',
  operandCount: [1, 2],
  flags: [
    {
      name: 'plan',
      kind: 'string',
      value: 'FOLDER',
      default: 'emergency-plan',
      help: 'the emergency plan',
      isCommon: true,
    },
    {
      name: 'draft',
      kind: 'string',
      value: 'NAME',
      help: 'which of its drafted statements [the first]',
      isCommon: true,
    },
    { name: 'from', kind: 'string', value: 'TIME', help: 'since when it would be revoked', isCommon: true },
    { name: 'participant', kind: 'list', value: 'NAME', help: 'who is at the table', isCommon: true },
    { name: 'answer', kind: 'list', value: 'N=TEXT', help: 'what was said to question N', isCommon: true },
    { name: 'record', kind: 'boolean', help: 'keep it with the plan: plan check reads it', isCommon: true },
    outputFlag(['markdown', 'json']),
    ...BLAST_FLAGS.filter(({ name }) => name !== 'force-stop'),
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: [
    'sealwright tabletop hostile-image registry.example/app@sha256:…',
    'sealwright tabletop stolen-identity --from 2026-03-01T08:00:00Z',
    "sealwright tabletop stolen-identity --participant ann --participant ben --answer '1=ann' --record",
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { holdTabletop } = await import('../actions/tabletop.ts');
    await holdTabletop(context);
  },
};
