import type { Command } from '../grammar/command.ts';

export const bundleUpgrade: Command = {
  name: 'bundle upgrade',
  summary: 'a bundle of version 0.1 or 0.2 as one of version 0.3',
  operands: 'FILE',
  operandCount: [1, 1],
  flags: [
    { name: 'out', kind: 'string', value: 'FILE', help: 'write it here; else to stdout', isCommon: true },
    {
      name: 'rekor-url',
      kind: 'string',
      value: 'URL',
      default: 'https://rekor.sigstore.dev',
      help: 'the log to ask for the proof of an entry that has only a promise',
    },
  ],
  examples: ['sealwright bundle upgrade --out new.sigstore.json old.sigstore.json'],
  readsCosignVariables: false,
  work: 'asking the log',
  run: async (context) => {
    const { upgradeBundleFile } = await import('../actions/bundle.ts');
    await upgradeBundleFile(context);
  },
};
