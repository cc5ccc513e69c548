import { removableObjects } from '../../core/installation/removable-objects.ts';
import { labelOf } from '../../workflows/installation/install-webhook.ts';
import { uninstallWebhook } from '../../workflows/installation/uninstall-webhook.ts';
import { chosenCluster, systemNamespace } from '../choices/cluster-choice.ts';
import type { CommandContext } from '../grammar/command.ts';

/** @throws IntegrityError STATE_CONFLICT; RemoteError; UsageError */
export async function uninstallFromCluster(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const namespace = systemNamespace(context);
  const objects = removableObjects(namespace);
  const purge = flags.boolean('purge');
  if (flags.boolean('dry-run')) {
    const more = purge ? [...objects.definitions, objects.namespace] : [];
    const all = [...objects.configurations, ...[...objects.workload].reverse(), ...more];
    terminal.result(all.map(labelOf).join('\n'));
    return;
  }
  const cluster = await chosenCluster(context);
  let count = 0;
  try {
    await uninstallWebhook({
      cluster,
      objects,
      purge,
      report: (object) => {
        count++;
        terminal.progress(`  ${object}`);
      },
    });
  } finally {
    cluster.http.close();
  }
  const rest = purge ? '' : '; policies and the namespace stay';
  terminal.result(terminal.done(count === 0 ? 'there was nothing to remove' : `${count} objects removed${rest}`));
}
