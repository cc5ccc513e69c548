import type { AuditState } from '../../core/audit/audit-entry.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { STATE_MARKS } from './slope-chart.ts';

/** As many as fit on a sheet with everything else. */
const FIRST_ROWS = 6;

/** Of its own alone: no script, no font, no request to anybody. Colours follow the reader's; on paper there is no dark. */
const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #5a6270; --line: #d5d9e0;
  --verified: #10703c; --exempt: #4b4fb5; --undetermined: #735500; --untrusted: #9a3c00; --unsigned: #b3261e; --revoked: #7d1fa0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14171b; --faint: #9aa3b0; --line: #343a43;
  --verified: #57c785; --exempt: #a5a9ff; --undetermined: #e2b84a; --untrusted: #ff9a5c; --unsigned: #ff8a80; --revoked: #dd9bff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.summary { font-size: 1.15rem; } li { overflow-wrap: anywhere; } .faint { color: var(--faint); } figure { margin: 1.5rem 0; overflow-x: auto; } figcaption { font-size: .9rem; }
svg { width: 100%; max-width: 42rem; min-width: 32rem; height: auto; display: block; } svg.series { max-width: 56rem; min-width: 40rem; }
svg text { font: 13px system-ui, sans-serif; fill: currentColor; } svg text.faint { fill: var(--faint); font-size: 12px; } svg .axis { stroke: var(--line); stroke-width: 1; }
svg g line, svg polyline { stroke: currentColor; stroke-width: 2; fill: none; } svg circle { fill: currentColor; }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } .time { white-space: nowrap; } code { font-size: .85em; overflow-wrap: anywhere; }
table.fixed { table-layout: fixed; min-width: 46rem; } .fixed td { overflow-wrap: anywhere; } th.place { width: 20%; } th.image { width: 27%; } th.what { width: 10.5rem; } th.pods { width: 3rem; } table.fixed td { font-size: .93rem; }
summary { cursor: pointer; color: var(--faint); padding: .4rem 0; } .fixed td.n { padding-right: 1rem; } .fixed th.n { padding-right: 1rem; } table.wide { font-size: .8rem; } table.wide th, table.wide td { padding-right: .55rem; } table.wide td:last-child { overflow-wrap: anywhere; min-width: 7rem; } table.wide .state { white-space: normal; }
.verified { color: var(--verified); } .exempt { color: var(--exempt); } .undetermined { color: var(--undetermined); }
.signed-untrusted { color: var(--untrusted); } .unsigned { color: var(--unsigned); } .revoked { color: var(--revoked); } .state { white-space: nowrap; font-weight: 600; }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --faint: #444; --line: #bbb; --verified: #10703c; --exempt: #3d41a8; --undetermined: #6b4e00;
  --untrusted: #8a3800; --unsigned: #9b1c15; --revoked: #6a1788; } body { max-width: none; margin: 0; padding: 0; font-size: 9.5pt; line-height: 1.35; }
  h2 { break-after: avoid; margin-top: .7rem; } ul { margin: .3rem 0; } tr, figure { break-inside: avoid; } thead { display: table-header-group; } figure, .table { overflow: visible; }
  figure { margin: .6rem 0; } svg, svg.series { min-width: 0; max-width: 13.5cm; } table.fixed { min-width: 0; } table.fixed td { font-size: 8.5pt; } th.what { width: 3.2cm; } th.pods { width: 1.1cm; } table.wide { font-size: 7pt; } table.wide th, table.wide td { padding-right: .3rem; overflow-wrap: break-word; } table.wide .time { white-space: normal; } table.wide td:last-child { min-width: 0; }
  @page { size: A4; margin: 14mm; } }
`;

/** @param title as text; @param body as HTML, in which everything that is a stranger's is escaped */
export function auditPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

/** @param kind `wide` for one that is turned on its side rather than cut on paper */
export function table(head: string, rows: readonly string[], kind = ''): string {
  return `<div class="table"><table${kind === '' ? '' : ` class="${kind}"`}><thead><tr>${head}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`;
}

/** The first rows as a table, and the rest where whoever wants it opens it: a page that is printed stays a page. */
export function tableAndRest(head: string, rows: readonly string[], count: number): string {
  const [first, rest] = [rows.slice(0, FIRST_ROWS), rows.slice(FIRST_ROWS)];
  if (rest.length === 0) return table(head, first, 'fixed');
  const summary = `<summary>${rest.length} more</summary>`;
  return `${table(head, first, 'fixed')}\n<details>${summary}\n${table(head, rest, 'fixed')}${moreThan(count, rows.length)}\n</details>`;
}

/** What a table leaves out. */
export function moreThan(count: number, max: number): string {
  return count > max ? `\n<p class="faint">And ${count - max} more.</p>` : '';
}

export function stateText(state: AuditState | 'absent'): string {
  if (state === 'absent') return '<span class="faint">absent</span>';
  return `<span class="state ${state}">${STATE_MARKS[state]} ${state}</span>`;
}

/** The whole of it is what the pointer rests on, and in the JSON; nobody reads 64 digits. */
export function imageText(image: string): string {
  const short = image.replace(/(@sha(?:256|512):[0-9a-f]{8})[0-9a-f]+([0-9a-f]{4})$/, '$1…$2');
  return `<code title="${escaped(image)}">${escaped(short)}</code>`;
}

/** Names of images and signers are strangers' text. */
export function escaped(value: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return visibleText(value).replace(/[&<>"']/g, (character) => names[character] ?? '');
}
