import { AUDIT_STATES } from '../../core/audit/audit-entry.ts';
import { auditPage, escaped, moreThan, stateText, table } from './audit-page.ts';
import { percent } from './percent-text.ts';
import { seriesChart } from './series-chart.ts';
import { signerName } from './signature-text.ts';
import { sinceText, type TrendDocument } from './trend-document.ts';
import { coverageSpan, gapText, minute } from './trend-text.ts';

const MAX_ROWS = 400;

/** A series as a page: where it goes by containers in each state, and by the three denominators. */
export function trendHtml(document: TrendDocument): string {
  const { system, snapshots, gaps } = document;
  const moments = snapshots.map(({ takenAt }) => new Date(takenAt));
  const states = AUDIT_STATES.filter((state) => snapshots.some(({ containers }) => containers[state] > 0));
  const highest = Math.max(1, ...snapshots.flatMap(({ containers }) => states.map((state) => containers[state])));
  const bases = [['containers'], ['digests', '7 4'], ['workloads', '2 4']] as const;
  const rows = snapshots
    .slice(-MAX_ROWS)
    .toReversed()
    .map(
      (row) =>
        `<tr><td class="time">${minute(row.takenAt)}</td><td class="n">${percent(row.coverage.containers.share)}</td>${AUDIT_STATES.map(
          (state) => `<td class="n">${row.containers[state]}</td>`,
        ).join(
          '',
        )}<td class="n">${row.notLookedAt}</td><td class="time">${escaped(sinceText(row))}</td><td>${escaped(signerName(row.signature))}</td></tr>`,
    );
  const head = [
    '<th>Taken</th><th class="n">Coverage</th>',
    ...AUDIT_STATES.map((state) => `<th class="n">${stateText(state)}</th>`),
    '<th class="n">Not looked at</th><th>Since</th><th>Signed by</th>',
  ].join('');
  return auditPage(
    `${system}: a series`,
    `<p class="summary">${snapshots.length} snapshots, ${escaped(coverageSpan(document))}.</p>
<figure>
${seriesChart({
  title: 'Share of what is verified, over time',
  moments,
  lines: bases.map(([by, dashes]) => ({
    name: by,
    values: snapshots.map(({ coverage }) => coverage[by].share),
    ...(dashes === undefined ? {} : { dashes }),
  })),
  highest: 1,
  unit: percent,
})}
<figcaption class="faint">Verified of what is not exempt, by three denominators</figcaption>
</figure>
<figure>
${seriesChart({
  title: 'Containers in each state, over time',
  moments,
  lines: states.map((state) => ({
    name: state,
    state,
    values: snapshots.map(({ containers }) => containers[state]),
  })),
  highest,
  unit: String,
})}
<figcaption class="faint">Containers by state</figcaption>
</figure>
${gaps.length === 0 ? '' : `<h2>Not on schedule</h2>\n<ul>${gaps.map((gap) => `<li>${escaped(gapText(gap))}</li>`).join('')}</ul>`}
<h2>Snapshots, the newest first</h2>
${table(head, rows, 'wide')}${moreThan(snapshots.length, MAX_ROWS)}`,
  );
}
