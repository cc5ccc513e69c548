import type { Flag } from '../grammar/flag.ts';
import { SYSTEM_NAMESPACE_FLAG } from './cluster-flags.ts';
import { CLUSTER_PICTURE_FLAGS, NO_MATCH_FLAG, POLICY_FLAG, TRUSTROOT_FLAG } from './policy-flags.ts';
import { STANDING_FLAGS } from './standing-flags.ts';

/** Told by `--help-all`, not in the help of an emergency. */
const seldom = ({ isCommon: _, ...flag }: Flag): Flag => flag;

/** Where to look for what a revocation would stop. */
export const BLAST_FLAGS: readonly Flag[] = [
  ...STANDING_FLAGS.map(seldom),
  { name: 'running', kind: 'list', value: 'IMAGE', help: 'images instead of a cluster' },
  ...CLUSTER_PICTURE_FLAGS,
  seldom(SYSTEM_NAMESPACE_FLAG),
  seldom({ ...POLICY_FLAG, help: "what applies, instead of the cluster's own policies" }),
  TRUSTROOT_FLAG,
  NO_MATCH_FLAG,
  {
    name: 'force-stop',
    kind: 'list',
    value: 'NAMESPACE',
    help: 'stop it although the cluster needs it: kube-system, the webhook, a registry',
  },
];
