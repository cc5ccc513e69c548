import type { Command } from '../grammar/command.ts';
import { SYSTEM_NAMESPACE_FLAG } from '../flags/cluster-flags.ts';
import { CLUSTER_PICTURE_FLAGS, NO_MATCH_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { OUTPUT_FLAG } from '../flags/stack-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const policyDiff: Command = {
  name: 'policy diff',
  summary: 'what two sets of policies decide differently',
  operands: 'OLD NEW',
  operandCount: [2, 2],
  flags: [
    { name: 'image', kind: 'list', value: 'IMAGE', help: 'decide about this image by both', isCommon: true },
    { name: 'resource', kind: 'list', value: 'FILE', help: 'decide about the images of these objects', isCommon: true },
    { name: 'cluster', kind: 'boolean', help: 'decide about everything that runs in the cluster', isCommon: true },
    ...CLUSTER_PICTURE_FLAGS,
    SYSTEM_NAMESPACE_FLAG,
    TRUSTROOT_FLAG,
    NO_MATCH_FLAG,
    {
      name: 'fail-on',
      kind: 'string',
      value: 'WHAT',
      choices: ['never', 'looser', 'any'],
      default: 'never',
      help: 'differences that end with exit code 20',
      isCommon: true,
    },
    OUTPUT_FLAG,
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: [
    'sealwright policy diff main/policies/ policies/ --fail-on looser',
    'sealwright policy diff old.yaml new.yaml --cluster',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { diff } = await import('../actions/policy-diff.ts');
    await diff(context);
  },
};
