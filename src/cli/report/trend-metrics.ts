import type { AuditTrend } from '../../core/audit/audit-trend.ts';
import { auditFamilies, familyText, labels, type MetricFamily } from './audit-metrics.ts';

const SECOND_MS = 1000;

/** The newest snapshot's figures, with what only a series can tell, in Prometheus' text format. */
export function trendMetricsText({ system, points, gaps }: AuditTrend): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return '';
  const of = labels({ system });
  const one = (name: string, help: string, value: number): MetricFamily => ({ name, help, samples: [[of, value]] });
  const regressions = points.reduce((sum, { since }) => sum + (since?.regressions ?? 0), 0);
  return [
    ...auditFamilies(last.snapshot, last.figures),
    one('series_snapshots', 'Snapshots in the series.', points.length),
    one('series_start_timestamp_seconds', 'When the first was taken.', first.snapshot.takenAt.getTime() / SECOND_MS),
    one('series_gaps', 'Times in which one was due and none was taken.', gaps.length),
    one('series_regressions', 'Places that got worse, over the series.', regressions),
    one('last_regressions', 'Places that are worse than in the snapshot before.', last.since?.regressions ?? 0),
  ]
    .map((family) => familyText(family))
    .join('');
}

/**
 * Every snapshot's figures with their moments, as OpenMetrics: what `promtool tsdb create-blocks-from openmetrics` takes for a history that
 * nobody scraped. All of one series together and by time, as its §3.2 demands.
 */
export function trendOpenMetrics({ points }: AuditTrend): string {
  const families = new Map<string, { help: string; series: Map<string, string[]> }>();
  for (const { snapshot, figures } of points) {
    const at = snapshot.takenAt.getTime() / SECOND_MS;
    for (const { name, help, samples } of auditFamilies(snapshot, figures)) {
      const family = families.get(name) ?? { help, series: new Map<string, string[]>() };
      families.set(name, family);
      for (const [of, value] of samples) {
        const series = family.series.get(of) ?? [];
        family.series.set(of, series);
        series.push(`${value} ${at}`);
      }
    }
  }
  const text = [...families].map(([name, { help, series }]) =>
    familyText({
      name,
      help,
      samples: [...series].flatMap(([of, lines]) => lines.map((line) => [of, line] as const)),
    }),
  );
  return `${text.join('')}# EOF\n`;
}
