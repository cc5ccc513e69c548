import { auditTrend, type AuditTrend } from '../../core/audit/audit-trend.ts';
import { PolicyError, RemoteError } from '../../errors.ts';
import { snapshotSeries } from '../choices/snapshot-series-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { parseAge } from '../terminal/duration.ts';
import { trendDocument } from '../report/trend-document.ts';
import { trendHtml } from '../report/trend-html.ts';
import { trendMetricsText, trendOpenMetrics } from '../report/trend-metrics.ts';
import { trendMarkdown, trendText } from '../report/trend-text.ts';

/**
 * A series of snapshots, and where it goes.
 *
 * @throws PolicyError POLICY_DENIED, RemoteError COULD_NOT_CHECK with `--fail-on`; as `snapshotSeries` and `auditTrend`
 */
export async function showTrend(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const every = flags.string('every');
  const everyMs = every === undefined ? undefined : parseAge(every, 'every');
  const files = await snapshotSeries(context);
  const trend = auditTrend(
    files.map(({ snapshot }) => snapshot),
    everyMs,
  );
  const document = trendDocument(
    trend,
    ({ snapshot }) => files.find((file) => file.snapshot === snapshot)?.signature ?? { state: 'unsigned' },
  );
  switch (flags.string('output')) {
    case 'json':
      terminal.result(JSON.stringify(document, undefined, 2));
      break;
    case 'markdown':
      terminal.result(trendMarkdown(document).trimEnd());
      break;
    case 'html':
      terminal.result(trendHtml(document).trimEnd());
      break;
    case 'prometheus':
      terminal.result(trendMetricsText(trend).trimEnd());
      break;
    case 'openmetrics':
      terminal.result(trendOpenMetrics(trend).trimEnd());
      break;
    default:
      for (const line of trendText(document)) terminal.result(line);
  }
  if (flags.string('fail-on') !== undefined) gate(trend);
}

/** By the newest, and by what is missing: a series that has holes says nothing about the time in them. */
function gate({ points, gaps }: AuditTrend): void {
  const last = points.at(-1);
  const worse = last?.since?.regressions ?? 0;
  if (worse > 0) {
    throw new PolicyError('POLICY_DENIED', `${worse} places got worse since the last snapshot but one`, {
      found: `the snapshot of ${last?.snapshot.takenAt.toISOString() ?? ''}`,
      expected: 'none',
      fix: 'sealwright audit diff --help',
    });
  }
  const [gap] = gaps;
  if (gap === undefined) return;
  throw new RemoteError('COULD_NOT_CHECK', `${gaps.length} snapshots of the series are missing`, {
    found: `none between ${gap.from.toISOString()} and ${gap.to.toISOString()}`,
    expected: 'one whenever it is due, as --every says',
  });
}
