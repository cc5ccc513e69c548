import { FormatError, SealwrightError, UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { DrillStanding } from '../../core/audit/drill-standing.ts';
import { MAX_SNAPSHOT_BYTES } from '../../core/revocation/trust-root-targets.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { installedDrill, scheduledDrill, type ScheduledDrill } from '../../workflows/installation/drill-status.ts';
import { fetchWebhookCalls, type WebhookCalls } from '../../io/kubernetes/fail-open.ts';
import { rememberedInstallation } from '../../workflows/installation/remembered-installation.ts';
import type { InstallAgain, StatusProblem } from '../../workflows/installation/status-problem.ts';
import { webhookStatus, type WebhookStatus } from '../../workflows/installation/webhook-status.ts';
import { chosenCluster, systemNamespace } from '../choices/cluster-choice.ts';
import { drillCommand } from '../report/drill-command.ts';
import { checkRemembered, installCommand } from '../choices/remembered-flags.ts';
import type { CommandContext } from '../grammar/command.ts';
import { shellCommand } from '../terminal/shell-word.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { visibleText } from '../terminal/visible-text.ts';

/** @throws UsageError USAGE_INSTALLATION when anything is wrong, after all of it has been printed; RemoteError */
export async function showWebhookStatus(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const namespace = systemNamespace(context);
  const cluster = await chosenCluster(context);
  let status: WebhookStatus;
  let installed: InstalledWith;
  let calls: readonly WebhookCalls[] | undefined;
  let drill: DrillStanding | undefined;
  let scheduled: ScheduledDrill | undefined;
  try {
    installed = await installedWith(cluster);
    status = await webhookStatus(cluster, namespace, now(), installed.again);
    if (installed.problem !== undefined) status = { ...status, problems: [...status.problems, installed.problem] };
    calls = await readCalls(cluster, terminal);
    drill = await lastDrill(context, cluster, status);
    if (drill?.isDue === true) scheduled = await scheduledDrill(cluster);
  } finally {
    cluster.http.close();
  }
  const due = drill?.isDue === true ? nextDrill(drill, scheduled, now()) : undefined;
  const { webhooks, problems, readyReplicas, wantedReplicas, revocations, certificates } = status;
  if (flags.string('output') === 'json')
    terminal.result(
      JSON.stringify(
        { ...status, installedWith: installed.command, drill: drillDocument(drill, due), calls: calls ?? null },
        null,
        2,
      ),
    );
  else {
    terminal.result(`replicas in ${namespace}: ${readyReplicas} of ${wantedReplicas} ready`);
    if (certificates === 'cert-manager') terminal.result('certificate: renewed by cert-manager');
    if (wantedReplicas > 0) terminal.result(`revocations: ${revocations === null ? 'none' : visibleText(revocations)}`);
    if (drill !== undefined) terminal.result(visibleText(`drill of revocation: ${drill.text}`));
    if (due !== undefined) terminal.result(`  due: ${visibleText(due)}`);
    if (installed.command !== null) terminal.result(`installed with: ${visibleText(installed.command)}`);
    for (const { configuration, name, target, readyEndpoints, failurePolicy } of webhooks) {
      const ready = readyEndpoints === undefined ? '' : `, ${readyEndpoints} ready`;
      terminal.result(visibleText(`${configuration}  ${name}  ${target}${ready}  ${failurePolicy}`));
    }
    for (const line of callLines(webhooks, calls ?? [])) terminal.result(visibleText(line));
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

/** Where nobody may revoke there is nothing to drill. */
async function lastDrill(
  context: CommandContext,
  cluster: ClusterAccess,
  { revocations }: WebhookStatus,
): Promise<DrillStanding | undefined> {
  if (revocations === null) return undefined;
  const http = new HttpClient({ proxyEnv: context.environment });
  const read = async (): Promise<string> => {
    const asked = { url: revocations, peer: 'the revocation service', maxBytes: MAX_SNAPSHOT_BYTES };
    return Buffer.from((await http.request(asked)).body).toString('utf8');
  };
  try {
    return await installedDrill(cluster, systemNamespace(context), read, context.now());
  } finally {
    http.close();
  }
}

/** Where a schedule has the keys, it is begun early: what its record names is in its pods alone. */
function nextDrill({ last }: DrillStanding, scheduled: ScheduledDrill | undefined, now: Date): string {
  if (scheduled === undefined) return drillCommand(last);
  const { namespace, name } = scheduled;
  const job = `${name}-${Math.floor(now.getTime() / 1000).toString(36)}`;
  return shellCommand(['kubectl', 'create', 'job', job, `--namespace=${namespace}`, `--from=cronjob/${name}`]);
}

function drillDocument(drill: DrillStanding | undefined, due: string | undefined): object | null {
  if (drill === undefined) return null;
  const { state, text, isDue, last } = drill;
  return {
    ...{ state, text, isDue },
    ...(last === undefined ? {} : { endedAt: last.endedAt.toISOString() }),
    ...(due === undefined ? {} : { command: due }),
  };
}

interface InstalledWith {
  /** Null where nothing says it. */
  readonly command: string | null;
  readonly again?: InstallAgain;
  /** What says it, and cannot be read. */
  readonly problem?: StatusProblem;
}

async function installedWith(cluster: ClusterAccess): Promise<InstalledWith> {
  try {
    const words = await rememberedInstallation(cluster);
    if (words === undefined) return { command: null };
    checkRemembered(words);
    return { command: installCommand(words), again: (more) => installCommand(words, more) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { found, fix } = error.facts;
    return { command: null, problem: { text: `${error.message}: ${found ?? ''}`, fix: fix ?? '' } };
  }
}

/** What the API server counted itself. Whoever may not read its metrics is told so, and sees the rest. */
async function readCalls(cluster: ClusterAccess, terminal: Terminal): Promise<readonly WebhookCalls[] | undefined> {
  try {
    return await fetchWebhookCalls(cluster);
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    const { found } = error.facts;
    terminal.warn(
      `how often a webhook failed is not known: ${error.message}${found === undefined ? '' : `, ${found}`}`,
    );
    return undefined;
  }
}

/** Of the webhooks that are configured now; the API server counts from its own start on. */
function callLines(webhooks: WebhookStatus['webhooks'], calls: readonly WebhookCalls[]): readonly string[] {
  const names = new Set(webhooks.map(({ name }) => name));
  return calls
    .filter(({ webhook }) => names.has(webhook))
    .map(({ webhook, type, calls: count, failedOpen, failedClosed }) => {
      const rate = count === 0 ? '' : ` (${((100 * failedOpen) / count).toFixed(2)} %)`;
      return `${webhook}  ${type}: asked ${count} times; as it failed, ${failedOpen} let through unseen${rate}, ${failedClosed} refused`;
    });
}
