import type { Flag } from '../grammar/flag.ts';
import { SYSTEM_NAMESPACE_FLAG } from './cluster-flags.ts';
import { CLUSTER_PICTURE_FLAGS, POLICY_FLAG, TRUSTROOT_FLAG } from './policy-flags.ts';
import { REVOCATION_FLAGS } from './revocation-flags.ts';
import { TRUST_FLAGS } from './trust-flags.ts';

const isAsked = ({ name }: Flag): boolean => name === 'kubeconfig' || name === 'kube-context' || name === 'namespace';
const common = (flag: Flag): Flag => ({ ...flag, isCommon: true });

/** Where an installation is looked at. */
export const INSTALLATION_FLAGS: readonly Flag[] = [
  ...CLUSTER_PICTURE_FLAGS.filter(isAsked),
  SYSTEM_NAMESPACE_FLAG,
  { ...POLICY_FLAG, help: "what applies, instead of the cluster's own policies" },
  TRUSTROOT_FLAG,
  ...TRUST_FLAGS,
  ...REVOCATION_FLAGS.map((flag) =>
    flag.name.startsWith('revocation') && !flag.name.endsWith('age') ? common(flag) : flag,
  ),
];
