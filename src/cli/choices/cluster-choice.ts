import { openClusterAccess, openKubeconfigAccess, type ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { CommandContext } from '../grammar/command.ts';
import { SYSTEM_NAMESPACE } from '../flags/cluster-flags.ts';

/**
 * The cluster that a command is about: of `--kubeconfig`, or where kubectl looks.
 *
 * @throws UsageError USAGE_BAD_CONFIG, USAGE_FILE
 */
export function chosenCluster({ flags, environment }: CommandContext): Promise<ClusterAccess> {
  const path = flags.string('kubeconfig');
  return path === undefined ? openClusterAccess(environment) : openKubeconfigAccess(path, flags.string('kube-context'));
}

/** Where the webhook runs. */
export function systemNamespace({ flags }: CommandContext): string {
  return flags.string('system-namespace') ?? SYSTEM_NAMESPACE;
}
