import type { Command } from '../grammar/command.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';

export const why: Command = {
  name: 'why',
  summary: 'why an object or image was admitted or refused, also after the fact',
  operands: 'POD|IMAGE|DIGEST',
  operandCount: [1, 1],
  flags: [
    {
      name: 'ledger',
      kind: 'string',
      value: 'FOLDER',
      help: 'where sealwright webhook --ledger keeps its decisions',
      isCommon: true,
    },
    {
      name: 'webhook',
      kind: 'string',
      value: 'URL',
      help: 'ask a running webhook instead: its --ledger-port, forwarded',
      isCommon: true,
    },
    {
      name: 'namespace',
      short: 'n',
      kind: 'string',
      value: 'NAME',
      help: 'only about objects of this namespace',
      isCommon: true,
    },
    {
      name: 'limit',
      kind: 'string',
      value: 'NUMBER',
      default: '1',
      help: 'so many decisions, the youngest first',
      isCommon: true,
    },
    OUTPUT_FLAG,
  ],
  examples: [
    'sealwright why shop/web-7d9f --ledger /var/lib/sealwright/ledger',
    'sealwright why registry.example/app@sha256:… --webhook http://127.0.0.1:8444 -o json',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { explainDecisions } = await import('../actions/why.ts');
    await explainDecisions(context);
  },
};
