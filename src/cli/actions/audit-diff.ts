import { compareAudits } from '../../core/audit/audit-comparison.ts';
import type { AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import { PolicyError, RemoteError } from '../../errors.ts';
import { drilledTime } from '../choices/drill-choice.ts';
import { snapshotReader } from '../choices/snapshot-file-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { auditHtml } from '../report/audit-html.ts';
import { auditMarkdown } from '../report/audit-markdown.ts';
import { auditReport, type AuditReport } from '../report/audit-report.ts';

/**
 * @throws PolicyError POLICY_DENIED, RemoteError COULD_NOT_CHECK with `--fail-on`; FormatError FORMAT_AUDIT; UsageError; as
 *   `snapshotReader` and `drilledTime`
 */
export async function compareSnapshots(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const [from = '', to = ''] = flags.arguments;
  const read = await snapshotReader(context);
  const [before, after] = [await read(from), await read(to)];
  const again = flags.string('again');
  const report = auditReport(compareAudits(before.snapshot, after.snapshot), {
    drilled: await drilledTime(context, after.snapshot.takenAt),
    before,
    after,
    ticket: flags.string('ticket'),
    again: again === undefined ? undefined : (await read(again)).snapshot,
  });
  switch (flags.string('output')) {
    case 'html':
      terminal.result(auditHtml(report).trimEnd());
      break;
    case 'json':
      terminal.result(JSON.stringify(report, undefined, 2));
      break;
    default:
      terminal.result(auditMarkdown(report).trimEnd());
  }
  if (flags.string('fail-on') !== undefined) gate(report, before.snapshot, after.snapshot);
}

/** What is not looked at any more may have got worse. */
function gate({ regressions }: AuditReport, before: AuditSnapshot, after: AuditSnapshot): void {
  if (regressions.length > 0) {
    throw new PolicyError('POLICY_DENIED', `${regressions.length} places got worse`, {
      found: regressions
        .slice(0, 3)
        .map(({ workload, to }) => `${workload}: ${to}`)
        .join('; '),
      expected: 'none',
    });
  }
  const known = new Set(before.notLookedAt.map(({ what }) => what));
  const hidden = after.notLookedAt.filter(({ what }) => !known.has(what));
  if (hidden.length === 0) return;
  throw new RemoteError('COULD_NOT_CHECK', 'nobody can tell whether anything got worse', {
    found: `not looked at this time: ${hidden
      .slice(0, 3)
      .map(({ what }) => what)
      .join('; ')}`,
    expected: 'everything that was looked at before',
    fix: 'give the command what it lacks (credentials, leave to list), and take the snapshot again',
  });
}
