import type { DrillStanding } from '../../core/audit/drill-standing.ts';
import { LADDER } from '../../core/audit/running-copy.ts';
import { PolicyError, RemoteError, SealwrightError, UsageError } from '../../errors.ts';
import { SYSTEM_CLOCK } from '../../io/net/http-client.ts';
import type { Sweep } from '../../workflows/revocation/sweep-running-copies.ts';
import type { Listening } from '../../servers/shell/listen.ts';
import { chosenCluster } from '../choices/cluster-choice.ts';
import { keptDrillStanding } from '../choices/drill-choice.ts';
import { sweepCluster, type SweptCluster } from '../choices/sweep-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseDuration } from '../terminal/duration.ts';
import { pausesUntilInterrupted } from '../terminal/interruption.ts';
import { SweepMetrics } from '../report/sweep-metrics.ts';
import { sweepDocument, sweepText } from '../report/sweep-report.ts';

/** What runs although it is revoked has to be found in two minutes. */
const MAX_INTERVAL_MS = 120_000;
const MAX_PER_MINUTE = 600;
const MAX_PORT = 65_535;

/**
 * Looks for pods that run what is revoked, once or for ever. A look that fails is told, and the next one begins anew: with the
 * kubeconfig, the policies and the revocations of then.
 *
 * @throws PolicyError REVOKED after a single look that found copies which still run; RemoteError COULD_NOT_CHECK after one with holes;
 *   what a single look throws
 */
export async function watchRunningCopies(context: CommandContext): Promise<void> {
  const { flags } = context;
  const intervalMs = parseDuration(flags.string('interval') ?? '1m', 'interval');
  if (intervalMs > MAX_INTERVAL_MS) {
    throw new UsageError('USAGE_BAD_FLAG', '--interval is too long', {
      found: flags.string('interval') ?? '',
      expected: 'at most 2m, in which a copy has to be found',
    });
  }
  flags.integer('per-minute', 1, MAX_PER_MINUTE);
  if (flags.boolean('once')) {
    gate((await look(context)).sweep);
    return;
  }
  const metrics = new SweepMetrics();
  const listening = await serveMetrics(context, metrics);
  try {
    await lookForEver(context, metrics, intervalMs, listening !== undefined);
  } finally {
    await listening?.close();
  }
}

async function lookForEver(
  context: CommandContext,
  metrics: SweepMetrics,
  intervalMs: number,
  isServed: boolean,
): Promise<void> {
  const { terminal, now } = context;
  const pause = pausesUntilInterrupted((ms) => SYSTEM_CLOCK.sleep(ms));
  for (;;) {
    try {
      if (isServed) metrics.drilled(await lastDrill(context));
      const { sweep, version } = await look(context);
      metrics.looked(sweep, version, now());
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'usage' || error.family === 'invariant') throw error;
      metrics.failed();
      terminal.warn(`${error.code} ${error.message}: looking again in ${intervalMs / 1000} s`);
    }
    if ((await pause(intervalMs)) === 'over') return;
  }
}

/** Told in metrics alone: without them the API server is not asked for it. */
async function lastDrill(context: CommandContext): Promise<DrillStanding> {
  const cluster = await chosenCluster(context);
  try {
    return await keptDrillStanding(context, cluster);
  } finally {
    cluster.http.close();
  }
}

/** `/metrics` and `/healthz`, for whoever watches the watch. */
async function serveMetrics(
  { flags, terminal }: CommandContext,
  metrics: SweepMetrics,
): Promise<Listening | undefined> {
  const port = flags.integer('metrics-port', 0, MAX_PORT);
  if (port === undefined) return undefined;
  const { createApp } = await import('../../servers/shell/app.ts');
  const { mountHealth } = await import('../../servers/shell/health.ts');
  const { listen } = await import('../../servers/shell/listen.ts');
  const routes = createApp();
  mountHealth(routes, []);
  routes.get('/metrics', (answer) => answer.text(metrics.text()));
  const listening = await listen(routes, { host: flags.string('metrics-host') ?? '127.0.0.1', port });
  terminal.progress(terminal.done(`metrics at ${listening.url}/metrics`));
  return listening;
}

async function look(context: CommandContext): Promise<SweptCluster> {
  const { flags, terminal, now } = context;
  const cluster = await chosenCluster(context);
  try {
    const swept = await sweepCluster(context, cluster, {
      level: LADDER.find((rung) => rung === flags.string('level')) ?? 'report',
      isDryRun: flags.boolean('dry-run'),
      perMinute: flags.integer('per-minute', 1, MAX_PER_MINUTE) ?? 10,
      forced: flags.list('force-namespace'),
      namespaces: flags.list('namespace'),
    });
    const { sweep, version, isAnythingRevoked } = swept;
    if (flags.string('output') === 'json') terminal.result(JSON.stringify(sweepDocument(sweep, version, now())));
    else for (const line of sweepText(sweep, version, isAnythingRevoked)) terminal.result(line);
    return swept;
  } finally {
    cluster.http.close();
  }
}

function gate({ copies, notLookedAt }: Sweep): void {
  const running = copies.filter(
    ({ rungs }) => !rungs.some(({ rung, result }) => rung !== 'label' && (result === 'done' || result === 'gone')),
  );
  if (running.length > 0) {
    throw new PolicyError('REVOKED', 'pods run what is revoked', {
      found: running
        .map(({ namespace, pod }) => `${namespace}/${pod}`)
        .slice(0, 10)
        .join(', '),
      expected: 'no pod with an image that is revoked',
      fix: 'sealwright revoke watch --once --level evict --dry-run=false',
    });
  }
  if (notLookedAt.length === 0) return;
  throw new RemoteError('COULD_NOT_CHECK', 'nobody can tell what else runs', {
    found: `${notLookedAt.length} things not looked at`,
    expected: 'an answer about everything that runs',
    fix: 'give the command what it lacks (credentials, leave to list), and look again',
  });
}
