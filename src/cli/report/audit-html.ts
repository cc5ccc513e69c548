import { AUDIT_STATES } from '../../core/audit/audit-entry.ts';
import { CUTS } from '../../core/audit/audit-figures.ts';
import { auditPage, escaped, imageText, moreThan, stateText, table, tableAndRest } from './audit-page.ts';
import {
  deltaText,
  exposureTexts,
  noiseText,
  pairedRows,
  type AuditReport,
  type ReportedChange,
  type ReportedGap,
} from './audit-report.ts';
import { cutName, cutShare, pairedCuts, type PairedCut } from './cut-rows.ts';
import { enforcementLines, teamLines, unknownReach, type ReportedSnapshot } from './reported-snapshot.ts';
import { signatureText } from './signature-text.ts';
import { percent } from './percent-text.ts';
import { slopeChart } from './slope-chart.ts';

const MAX_ROWS = 200;
/** Of one kind, in its line. */
const FIRST_CUTS = 4;

/** The report as one page that can be looked at, printed and kept. */
export function auditHtml(report: AuditReport): string {
  const { system, summary, before, after, regressions, improvements, others, unchanged, gaps, wouldBreak } = report;
  return auditPage(
    `${system}: before and after`,
    `<p class="summary">${escaped(summary)}</p>
<figure>
${slopeChart(before.containers, after.containers)}
<figcaption class="faint">Containers by state, ${before.takenAt.slice(0, 10)} and ${after.takenAt.slice(0, 10)}</figcaption>
</figure>
${stateTable(report)}
${cutList(report)}
<h2>What trust rests on</h2>
${trustList(report)}
${changeSection('What got worse', regressions)}
${changeSection('What got better', improvements)}
${changeSection('What is new, gone or another image', others)}
<p class="faint">As they were: ${unchanged} places.</p>
<h2>Enforcing today</h2>
${wouldBreak.length === 0 ? '<p>Nothing that runs would be refused when it is made again.</p>' : gapTable(wouldBreak)}
${lineList(enforcementLines(after))}
<h2>Gaps, the most exposed first</h2>
${gaps.length === 0 ? '<p>None.</p>' : gapTable(gaps)}
${unknownReach(after)
  .map((line) => `<p class="faint">${escaped(line)}</p>`)
  .join('\n')}
<h2>Time to revoke</h2>
<p>${escaped(report.timeToRevoke)}</p>${report.drillCommand === undefined ? '' : `\n<p>Next: <code>${escaped(report.drillCommand)}</code></p>`}
<h2>Method</h2>
<ul>
<li>Every state is a verification that ran, by sealwright ${escaped(after.version)}; trust from ${escaped(after.trust)}</li>
<li>Scope: ${escaped(after.scope)}</li>
<li>Policies: ${after.policies.count} from ${escaped(after.policies.source)}, <code>${escaped(after.policies.digest)}</code>${
      report.hasSamePolicies
        ? ', the same before and after'
        : '; <strong>others before: some changes may be theirs</strong>'
    }</li>
${[before, after].map(evidence).join('\n')}
<li>${escaped(noiseText(report))}</li>
${teamLines(after)
  .map((line) => `<li>${escaped(line)}</li>`)
  .join('\n')}
${[...before.notLookedAt, ...after.notLookedAt].map(({ what, reason }) => `<li>Not looked at: ${escaped(what)}: ${escaped(reason)}</li>`).join('\n')}
</ul>
${report.ticket === undefined ? '' : `<p>Followed up in ${escaped(report.ticket)}</p>`}`,
  );
}

/** What an auditor asks for, to check what is said here. */
function evidence({ takenAt, contentDigest, fileDigest, signature }: ReportedSnapshot): string {
  return `<li>Snapshot of ${escaped(takenAt)}: content <code>${escaped(contentDigest)}</code>, file <code>${escaped(fileDigest)}</code>; ${escaped(signatureText(signature))}</li>`;
}

function stateTable({ before, after }: AuditReport): string {
  const rows = AUDIT_STATES.map(
    (state) =>
      `<tr><td>${stateText(state)}</td><td class="n">${before.containers[state]}</td><td class="n">${after.containers[state]}</td><td class="n">${deltaText(before.containers[state], after.containers[state])}</td></tr>`,
  );
  const coverage = (['containers', 'digests', 'workloads'] as const).map((by) => {
    const [was, is] = [before.coverage[by], after.coverage[by]];
    return `<tr><td>coverage by ${by}</td><td class="n">${percent(was.share)} of ${was.of}</td><td class="n">${percent(is.share)} of ${is.of}</td><td class="n">${deltaText(was.verified, is.verified)}</td></tr>`;
  });
  return table('<th>State</th><th class="n">Before</th><th class="n">After</th><th class="n">Change</th>', [
    ...rows,
    ...coverage,
  ]);
}

