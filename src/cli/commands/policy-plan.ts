import type { Command } from '../grammar/command.ts';
import { GUARD_FLAGS } from '../flags/cluster-flags.ts';
import { CLUSTER_PICTURE_FLAGS, NO_MATCH_FLAG, POLICY_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const policyPlan: Command = {
  name: 'policy plan',
  summary: 'what enforcing would refuse of everything that runs; the gate to enforce',
  operands: '',
  operandCount: [0, 0],
  flags: [
    { ...POLICY_FLAG, help: "drafts, instead of the cluster's own policies" },
    TRUSTROOT_FLAG,
    ...CLUSTER_PICTURE_FLAGS,
    { ...NO_MATCH_FLAG, isCommon: true },
    {
      name: 'namespaces',
      kind: 'string',
      value: 'WHICH',
      choices: ['opt-in', 'opt-out', 'all'],
      default: 'all',
      help: 'which the webhook guards',
    },
    ...GUARD_FLAGS.filter(({ name }) => name === 'exempt-namespace'),
    {
      name: 'system-namespace',
      kind: 'string',
      value: 'NAME',
      default: 'cosign-system',
      help: 'where the webhook is, which it does not guard',
    },
    {
      name: 'output',
      short: 'o',
      kind: 'string',
      value: 'FORMAT',
      choices: ['text', 'markdown', 'json'],
      default: 'text',
      help: 'how to print',
      isCommon: true,
    },
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: ['sealwright policy plan', 'sealwright policy plan --policy drafts/ -o markdown'],
  readsCosignVariables: false,
  work: 'judging',
  run: async (context) => {
    const { plan } = await import('../actions/policy-plan.ts');
    await plan(context);
  },
};
