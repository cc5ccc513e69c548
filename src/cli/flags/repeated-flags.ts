import { REVOCATION_FLAGS } from './revocation-flags.ts';
import { SIGNING_CONFIG_FLAG, TRUST_FLAGS } from './trust-flags.ts';

/**
 * What has to be said again to look at the same in the same way. Nothing that is a secret, or somebody's own: no token, no password, no key,
 * no file of credentials but the kubeconfig's name; of a drill, which is held by the same people again, where their keys and tokens are.
 */
const CLUSTER = ['kubeconfig', 'kube-context'] as const;
const TRUST = [...TRUST_FLAGS, SIGNING_CONFIG_FLAG].map(({ name }) => name);
const REGISTRY = [
  'allow-http-registry',
  'allow-insecure-registry',
  'k8s-keychain',
  'registry-cacert',
  'registry-server-name',
] as const;
const POLICIES = ['policy', 'trustroot', 'no-match'] as const;
const REVOCATIONS = REVOCATION_FLAGS.map(({ name }) => name);

/** Commands that are printed after a snapshot, and which of its flags each takes as well. */
export const REPEATED_FLAGS = {
  snapshot: [
    ...[...POLICIES, 'resource', 'images', 'namespace', 'pull-secrets', 'system-namespace', 'key', 'sign'],
    ...['cluster', 'team-label'],
    ...[...CLUSTER, ...TRUST, ...REVOCATIONS, ...REGISTRY],
  ],
  sign: [...TRUST, ...REGISTRY],
  learn: [...TRUST, ...REGISTRY].filter((name) => name !== SIGNING_CONFIG_FLAG.name),
  download: [...REGISTRY],
  plan: [
    ...[...POLICIES, 'namespace', 'pull-secrets', 'system-namespace', ...CLUSTER, ...REVOCATIONS, ...REGISTRY],
    ...TRUST_FLAGS.map(({ name }) => name),
  ],
  webhook: [...CLUSTER, 'system-namespace'],
  drill: [
    ...[
      'push',
      'canary-key',
      'canary-identity-token',
      'key',
      'identity-token',
      'reinstatement',
      'namespace',
      'watched',
      'keep-record',
    ],
    ...['patience', 'to', 'snapshot', 'snapshot-key', 'valid-for', 'notify', 'notify-ca'],
    ...[...POLICIES, 'pull-secrets', 'system-namespace', ...CLUSTER, ...TRUST, ...REVOCATIONS, ...REGISTRY],
  ],
  revocations: [...TRUST_FLAGS.map(({ name }) => name), 'revocations', 'revocation-authority'],
} satisfies Readonly<Record<string, readonly string[]>>;

/** Of words that a snapshot remembers those that a command takes; what it does not know is dropped, whoever wrote it there. */
export function repeated(words: readonly string[], names: readonly string[]): readonly string[] {
  return words.filter((word) => names.some((name) => word === `--${name}` || word.startsWith(`--${name}=`)));
}
