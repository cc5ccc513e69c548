import { AUDIT_STATES } from '../../core/audit/audit-entry.ts';
import { percent } from './percent-text.ts';
import { columns } from './columns.ts';
import { code, text } from './markdown-text.ts';
import { signatureText } from './signature-text.ts';
import { sinceText, type TrendDocument, type TrendRow } from './trend-document.ts';

const HEAD = ['TAKEN', 'COVERAGE', ...AUDIT_STATES.map((state) => state.toUpperCase()), 'NOT SEEN', 'SINCE'];

/** A series for somebody at a terminal: one line a snapshot. */
export function trendText(document: TrendDocument): readonly string[] {
  const { system, snapshots, gaps } = document;
  return [
    `${system}: ${snapshots.length} snapshots, ${coverageSpan(document)}`,
    '',
    columns([HEAD, ...snapshots.map((row) => [minute(row.takenAt), ...cells(row)])]),
    ...(gaps.length === 0 ? [] : ['', ...gaps.map(gapText)]),
  ];
}

export function trendMarkdown(document: TrendDocument): string {
  const { system, snapshots, gaps } = document;
  return `${[
    `# ${text(system)}: a series`,
    '',
    text(`${snapshots.length} snapshots, ${coverageSpan(document)}.`),
    '',
    `| Taken | Coverage | ${AUDIT_STATES.join(' | ')} | Not looked at | Since | Signature | Content |`,
    `|---|---:|${'---:|'.repeat(AUDIT_STATES.length + 1)}---|---|---|`,
    ...snapshots.map((row) => {
      const evidence = [text(signatureText(row.signature)), code(row.contentDigest)];
      return `| ${[minute(row.takenAt), ...cells(row).map(text), ...evidence].join(' | ')} |`;
    }),
    ...(gaps.length === 0 ? [] : ['', ...gaps.map((gap) => `- ${text(gapText(gap))}`)]),
  ].join('\n')}\n`;
}

/** The share by which a series is remembered, from its first to its last. */
export function coverageSpan({ snapshots }: TrendDocument): string {
  const [first, last] = [snapshots[0], snapshots.at(-1)];
  if (first === undefined || last === undefined) return 'none';
  const [from, to] = [first, last].map(({ coverage }) => percent(coverage.containers.share));
  const span = `from ${minute(first.takenAt)} to ${minute(last.takenAt)}`;
  return `${span}: containers verified ${from ?? ''} to ${to ?? ''}`;
}

export function gapText({ from, to }: TrendDocument['gaps'][number]): string {
  return `no snapshot between ${minute(from)} and ${minute(to)}`;
}

/** To the minute: a series is not looked at more closely. */
export function minute(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')}Z`;
}

function cells(row: TrendRow): readonly string[] {
  const { coverage, containers, notLookedAt } = row;
  return [
    percent(coverage.containers.share),
    ...AUDIT_STATES.map((state) => String(containers[state])),
    String(notLookedAt),
    sinceText(row),
  ];
}
