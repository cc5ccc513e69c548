import type { Command } from '../grammar/command.ts';
import { OWN_STACK_FLAG } from '../flags/stack-flags.ts';

export const up: Command = {
  name: 'up',
  summary: 'CA, logs, timestamps, trust root, issuer and registry in one process',
  operands: '',
  operandCount: [0, 0],
  flags: [
    OWN_STACK_FLAG,
    {
      name: 'port',
      kind: 'string',
      value: 'PORT',
      default: '5080',
      help: 'chosen once for a folder, then kept; 0 picks a free one',
      isCommon: true,
    },
    {
      name: 'host',
      kind: 'string',
      value: 'ADDRESS',
      default: '127.0.0.1',
      help: 'a loopback address; chosen once as well',
      isCommon: true,
    },
    { name: 'detach', kind: 'boolean', help: 'return when the stack is ready, and leave it running', isCommon: true },
  ],
  examples: ['sealwright up', 'sealwright up --detach --dir /tmp/stack --port 0'],
  readsCosignVariables: false,
  isService: true,
  run: async (context) => {
    const { startOrServe } = await import('../actions/up.ts');
    await startOrServe(context);
  },
};
