import { AUDIT_STATES } from '../../core/audit/audit-entry.ts';
import {
  deltaText,
  exposureTexts,
  noiseText,
  pairedRows,
  type AuditReport,
  type ReportedChange,
  type ReportedGap,
} from './audit-report.ts';
import { cutShare, pairedCuts } from './cut-rows.ts';
import { enforcementLines, teamLines, unknownReach } from './reported-snapshot.ts';
import { signatureText } from './signature-text.ts';
import { percent } from './percent-text.ts';
import { code, text } from './markdown-text.ts';

const MAX_ROWS = 50;

/** One page: the sentence, the table, what got worse first. */
export function auditMarkdown(report: AuditReport): string {
  const { system, summary, before, after, regressions, improvements, others, unchanged, gaps, wouldBreak } = report;
  return `${[
    `# ${text(system)}: before and after`,
    '',
    text(summary),
    '',
    '| State | Before | After | Change |',
    '|---|---:|---:|---:|',
    ...AUDIT_STATES.map(
      (state) =>
        `| ${state} | ${before.containers[state]} | ${after.containers[state]} | ${deltaText(before.containers[state], after.containers[state])} |`,
    ),
    ...(['containers', 'digests', 'workloads'] as const).map(
      (by) =>
        `| coverage by ${by} | ${percent(before.coverage[by].share)} of ${before.coverage[by].of} | ${percent(after.coverage[by].share)} of ${after.coverage[by].of} | ${deltaText(before.coverage[by].verified, after.coverage[by].verified)} |`,
    ),
    '',
    '## Coverage by cluster, namespace, team and registry',
    '',
    ...cuts(report),
    '',
    ...teamLines(after).flatMap((line) => [text(line), '']),
    '## What trust rests on',
    '',
    '| Figure | Before | After |',
    '|---|---|---|',
    ...pairedRows(report).map(([name, was, is]) => `| ${name} | ${text(was)} | ${text(is)} |`),
    ...changes('What got worse', regressions, 'Nothing.'),
    ...changes('What got better', improvements, 'Nothing.'),
    ...changes('What is new, gone or another image', others, 'Nothing.'),
    '',
    `As they were: ${unchanged} places.`,
    '',
    '## Enforcing today',
    '',
    wouldBreak.length === 0
      ? 'Nothing that runs would be refused when it is made again.'
      : `${wouldBreak.length} places would be refused when they are made again:`,
    ...rows(wouldBreak),
    ...list(enforcementLines(after)),
    '',
    '## Gaps, the most exposed first',
    '',
    ...(gaps.length === 0 ? ['None.'] : []),
    ...rows(gaps),
    ...unknownReach(after).flatMap((line) => ['', text(line)]),
    '',
    '## Time to revoke',
    '',
    text(report.timeToRevoke),
    ...(report.drillCommand === undefined ? [] : ['', `Next: ${code(report.drillCommand)}`]),
    '',
    '## Method',
    '',
    `- Every state is a verification that ran, by sealwright ${text(after.version)}; trust from ${text(after.trust)}`,
    `- Scope: ${text(after.scope)}`,
    `- Policies: ${after.policies.count} from ${text(after.policies.source)}, ${code(after.policies.digest)}${
      report.hasSamePolicies
        ? ', the same before and after'
        : `; before, ${code(before.policies.digest)}: **some changes may be the policies'**`
    }`,
    ...evidence(report),
    `- ${text(noiseText(report))}`,
    ...notLookedAt(report),
    ...(report.ticket === undefined ? [] : ['', `Followed up in ${text(report.ticket)}`]),
  ].join('\n')}\n`;
}

function cuts({ before, after }: AuditReport): readonly string[] {
  const all = pairedCuts(before.cuts, after.cuts);
  return [
    '| By | Name | Before | After | Change |',
    '|---|---|---:|---:|---:|',
    ...all
      .slice(0, MAX_ROWS)
      .map(
        ({ by, name, before: was, after: is }) =>
          `| ${by} | ${name === '' ? 'unknown' : code(name)} | ${cutShare(was)} | ${cutShare(is)} | ${deltaText(was?.coverage.verified ?? 0, is?.coverage.verified ?? 0)} |`,
      ),
    ...(all.length > MAX_ROWS ? ['', `And ${all.length - MAX_ROWS} more.`] : []),
  ];
}

function list(lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const more = lines.length > MAX_ROWS ? [`- And ${lines.length - MAX_ROWS} more.`] : [];
  return ['', ...lines.slice(0, MAX_ROWS).map((line) => `- ${text(line)}`), ...more];
}

function changes(title: string, list: readonly ReportedChange[], none: string): readonly string[] {
  return [
    '',
    `## ${title}`,
    '',
    ...(list.length === 0
      ? [none]
      : [
          '| Workload | Image | From | To | By, or why not |',
          '|---|---|---|---|---|',
          ...list.slice(0, MAX_ROWS).map(changeRow),
        ]),
    ...(list.length > MAX_ROWS ? ['', `And ${list.length - MAX_ROWS} more.`] : []),
  ];
}

function changeRow({ workload, image, from, to, signers, reason }: ReportedChange): string {
  const why = to === 'verified' ? signers.join('; ') : (reason ?? '');
  return `| ${code(workload)} | ${code(image)} | ${from} | ${to} | ${text(why)} |`;
}

function rows(gaps: readonly ReportedGap[]): readonly string[] {
  if (gaps.length === 0) return [];
  return [
    '',
    '| Workload | Pods | State | Image | Why |',
    '|---|---:|---|---|---|',
    ...gaps
      .slice(0, MAX_ROWS)
      .map(
        ({ workload, pods, state, image, reason, ...rest }) =>
          `| ${code(workload)} | ${[pods, ...exposureTexts(rest).map(text)].join(', ')} | ${state} | ${code(image)} | ${text(reason ?? '')} |`,
      ),
    ...(gaps.length > MAX_ROWS ? ['', `And ${gaps.length - MAX_ROWS} more.`] : []),
  ];
}

/** What an auditor asks for, to check what is said here. */
function evidence({ before, after }: AuditReport): readonly string[] {
  return [before, after].map(
    ({ takenAt, contentDigest, fileDigest, signature }) =>
      `- Snapshot of ${takenAt}: content ${code(contentDigest)}, file ${code(fileDigest)}; ${text(signatureText(signature))}`,
  );
}

function notLookedAt({ before, after }: AuditReport): readonly string[] {
  const sides = [
    ['before', before],
    ['after', after],
  ] as const;
  return sides.flatMap(([side, snapshot]) =>
    snapshot.notLookedAt.map(({ what, reason }) => `- Not looked at, ${side}: ${text(what)}: ${text(reason)}`),
  );
}
