import type { Command } from '../grammar/command.ts';
import { POLICY_NAMESPACE_FLAG } from '../flags/cluster-flags.ts';
import { outputFlag } from '../flags/output-flag.ts';
import { CLUSTER_PICTURE_FLAGS, NO_MATCH_FLAG, POLICY_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { seldom } from '../flags/snapshot-flags.ts';
import { STANDING_FLAGS } from '../flags/standing-flags.ts';
import { TOKEN_FLAGS } from '../flags/token-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from '../flags/trust-flags.ts';

export const auditKeys: Command = {
  name: 'audit keys',
  summary: 'what rests on long-lived keys, and the next step from a key to an identity',
  operands: '[IMAGE...]',
  operandCount: [0, 10_000],
  flags: [
    { ...POLICY_FLAG, value: 'FILE', help: 'the policies that name the keys: one file' },
    TRUSTROOT_FLAG,
    {
      name: 'certificate-identity',
      kind: 'string',
      value: 'NAME',
      help: 'who shall sign in the place of the keys',
      isCommon: true,
    },
    {
      name: 'certificate-oidc-issuer',
      kind: 'string',
      value: 'URL',
      help: 'who authenticates them',
      isCommon: true,
    },
    { name: 'migrate', kind: 'boolean', help: 'show the next step, and change nothing', isCommon: true },
    {
      name: 'sign',
      kind: 'boolean',
      help: 'with --migrate: sign what rests on a key alone, with one login',
      isCommon: true,
    },
    {
      name: 'apply',
      kind: 'boolean',
      help: 'with --migrate: write the next step into the policy file',
      isCommon: true,
    },
    {
      name: 'overlap',
      kind: 'string',
      value: 'DURATION',
      default: '720h',
      help: 'how long both may sign',
    },
    outputFlag(['text', 'json']),
    ...STANDING_FLAGS,
    ...CLUSTER_PICTURE_FLAGS,
    POLICY_NAMESPACE_FLAG,
    NO_MATCH_FLAG,
    ...TRUST_FLAGS,
    ...[SIGNING_CONFIG_FLAG, ...TOKEN_FLAGS].map(seldom),
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: [
    'sealwright audit keys --policy policy.yaml --certificate-identity ci@acme.example --certificate-oidc-issuer https://…',
  ],
  readsCosignVariables: false,
  work: 'looking at what rests on keys',
  run: async (context) => {
    const { showKeys } = await import('../actions/audit-keys.ts');
    await showKeys(context);
  },
};
