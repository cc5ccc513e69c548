import type { Flag } from '../grammar/flag.ts';

/** policy-controller's. */
export const SYSTEM_NAMESPACE = 'cosign-system';

export const SYSTEM_NAMESPACE_FLAG: Flag = {
  name: 'system-namespace',
  kind: 'string',
  value: 'NAME',
  default: SYSTEM_NAMESPACE,
  help: "where the webhook and its policies' Secrets are",
  isCommon: true,
};

/** The same, seldom given: for commands that read the cluster's own policies. */
export const POLICY_NAMESPACE_FLAG: Flag = {
  name: SYSTEM_NAMESPACE_FLAG.name,
  kind: 'string',
  value: 'NAME',
  default: SYSTEM_NAMESPACE,
  help: "where the Secrets and ConfigMaps of the cluster's policies are",
};

export const KUBECONFIG_FLAGS: readonly Flag[] = [
  {
    name: 'kubeconfig',
    kind: 'string',
    value: 'FILE',
    help: 'the cluster that it names; KUBECONFIG, then ~/.kube/config when absent',
    isCommon: true,
  },
  { name: 'kube-context', kind: 'string', value: 'NAME', help: 'another context of the kubeconfig than its current' },
  SYSTEM_NAMESPACE_FLAG,
];

/** Which kinds and namespaces are guarded: the webhook and its installation have to say the same. */
export const GUARD_FLAGS: readonly Flag[] = [
  {
    name: 'exempt-namespace',
    kind: 'list',
    value: 'NAME',
    help: 'never guard this namespace either, such as that of a registry which it needs',
  },
  {
    name: 'pod-template',
    kind: 'list',
    value: 'KIND=PATH',
    help: 'guard this kind as well: rollouts.argoproj.io=spec.template',
  },
];
