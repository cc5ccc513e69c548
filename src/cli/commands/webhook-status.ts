import type { Command } from '../grammar/command.ts';
import { KUBECONFIG_FLAGS } from '../flags/cluster-flags.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';

export const webhookStatusCommand: Command = {
  name: 'webhook status',
  summary: "a cluster's webhooks: who answers, and what is wrong",
  operands: '',
  operandCount: [0, 0],
  flags: [OUTPUT_FLAG, ...KUBECONFIG_FLAGS],
  examples: ['sealwright webhook status'],
  readsCosignVariables: false,
  run: async (context) => {
    const { showWebhookStatus } = await import('../actions/webhook-status.ts');
    await showWebhookStatus(context);
  },
};
