import type { Command } from '../grammar/command.ts';
import { KUBECONFIG_FLAGS } from '../flags/cluster-flags.ts';

export const webhookUninstall: Command = {
  name: 'webhook uninstall',
  summary: 'take the webhook out of a cluster; policies stay',
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'purge',
      kind: 'boolean',
      help: 'remove the policies, their definitions and the namespace as well',
      isCommon: true,
    },
    { name: 'dry-run', kind: 'boolean', help: 'print what would be removed, in order', isCommon: true },
    ...KUBECONFIG_FLAGS,
  ],
  examples: ['sealwright webhook uninstall'],
  readsCosignVariables: false,
  run: async (context) => {
    const { uninstallFromCluster } = await import('../actions/webhook-uninstall.ts');
    await uninstallFromCluster(context);
  },
};
