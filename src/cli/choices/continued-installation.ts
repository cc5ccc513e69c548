import { INSTALLED_WITH } from '../../core/installation/installation-memory.ts';
import { INSTALLATION_NAME } from '../../core/installation/installation-options.ts';
import { UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import {
  isInstalled,
  keptTrust,
  rememberedInstallation,
  type KeptTrust,
} from '../../workflows/installation/remembered-installation.ts';
import { SYSTEM_NAMESPACE } from '../flags/cluster-flags.ts';
import type { CommandContext } from '../grammar/command.ts';
import { systemNamespace } from './cluster-choice.ts';
import { completedFlags } from './remembered-flags.ts';

/** A command with what an earlier installation chose. */
export interface ContinuedInstallation {
  readonly context: CommandContext;
  /** Whom that one believes. */
  readonly kept: KeptTrust;
}

const NAMESPACE = '--system-namespace=';

/**
 * The command as it was typed, completed by what the cluster's installation was made with. Where there is one that does not say so,
 * nothing is made up in its place: a default could be laxer than what somebody has chosen.
 *
 * @throws UsageError USAGE_INSTALLATION, USAGE_BAD_FLAG; FormatError FORMAT_INSTALLATION; RemoteError
 */
export async function continuedInstallation(
  context: CommandContext,
  cluster: ClusterAccess,
): Promise<ContinuedInstallation> {
  const { flags } = context;
  if (flags.boolean('reset')) return { context, kept: {} };
  const words = await rememberedInstallation(cluster);
  if (words === undefined) {
    if (await isInstalled(cluster, systemNamespace(context))) throw unknownInstallation();
    if (!flags.isGiven('unset')) return { context, kept: {} };
    throw new UsageError('USAGE_BAD_FLAG', '--unset is about an earlier installation, and there is none', {
      expected: 'only what is to hold',
    });
  }
  const completed = { ...context, flags: completedFlags(flags, words, flags.list('unset')) };
  const namespace = systemNamespace(completed);
  const earlier = words.find((word) => word.startsWith(NAMESPACE))?.slice(NAMESPACE.length) ?? SYSTEM_NAMESPACE;
  if (namespace !== earlier) throw movedInstallation(earlier, namespace);
  return { context: completed, kept: await keptTrust(cluster, namespace) };
}

function unknownInstallation(): UsageError {
  return new UsageError('USAGE_INSTALLATION', 'the webhook is installed, and nothing says with which flags', {
    found: `no annotation ${INSTALLED_WITH} at the ClusterRole ${INSTALLATION_NAME}: by manifests, a chart or an older version`,
    expected: 'the manifests or the chart applied again; or --reset with all flags that are to hold',
    fix: 'sealwright webhook status',
  });
}

function movedInstallation(earlier: string, namespace: string): UsageError {
  return new UsageError('USAGE_INSTALLATION', 'the webhook is installed in another namespace', {
    found: `${earlier}, and not ${namespace}`,
    expected: 'the same namespace: what runs in the other one would be left behind',
    fix: `sealwright webhook uninstall --system-namespace ${earlier}`,
  });
}
