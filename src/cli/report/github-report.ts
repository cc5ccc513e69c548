import { githubCommands, type Annotation } from './github-command.ts';
import { markdownReport } from './markdown-report.ts';
import type { ReportDocument, SubjectDocument } from './report-document.ts';
import { counting, errorPhrase, signersPhrase, subjectName } from './signer-text.ts';

/** GitHub drops a summary of more than 1 MiB whole; several steps may add to one. */
export const MAX_SUMMARY_BYTES = 900 << 10;
const CUT = '\n\nThis summary was cut; the whole report is what `-o json` prints.\n';

/** Workflow commands for the log: the gravest ten as annotations, everything else as lines in a group. */
export function githubAnnotations(document: ReportDocument): readonly string[] {
  return githubCommands([
    ...document.subjects.flatMap(subjectAnnotations),
    ...document.warnings.map((text): Annotation => ({ level: 'warning', title: 'Identity pattern', text })),
  ]);
}

/** The summary of a job, of at most so many bytes of UTF-8, cut at the end of a line; empty where nothing fits. */
export function githubSummary(document: ReportDocument, maxBytes = MAX_SUMMARY_BYTES): string {
  const whole = `${markdownReport(document)}\n`;
  const bytes = Buffer.from(whole);
  if (bytes.length <= maxBytes) return whole;
  if (maxBytes <= CUT.length) return '';
  const kept = bytes.subarray(0, maxBytes - CUT.length);
  return `${kept.subarray(0, kept.lastIndexOf(0x0a)).toString('utf8')}${CUT}`;
}

function subjectAnnotations(subject: SubjectDocument): readonly Annotation[] {
  const name = subjectName(subject);
  if (subject.error !== undefined) {
    const { code, fix } = subject.error;
    const facts = [
      errorPhrase(subject.error),
      `found: ${subject.error.found ?? '-'}`,
      ...(fix === undefined ? [] : [`fix: ${fix}`]),
    ];
    return [{ level: 'error', title: `${code} ${name}`, text: facts.join('\n') }];
  }
  const waived = counting(subject).flatMap(({ checks }) => checks.filter(({ status }) => status === 'waived'));
  return [
    ...waived.map(({ check, evidence }): Annotation => ({
      level: 'warning',
      title: `Waived: ${check}`,
      text: `${name}: ${evidence}`,
    })),
    { level: 'notice', title: `Verified ${name}`, text: signersPhrase(subject) || 'by policy' },
  ];
}
