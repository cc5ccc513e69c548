import type { Command } from '../grammar/command.ts';
import { INSTALLATION_FLAGS } from '../flags/emergency-flags.ts';

export const planInit: Command = {
  name: 'plan init',
  summary: 'write the emergency plan of this installation, or renew what is generated of it',
  operands: '[FOLDER]',
  operandCount: [0, 1],
  flags: [
    { name: 'force', kind: 'boolean', help: 'write over generated parts that somebody has changed', isCommon: true },
    ...INSTALLATION_FLAGS,
  ],
  examples: [
    'sealwright plan init --dir ~/stack --policy policies/',
    'sealwright plan init emergency-plan --revocations revocations.json --revocation-authority revocation-authority.json',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { writeEmergencyPlan } = await import('../actions/plan-init.ts');
    await writeEmergencyPlan(context);
  },
};