/** A line each, and the rest where whoever wants it opens it: the page stays one that is printed. */
function cutList({ before, after }: AuditReport): string {
  const all = pairedCuts(before.cuts, after.cuts);
  const lines = CUTS.flatMap((by) => {
    const rows = all.filter((row) => row.by === by);
    if (rows.length === 0) return [];
    const more = rows.length > FIRST_CUTS ? [`${rows.length - FIRST_CUTS} more`] : [];
    return [`<li>by ${by}: ${[...rows.slice(0, FIRST_CUTS).map(cutText), ...more].map(escaped).join('; ')}</li>`];
  });
  const list = lines.length === 0 ? '' : `<ul>\n${lines.join('\n')}\n</ul>`;
  if (CUTS.every((by) => all.filter((row) => row.by === by).length <= FIRST_CUTS)) return list;
  const cells = ({ by, name, before: was, after: is }: PairedCut): string =>
    `<tr><td>${by}</td><td>${escaped(cutName(name))}</td><td class="n">${cutShare(was)}</td><td class="n">${cutShare(is)}</td></tr>`;
  const head = '<th>By</th><th>Name</th><th class="n">Before</th><th class="n">After</th>';
  const rows = all.slice(0, MAX_ROWS).map(cells);
  return `${list}\n<details><summary>all ${all.length}</summary>\n${table(head, rows)}${moreThan(all.length, rows.length)}\n</details>`;
}

function cutText({ name, before, after }: PairedCut): string {
  const [was, is] = [cutShare(before), cutShare(after)];
  return `${cutName(name)} ${was === is ? is : `${was} → ${is}`}`;
}

/** The first of them, and the rest where whoever wants it opens it. */
function lineList(lines: readonly string[]): string {
  const [first, rest] = [lines.slice(0, FIRST_CUTS), lines.slice(FIRST_CUTS, MAX_ROWS)].map((some) =>
    some.length === 0 ? '' : `<ul>\n${some.map((line) => `<li>${escaped(line)}</li>`).join('\n')}\n</ul>`,
  );
  const more = lines.length - FIRST_CUTS;
  return more <= 0
    ? (first ?? '')
    : `${first ?? ''}\n<details><summary>${more} more</summary>\n${rest ?? ''}\n</details>`;
}

function trustList(report: AuditReport): string {
  const rows = pairedRows(report).map(
    ([name, was, is]) => `<li>${name}: ${was === is ? escaped(is) : `${escaped(was)} → ${escaped(is)}`}</li>`,
  );
  return `<ul>\n${rows.join('\n')}\n</ul>`;
}

function changeSection(title: string, changes: readonly ReportedChange[]): string {
  if (changes.length === 0) return `<h2>${title}</h2>\n<p>Nothing.</p>`;
  const rows = changes.slice(0, MAX_ROWS).map(({ workload, image, from, to, signers, reason }) => {
    const why = to === 'verified' ? signers.join('; ') : (reason ?? '');
    return `<tr><td>${escaped(workload)}</td><td>${imageText(image)}</td><td>${stateText(from)}<br>→ ${stateText(to)}</td><td>${escaped(why)}</td></tr>`;
  });
  const head =
    '<th class="place">Workload</th><th class="image">Image</th><th class="what">From, to</th><th>By, or why not</th>';
  return `<h2>${title}</h2>\n${tableAndRest(head, rows, changes.length)}`;
}

function gapTable(gaps: readonly ReportedGap[]): string {
  const rows = gaps.slice(0, MAX_ROWS).map(
    ({ workload, pods, state, image, reason, ...rest }) =>
      `<tr><td>${escaped(workload)}${exposureTexts(rest)
        .map((one) => `<br><strong>${escaped(one)}</strong>`)
        .join(
          '',
        )}</td><td class="n">${pods}</td><td>${stateText(state)}</td><td>${imageText(image)}</td><td>${escaped(reason ?? '')}</td></tr>`,
  );
  const head =
    '<th class="place">Workload</th><th class="n pods">Pods</th><th class="what">State</th><th class="image">Image</th><th>Why</th>';
  return tableAndRest(head, rows, gaps.length);
}
