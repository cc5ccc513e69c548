import type { Command } from '../grammar/command.ts';
import { INSTALLATION_FLAGS } from '../flags/emergency-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';

export const planCheck: Command = {
  name: 'plan check',
  summary: 'what is missing in the emergency plan, or no longer true',
  operands: '[FOLDER]',
  operandCount: [0, 1],
  flags: [
    {
      name: 'drill-days',
      kind: 'string',
      value: 'DAYS',
      default: '90',
      help: 'how old the last drill may be',
      isCommon: true,
    },
    {
      name: 'tabletop-days',
      kind: 'string',
      value: 'DAYS',
      default: '180',
      help: 'and the last tabletop',
      isCommon: true,
    },
    outputFlag(['text', 'json']),
    ...INSTALLATION_FLAGS,
  ],
  examples: ['sealwright plan check --dir ~/stack --policy policies/', 'sealwright plan check emergency-plan -o json'],
  readsCosignVariables: false,
  run: async (context) => {
    const { checkEmergencyPlan } = await import('../actions/plan-check.ts');
    await checkEmergencyPlan(context);
  },
};
