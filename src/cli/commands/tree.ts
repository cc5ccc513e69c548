import type { Command } from '../grammar/command.ts';
import type { Flag } from '../grammar/flag.ts';
import { EXPERIMENTAL_OCI_FLAG } from '../flags/deprecated-flags.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
import { REFERRERS_MODE_FLAG } from '../flags/image-flags.ts';
import { REGISTRY_FLAGS, TAG_PREFIX_FLAG } from '../flags/registry-flags.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const tree: Command = {
  name: 'tree',
  summary: 'what belongs to an image: signatures, attestations, SBOMs; who signed, and whether it holds',
  operands: 'IMAGE',
  operandCount: [1, 1],
  flags: [
    OUTPUT_FLAG,
    ...TRUST_FLAGS,
    // cosign's tree judges nothing, and reads none of these from the environment.
    ...SIGNER_FLAGS.map((flag): Flag => ({ ...flag, isOurs: true })),
    ...REGISTRY_FLAGS,
    TAG_PREFIX_FLAG,
    EXPERIMENTAL_OCI_FLAG,
    { ...REFERRERS_MODE_FLAG, deprecated: 'every format is shown' },
  ],
  examples: ['sealwright tree registry.example/app:1'],
  readsCosignVariables: true,
  work: 'looking',
  run: async (context) => {
    const { treeCommand } = await import('../actions/tree.ts');
    await treeCommand(context);
  },
};
