import { compareAudits } from '../../core/audit/audit-comparison.ts';
import { parseAuditSnapshot, type AuditSnapshot } from '../../core/audit/audit-snapshot.ts';
import { PolicyError } from '../../errors.ts';
import { drilledTime } from '../choices/drill-choice.ts';
import type { CommandContext } from '../command.ts';
import { readInputFile } from '../input-file.ts';
import { auditHtml } from '../report/audit-html.ts';
import { auditMarkdown } from '../report/audit-markdown.ts';
import { auditReport } from '../report/audit-report.ts';

/** @throws PolicyError POLICY_DENIED with `--fail-on-regression`; FormatError FORMAT_AUDIT; UsageError; as `drilledTime` */
export async function compareSnapshots(context: CommandContext): Promise<void> {
  const { flags, terminal } = context;
  const [before, after] = flags.arguments.map(readSnapshot);
  if (before === undefined || after === undefined) throw new TypeError('two operands are demanded');
  const report = auditReport(
    compareAudits(before, after),
    await drilledTime(context, after.takenAt),
    flags.string('ticket'),
  );
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
  const { regressions } = report;
  if (flags.boolean('fail-on-regression') && regressions.length > 0) {
    throw new PolicyError('POLICY_DENIED', `${regressions.length} places got worse`, {
      found: regressions
        .slice(0, 3)
        .map(({ workload, to }) => `${workload}: ${to}`)
        .join('; '),
      expected: 'none',
    });
  }
}

function readSnapshot(path: string): AuditSnapshot {
  return parseAuditSnapshot(readInputFile(path));
}
