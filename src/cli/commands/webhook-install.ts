import type { Command } from '../grammar/command.ts';
import { KUBECONFIG_FLAGS } from '../flags/cluster-flags.ts';
import { INSTALLATION_FLAGS } from '../flags/installation-flags.ts';

export const webhookInstall: Command = {
  name: 'webhook install',
  summary: 'put the webhook into a cluster, or print what that takes',
  operands: '',
  operandCount: [0, 0],
  flags: [
    ...INSTALLATION_FLAGS,
    {
      name: 'unset',
      kind: 'list',
      value: 'FLAG[=VALUE]',
      help: 'forget what an earlier installation chose by this flag, or one value of a list',
    },
    {
      name: 'reset',
      kind: 'boolean',
      help: 'forget all of it: only the flags that are given now hold',
    },
    {
      name: 'wait',
      kind: 'string',
      value: 'DURATION',
      default: '2m',
      help: 'how long the first replica may take',
    },
    { name: 'dry-run', kind: 'boolean', help: 'print the objects as YAML, and touch no cluster', isCommon: true },
    {
      name: 'chart',
      kind: 'string',
      value: 'FOLDER',
      help: 'write a Helm chart with the same objects there, and touch no cluster',
      isCommon: true,
    },
    ...KUBECONFIG_FLAGS,
  ],
  examples: [
    'sealwright webhook install --image HOST/sealwright@sha256:… --trusted-root root.json',
    'sealwright webhook install --namespaces all',
  ],
  readsCosignVariables: false,
  isService: true,
  run: async (context) => {
    const { installInCluster } = await import('../actions/webhook-install.ts');
    await installInCluster(context);
  },
};
