import type { Flag } from '../grammar/flag.ts';

export const NO_MATCH_ACTIONS = ['deny', 'warn', 'allow'] as const;

export const POLICY_FLAG: Flag = {
  name: 'policy',
  kind: 'list',
  value: 'FILE|FOLDER|URL',
  help: 'policies, with what they refer to beside them',
  isCommon: true,
};

/** policy-tester's. */
export const TRUSTROOT_FLAG: Flag = {
  name: 'trustroot',
  kind: 'list',
  value: 'FILE',
  help: 'TrustRoots that the policies name, when not beside them',
};

export const NO_MATCH_FLAG: Flag = {
  name: 'no-match',
  kind: 'string',
  value: 'ACTION',
  choices: NO_MATCH_ACTIONS,
  default: 'deny',
  help: 'for images that no policy is about',
};

/** Which workloads are looked at, and with whose credentials. */
export const CLUSTER_PICTURE_FLAGS: readonly Flag[] = [
  {
    name: 'kubeconfig',
    kind: 'string',
    value: 'FILE',
    help: 'the cluster that it names; KUBECONFIG, then ~/.kube/config when absent',
    isCommon: true,
  },
  { name: 'kube-context', kind: 'string', value: 'NAME', help: 'another context of the kubeconfig than its current' },
  {
    name: 'namespace',
    short: 'n',
    kind: 'list',
    value: 'NAME',
    help: 'only what runs in this namespace',
    isCommon: true,
  },
  {
    name: 'pull-secrets',
    kind: 'boolean',
    default: true,
    help: "registries with the workloads' credentials, not your own",
  },
];
