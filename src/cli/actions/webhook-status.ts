import { UsageError } from '../../errors.ts';
import { webhookStatus, type WebhookStatus } from '../../workflows/webhook-status.ts';
import { chosenCluster, systemNamespace } from '../choices/cluster-choice.ts';
import type { CommandContext } from '../command.ts';
import { visibleText } from '../visible-text.ts';

/** @throws UsageError USAGE_INSTALLATION when anything is wrong, after all of it has been printed; RemoteError */
export async function showWebhookStatus(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const namespace = systemNamespace(context);
  const cluster = await chosenCluster(context);
  let status: WebhookStatus;
  try {
    status = await webhookStatus(cluster, namespace, now());
  } finally {
    cluster.http.close();
  }
  const { webhooks, problems, readyReplicas, wantedReplicas } = status;
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(status, null, 2));
  else {
    terminal.result(`replicas in ${namespace}: ${readyReplicas} of ${wantedReplicas} ready`);
    for (const { configuration, name, target, readyEndpoints, failurePolicy } of webhooks) {
      const ready = readyEndpoints === undefined ? '' : `, ${readyEndpoints} ready`;
      terminal.result(visibleText(`${configuration}  ${name}  ${target}${ready}  ${failurePolicy}`));
    }
    for (const { text, fix } of problems)
      terminal.result(visibleText(`problem: ${text}`) + `\n  fix: ${visibleText(fix)}`);
  }
  const [first] = problems;
  if (first === undefined) return;
  throw new UsageError('USAGE_INSTALLATION', "the cluster's webhooks are not as they should be", {
    found: `${problems.length} problems, the first: ${first.text}`,
    expected: 'webhooks that are asked and answer',
    fix: first.fix,
  });
}
