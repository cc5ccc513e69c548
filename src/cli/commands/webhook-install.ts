import { LADDER } from '../../core/audit/running-copy.ts';
import type { Command } from '../grammar/command.ts';
import { GUARD_FLAGS, KUBECONFIG_FLAGS } from '../flags/cluster-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';

const SCOPES = ['opt-in', 'opt-out', 'all'] as const;

export const webhookInstall: Command = {
  name: 'webhook install',
  summary: 'put the webhook into a cluster, or print what that takes',
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'image',
      kind: 'string',
      value: 'IMAGE@DIGEST',
      help: 'image of the webhook itself, by digest',
      isCommon: true,
    },
    {
      name: 'image-pull-secret',
      kind: 'list',
      value: 'NAME',
      help: 'Secret of the system namespace with which that image is pulled',
    },
    {
      name: 'trusted-root',
      kind: 'string',
      value: 'FILE',
      help: 'trusted_root.json that signatures are verified by',
      isCommon: true,
    },
    {
      name: 'namespaces',
      kind: 'string',
      value: 'WHICH',
      choices: SCOPES,
      default: 'opt-in',
      help: 'which to guard, by label policy.sigstore.dev/include',
      isCommon: true,
    },
    ...GUARD_FLAGS,
    { name: 'replicas', kind: 'string', value: 'N', default: '2', help: 'how many run at the same time' },
    {
      name: 'failure-policy',
      kind: 'string',
      value: 'POLICY',
      choices: ['Fail', 'Ignore'],
      default: 'Fail',
      help: 'when no replica answers: refuse, or admit unseen',
    },
    { name: 'review-timeout', kind: 'string', value: 'SECONDS', default: '10', help: 'what the API server waits for' },
    {
      name: 'api-server',
      kind: 'list',
      value: 'CIDR',
      help: 'only these addresses may ask the webhook; everybody when absent',
    },
    {
      name: 'evidence',
      kind: 'string',
      value: 'URL',
      help: 'postgres://USER@HOST/DATABASE that replicas share; a file of their own when absent',
    },
    {
      name: 'evidence-secret',
      kind: 'string',
      value: 'NAME',
      default: 'sealwright-evidence',
      help: 'Secret with its password, and perhaps ca.crt',
    },
    ...REVOCATION_FLAGS,
    {
      name: 'allow-http-registry',
      kind: 'boolean',
      help: 'let the replicas speak plain HTTP to registries',
    },
    {
      name: 'watch',
      kind: 'string',
      value: 'RUNG',
      choices: LADDER,
      help: 'run revoke watch beside it, up to this rung',
    },
    { name: 'cert-manager', kind: 'boolean', help: 'let cert-manager renew the certificate, instead of the replicas' },
    {
      name: 'issuer',
      kind: 'string',
      value: 'KIND/NAME',
      help: 'who signs it: Issuer/NAME or ClusterIssuer/NAME; an authority of its own when absent',
    },
    {
      name: 'wait',
      kind: 'string',
      value: 'DURATION',
      default: '2m',
      help: 'how long the first replica may take',
    },
    { name: 'dry-run', kind: 'boolean', help: 'print the objects as YAML, and touch no cluster', isCommon: true },
    {
      name: 'chart',
      kind: 'string',
      value: 'FOLDER',
      help: 'write a Helm chart with the same objects there, and touch no cluster',
      isCommon: true,
    },
    ...KUBECONFIG_FLAGS,
  ],
  examples: ['sealwright webhook install --image HOST/sealwright@sha256:… --trusted-root root.json'],
  readsCosignVariables: false,
  isService: true,
  run: async (context) => {
    const { installInCluster } = await import('../actions/webhook-install.ts');
    await installInCluster(context);
  },
};
