import type { Command } from '../grammar/command.ts';

export const policyConvert: Command = {
  name: 'policy convert',
  summary: 'policies between ClusterImagePolicy and Kyverno, with everything that is lost named',
  operands: 'FILE|FOLDER|URL...',
  operandCount: [1, 1000],
  flags: [
    {
      name: 'to',
      kind: 'string',
      value: 'FORM',
      choices: ['kyverno', 'cip'],
      help: 'into which form; the one that the first policy is not in',
      isCommon: true,
    },
    {
      name: 'allow-looser',
      kind: 'boolean',
      help: 'also policies that let in more than before',
      isCommon: true,
    },
    {
      name: 'output',
      short: 'o',
      kind: 'string',
      value: 'FORMAT',
      choices: ['yaml', 'json'],
      default: 'yaml',
      help: 'the policies, or those with what each has lost',
      isCommon: true,
    },
    {
      name: 'rekor-url',
      kind: 'string',
      value: 'URL',
      default: 'https://rekor.sigstore.dev',
      help: 'the log that signatures are in',
      isCommon: true,
    },
    {
      name: 'system-namespace',
      kind: 'string',
      value: 'NAME',
      default: 'cosign-system',
      help: 'where the Secrets of the policies are',
    },
  ],
  examples: [
    'sealwright policy convert policies/ > kyverno.yaml',
    'sealwright policy convert --to cip kyverno/ > policies.yaml',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { convert } = await import('../actions/policy-convert.ts');
    await convert(context);
  },
};
