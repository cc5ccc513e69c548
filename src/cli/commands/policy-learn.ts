import type { Command } from '../grammar/command.ts';
import { SYSTEM_NAMESPACE_FLAG } from '../flags/cluster-flags.ts';
import { CLUSTER_PICTURE_FLAGS } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const policyLearn: Command = {
  name: 'policy learn',
  summary: 'the tightest policies that admit what runs, from the signatures on it',
  operands: '[IMAGE...]',
  operandCount: [0, 1000],
  flags: [
    ...CLUSTER_PICTURE_FLAGS,
    SYSTEM_NAMESPACE_FLAG,
    { name: 'resource', kind: 'list', value: 'FILE', help: 'learn from the images in manifests', isCommon: true },
    { name: 'key', kind: 'list', value: 'FILE|URI', help: 'public key of somebody who signs with one', isCommon: true },
    {
      name: 'form',
      kind: 'string',
      value: 'FORM',
      choices: ['cip', 'image-policy', 'kyverno'],
      default: 'cip',
      help: "for the cluster, for each namespace, or Kyverno's",
    },
    {
      name: 'mode',
      kind: 'string',
      value: 'MODE',
      choices: ['warn', 'enforce'],
      default: 'warn',
      help: 'what the policies do',
      isCommon: true,
    },
    { name: 'apply', kind: 'boolean', help: 'put them into the cluster as well', isCommon: true },
    {
      name: 'output',
      short: 'o',
      kind: 'string',
      value: 'FORMAT',
      choices: ['yaml', 'json'],
      default: 'yaml',
      help: 'the policies, or those with all that they rest on',
      isCommon: true,
    },
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: ['sealwright policy learn --apply', 'sealwright policy learn registry.example/app@sha256:… > policy.yaml'],
  readsCosignVariables: false,
  work: 'learning',
  run: async (context) => {
    const { learn } = await import('../actions/policy-learn.ts');
    await learn(context);
  },
};
