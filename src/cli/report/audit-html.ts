import { AUDIT_STATES, type AuditState } from '../../core/audit/audit-entry.ts';
import { visibleText } from '../visible-text.ts';
import type { AuditReport, ReportedChange, ReportedGap, ReportedSnapshot } from './audit-report.ts';
import { signatureText } from './signature-text.ts';
import { percent } from './audit-text.ts';
import { slopeChart, STATE_MARKS } from './slope-chart.ts';

const MAX_ROWS = 200;

/** Of its own alone: no script, no font, no request to anybody. Colours follow the reader's; on paper there is no dark. */
const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #667; --line: #d5d9e0;
  --verified: #10703c; --exempt: #5b5fc7; --undetermined: #7a5a00; --untrusted: #a04100; --unsigned: #b3261e; --revoked: #7d1fa0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14171b; --faint: #9aa3b0; --line: #343a43;
  --verified: #57c785; --exempt: #a5a9ff; --undetermined: #e2b84a; --untrusted: #ff9a5c; --unsigned: #ff8a80; --revoked: #dd9bff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.summary { font-size: 1.15rem; } .faint { color: var(--faint); } figure { margin: 1.5rem 0; overflow-x: auto; } svg { width: 100%; max-width: 40rem; min-width: 32rem; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: currentColor; } svg g line { stroke: currentColor; stroke-width: 2; } svg circle { fill: currentColor; } .axis { stroke: var(--line); }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } code { font-size: .85em; overflow-wrap: anywhere; }
.verified { color: var(--verified); } .exempt { color: var(--exempt); } .undetermined { color: var(--undetermined); }
.signed-untrusted { color: var(--untrusted); } .unsigned { color: var(--unsigned); } .revoked { color: var(--revoked); } .state { white-space: nowrap; font-weight: 600; }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --faint: #444; --line: #bbb; --verified: #10703c; --exempt: #3d41a8; --undetermined: #6b4e00;
  --untrusted: #8a3800; --unsigned: #9b1c15; --revoked: #6a1788; } body { max-width: none; margin: 0; font-size: 10.5pt; } h2 { break-after: avoid; } tr, figure { break-inside: avoid; } @page { margin: 16mm; } }
`;

/** The report as one page that can be looked at, printed and kept. */
export function auditHtml(report: AuditReport): string {
  const { system, summary, before, after, regressions, improvements, others, unchanged, gaps, wouldBreak } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(system)}: before and after</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(system)}: before and after</h1>
<p class="summary">${escaped(summary)}</p>
<figure>
${slopeChart(before.containers, after.containers)}
<figcaption class="faint">Containers by state, ${before.takenAt.slice(0, 10)} and ${after.takenAt.slice(0, 10)}</figcaption>
</figure>
${stateTable(report)}
${changeSection('What got worse', regressions)}
${changeSection('What got better', improvements)}
${changeSection('What is new, gone or another image', others)}
<p class="faint">${unchanged} places are as they were.</p>
<h2>Enforcing today</h2>
${wouldBreak.length === 0 ? '<p>Nothing that runs would be refused when it is made again.</p>' : gapTable(wouldBreak)}
<h2>Gaps, what most pods run first</h2>
${gaps.length === 0 ? '<p>None.</p>' : gapTable(gaps)}
<h2>Time to revoke</h2>
<p>${escaped(report.timeToRevoke)}</p>${report.isDrillDue ? '\n<p>Next: <code>sealwright revoke drill</code></p>' : ''}
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
${[...before.notLookedAt, ...after.notLookedAt].map(({ what, reason }) => `<li>Not looked at: ${escaped(what)}: ${escaped(reason)}</li>`).join('\n')}
</ul>
${report.ticket === undefined ? '' : `<p>Followed up in ${escaped(report.ticket)}</p>`}
</main>
</body>
</html>
`;
}

/** What an auditor asks for, to check what is said here. */
function evidence({ takenAt, contentDigest, fileDigest, signature }: ReportedSnapshot): string {
  return `<li>Snapshot of ${escaped(takenAt)}: content <code>${escaped(contentDigest)}</code>, file <code>${escaped(fileDigest)}</code>; ${escaped(signatureText(signature))}</li>`;
}

function stateTable({ before, after }: AuditReport): string {
  const rows = AUDIT_STATES.map(
    (state) =>
      `<tr><td>${stateText(state)}</td><td class="n">${before.containers[state]}</td><td class="n">${after.containers[state]}</td></tr>`,
  );
  const coverage = (['containers', 'digests', 'workloads'] as const).map((by) => {
    const [was, is] = [before.coverage[by], after.coverage[by]];
    return `<tr><td>coverage by ${by}</td><td class="n">${percent(was.share)} of ${was.of}</td><td class="n">${percent(is.share)} of ${is.of}</td></tr>`;
  });
  return table('<th>State</th><th class="n">Before</th><th class="n">After</th>', [...rows, ...coverage]);
}

function changeSection(title: string, changes: readonly ReportedChange[]): string {
  if (changes.length === 0) return `<h2>${title}</h2>\n<p>Nothing.</p>`;
  const rows = changes.slice(0, MAX_ROWS).map(({ workload, image, from, to, signers, reason }) => {
    const why = to === 'verified' ? signers.join('; ') : (reason ?? '');
    return `<tr><td>${escaped(workload)}</td><td>${imageText(image)}</td><td>${stateText(from)}</td><td>${stateText(to)}</td><td>${escaped(why)}</td></tr>`;
  });
  const head = '<th>Workload</th><th>Image</th><th>From</th><th>To</th><th>By, or why not</th>';
  return `<h2>${title}</h2>\n${table(head, rows)}${more(changes.length)}`;
}

function gapTable(gaps: readonly ReportedGap[]): string {
  const rows = gaps
    .slice(0, MAX_ROWS)
    .map(
      ({ workload, pods, state, image, reason }) =>
        `<tr><td>${escaped(workload)}</td><td class="n">${pods}</td><td>${stateText(state)}</td><td>${imageText(image)}</td><td>${escaped(reason ?? '')}</td></tr>`,
    );
  return `${table('<th>Workload</th><th class="n">Pods</th><th>State</th><th>Image</th><th>Why</th>', rows)}${more(gaps.length)}`;
}

function table(head: string, rows: readonly string[]): string {
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`;
}

function more(count: number): string {
  return count > MAX_ROWS ? `\n<p class="faint">And ${count - MAX_ROWS} more.</p>` : '';
}

function stateText(state: AuditState | 'absent'): string {
  if (state === 'absent') return '<span class="faint">absent</span>';
  return `<span class="state ${state}">${STATE_MARKS[state]} ${state}</span>`;
}

/** The whole of it is what the pointer rests on, and in the JSON; nobody reads 64 digits. */
function imageText(image: string): string {
  const short = image.replace(/(@sha(?:256|512):[0-9a-f]{8})[0-9a-f]+([0-9a-f]{4})$/, '$1…$2');
  return `<code title="${escaped(image)}">${escaped(short)}</code>`;
}

/** Names of images and signers are strangers' text. */
function escaped(value: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return visibleText(value).replace(/[&<>"']/g, (character) => names[character] ?? '');
}
