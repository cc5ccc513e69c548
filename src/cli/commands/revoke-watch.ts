import { LADDER } from '../../core/audit/running-copy.ts';
import type { Command } from '../grammar/command.ts';
import { SYSTEM_NAMESPACE_FLAG } from '../flags/cluster-flags.ts';
import { CLUSTER_PICTURE_FLAGS, NO_MATCH_FLAG, POLICY_FLAG, TRUSTROOT_FLAG } from '../flags/policy-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

export const revokeWatch: Command = {
  name: 'revoke watch',
  summary: 'find pods that run what is revoked, and end them if told to',
  isService: true,
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'level',
      kind: 'string',
      value: 'RUNG',
      choices: LADDER,
      default: 'report',
      help: 'how far to go with a pod',
      isCommon: true,
    },
    {
      name: 'dry-run',
      kind: 'boolean',
      default: true,
      help: 'ask the API server what it would do, and change nothing',
      isCommon: true,
    },
    { name: 'once', kind: 'boolean', help: 'look once, and end', isCommon: true },
    { name: 'interval', kind: 'string', value: 'DURATION', default: '1m', help: 'between two looks, at most 2m' },
    { name: 'per-minute', kind: 'string', value: 'N', default: '10', help: 'pods that are ended in a minute, at most' },
    { name: 'metrics-port', kind: 'string', value: 'PORT', help: 'serve /metrics and /healthz there while it watches' },
    { name: 'metrics-host', kind: 'string', value: 'ADDRESS', default: '127.0.0.1', help: 'on this address' },
    {
      name: 'force-namespace',
      kind: 'list',
      value: 'NAME',
      help: 'end pods there although the cluster needs them: kube-system, the webhook',
    },
    ...CLUSTER_PICTURE_FLAGS,
    SYSTEM_NAMESPACE_FLAG,
    { ...POLICY_FLAG, help: "what applies, instead of the cluster's own policies" },
    TRUSTROOT_FLAG,
    NO_MATCH_FLAG,
    {
      name: 'output',
      short: 'o',
      kind: 'string',
      value: 'FORMAT',
      choices: ['text', 'json'],
      default: 'text',
      help: 'stdout, a document or some lines for each look',
      isCommon: true,
    },
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: ['sealwright revoke watch --once', 'sealwright revoke watch --level evict --dry-run=false --per-minute 5'],
  readsCosignVariables: false,
  run: async (context) => {
    const { watchRunningCopies } = await import('../actions/revoke-watch.ts');
    await watchRunningCopies(context);
  },
};
