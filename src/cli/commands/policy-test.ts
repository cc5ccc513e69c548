import type { Command } from '../grammar/command.ts';
import { NO_MATCH_FLAG, POLICY_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const TRIAL_FORMATS = ['table', 'json', 'junit', 'policy-tester'] as const;

export const policyTest: Command = {
  name: 'policy test',
  summary: 'what the webhook would decide about images and manifests',
  operands: '[IMAGE...]',
  operandCount: [0, 1000],
  flags: [
    POLICY_FLAG,
    { name: 'image', kind: 'list', value: 'IMAGE', help: 'the same as an argument', isCommon: true },
    {
      name: 'resource',
      kind: 'list',
      value: 'FILE',
      help: 'the objects that name the images; without IMAGE, each image that they name',
      isCommon: true,
    },
    {
      name: 'kyverno-test',
      kind: 'list',
      value: 'FILE|FOLDER',
      help: "Kyverno's test files, in the place of all that: the rows of kyverno test",
    },
    TRUSTROOT_FLAG,
    { ...NO_MATCH_FLAG, isCommon: true },
    {
      name: 'output',
      short: 'o',
      kind: 'string',
      value: 'FORMAT',
      choices: TRIAL_FORMATS,
      help: 'stdout, or as policy-tester prints and ends',
      isCommon: true,
    },
    {
      name: 'log-level',
      kind: 'string',
      value: 'LEVEL',
      choices: ['debug', 'info', 'warn', 'error'],
      help: "policy-tester's",
      deprecated: '--verbose shows every request, --quiet less than usual',
    },
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: [
    'sealwright policy test --policy policies/ --resource deployment.yaml',
    'sealwright policy test --policy policy.yaml registry.example/app@sha256:…',
    'sealwright policy test --kyverno-test tests/',
  ],
  readsCosignVariables: false,
  run: async (context) => {
    const { testPolicies } = await import('../actions/policy-test.ts');
    await testPolicies(context);
  },
};
