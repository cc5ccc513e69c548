import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { WorkloadRegistries } from '../../servers/webhook/pull-secrets.ts';
import type { PullIdentity } from '../../core/policy/workload/workload-images.ts';
import type { RegistryAccess } from '../../workflows/admission/registry-access.ts';
import type { CommandContext } from '../grammar/command.ts';
import { systemNamespace } from './cluster-choice.ts';
import type { OpenedRehearsal } from './rehearsal-choice.ts';

/** Registries as a workload's pods reach them, or, with `--pull-secrets=false`, as whoever runs the command does. */
export function workloadAccess(
  context: CommandContext,
  cluster: ClusterAccess,
  { registries, access }: Pick<OpenedRehearsal, 'registries' | 'access'>,
): (namespace: string, identity: PullIdentity) => RegistryAccess {
  const { flags, now } = context;
  if (!flags.boolean('pull-secrets')) return () => access;
  const workloads = new WorkloadRegistries({ cluster, systemNamespace: systemNamespace(context), ...registries, now });
  return (namespace, identity) => workloads.access(namespace, identity);
}
