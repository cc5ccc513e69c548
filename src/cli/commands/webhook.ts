import type { Command } from '../grammar/command.ts';
import { LEDGER_FLAGS } from '../flags/ledger-flags.ts';
import { GUARD_FLAGS } from '../flags/cluster-flags.ts';
import { REGISTRY_FLAGS } from '../flags/registry-flags.ts';
import { REVOCATION_FLAGS } from '../flags/revocation-flags.ts';
import { TRUST_FLAGS } from '../flags/trust-flags.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8443;
const NO_MATCH = ['deny', 'warn', 'allow'] as const;

export const webhook: Command = {
  name: 'webhook',
  summary: 'Kubernetes admission by ClusterImagePolicy',
  operands: '',
  operandCount: [0, 0],
  flags: [
    {
      name: 'policy',
      kind: 'list',
      value: 'FILE|FOLDER',
      help: 'ClusterImagePolicy and Kyverno policies; reread on change',
      isCommon: true,
    },
    { name: 'in-cluster', kind: 'boolean', help: 'policies of the cluster that this pod runs in', isCommon: true },
    {
      name: 'kubeconfig',
      kind: 'string',
      value: 'FILE',
      help: 'policies of the cluster that it names',
      isCommon: true,
    },
    { name: 'kube-context', kind: 'string', value: 'NAME', help: 'another context of the kubeconfig than its current' },
    {
      name: 'system-namespace',
      kind: 'string',
      value: 'NAME',
      default: 'cosign-system',
      help: 'where the Secrets and ConfigMaps of its policies are',
    },
    ...TRUST_FLAGS,
    ...REVOCATION_FLAGS,
    { name: 'host', kind: 'string', value: 'ADDRESS', default: DEFAULT_HOST, help: 'where to listen', isCommon: true },
    {
      name: 'port',
      kind: 'string',
      value: 'PORT',
      default: String(DEFAULT_PORT),
      help: '0 picks a free one',
      isCommon: true,
    },
    {
      name: 'tls-cert',
      kind: 'string',
      value: 'FILE',
      help: 'serving certificate and its issuers, PEM',
      isCommon: true,
    },
    { name: 'tls-key', kind: 'string', value: 'FILE', help: 'its key, PEM', isCommon: true },
    {
      name: 'self-signed',
      kind: 'string',
      value: 'FOLDER',
      help: 'a certificate of our own instead, kept there; FOLDER/ca.pem for caBundle',
      isCommon: true,
    },
    {
      name: 'self-signed-name',
      kind: 'list',
      value: 'NAME',
      help: 'another name in that certificate, such as NAME.NAMESPACE.svc',
    },
    {
      name: 'certificate-secret',
      kind: 'string',
      value: 'NAME',
      help: 'a certificate that renews itself instead, shared in this Secret',
    },
    {
      name: 'namespaces',
      kind: 'string',
      value: 'WHICH',
      choices: ['opt-in', 'opt-out', 'all'],
      default: 'all',
      help: 'which to look at, whatever the API server was told',
    },
    ...GUARD_FLAGS,
    {
      name: 'no-match',
      kind: 'string',
      value: 'ACTION',
      choices: NO_MATCH,
      help: 'images that no policy is about, over config-policy-controller',
      isCommon: true,
    },
    {
      name: 'answer',
      kind: 'list',
      value: 'ANSWER=warn',
      help: 'only warn: no-signature, unread-format, another-identity, revoked, could-not-check',
    },
    {
      name: 'evidence',
      kind: 'string',
      value: 'FILE|URL',
      help: 'keep what was found about images; postgres://USER@HOST/DATABASE for all replicas',
    },
    {
      name: 'evidence-password-file',
      kind: 'string',
      value: 'FILE',
      help: 'its password, instead of PGPASSWORD or PGPASSFILE; read for each connection',
    },
    {
      name: 'evidence-max-age',
      kind: 'string',
      value: 'DURATION',
      default: '1h',
      help: 'how long an image is admitted by what was found before',
    },
    {
      name: 'last-known-good',
      kind: 'string',
      value: 'DURATION',
      default: '24h',
      help: 'the same while its registry cannot be asked, or never',
    },
    {
      name: 'events',
      kind: 'boolean',
      default: true,
      help: 'tell of refusals and warnings in the cluster as Events',
    },
    {
      name: 'registry-budget',
      kind: 'string',
      value: 'NUMBER',
      default: '1200',
      help: 'requests a minute to one registry that is not on this machine, or unlimited',
    },
    ...LEDGER_FLAGS,
    ...REGISTRY_FLAGS,
  ],
  examples: ['sealwright webhook --policy policies/ --tls-cert tls.crt --tls-key tls.key --host 0.0.0.0'],
  readsCosignVariables: false,
  isService: true,
  run: async (context) => {
    const { serveWebhook } = await import('../actions/webhook.ts');
    await serveWebhook(context);
  },
};
