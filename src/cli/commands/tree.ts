import type { Command } from '../command.ts';
import { EXPERIMENTAL_OCI_FLAG } from '../flags/deprecated-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const tree: Command = {
  name: 'tree',
  summary: 'what belongs to an image: signatures, attestations, SBOMs; who signed, and whether it holds',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [OUTPUT_FLAG, ...TRUST_FLAGS, ...REGISTRY_FLAGS, EXPERIMENTAL_OCI_FLAG],
  examples: ['sealwright tree registry.example/app:1'],
  readsCosignVariables: true,
  run: async (context) => {
    const { treeCommand } = await import('../actions/tree.ts');
    await treeCommand(context);
  },
};
