import { appendFileSync, statSync } from 'node:fs';
import { UsageError, renderError } from '../../errors.ts';
import type { VerificationReport } from '../../workflows/verify/verification-report.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { variable } from '../terminal/environment.ts';
import { ReportedFailure } from '../terminal/failure.ts';
import { githubAnnotations, githubSummary, MAX_SUMMARY_BYTES } from './github-report.ts';
import { junitReport } from './junit-report.ts';
import { markdownReport } from './markdown-report.ts';
import {
  documentsBySubject,
  reportDocument,
  type ReportDocument,
  type ReportRun,
  type SubjectDocument,
} from './report-document.ts';
import { reportLines } from './report-lines.ts';
import { sarifReport } from './sarif-report.ts';
import { tableReport } from './table-report.ts';

/**
 * What stdout gets besides reports: cosign's own output, line by line, in the form that its `-o` names. Scripts written for
 * cosign read JSON without asking for it; a person at a terminal has seen it all on stderr.
 */
export type CosignLines = (format: 'json' | 'text') => readonly string[];

/** The run's facts, filled up with what every run has. */
export function documentOf(
  { now }: CommandContext,
  run: Omit<ReportRun, 'programVersion' | 'verifiedAt'>,
  reports: readonly VerificationReport[],
): ReportDocument {
  return reportDocument({ ...run, programVersion: packageVersion(), verifiedAt: now() }, reports);
}

/** Images on stderr, with a warning where a tag said which one is meant. */
export function tellImage(context: CommandContext, { subjects }: ReportDocument): void {
  for (const subject of subjects) {
    if (subject.tagResolved === true && subject.outcome === 'verified') {
      context.terminal.warn(`tag resolved to ${subject.digest ?? ''}; that is what was verified`);
    }
    tellSubject(context, subject);
  }
}

/** A subject on stderr, as progress. What was waived is a warning, which `--quiet` lets through. */
export function tellSubject({ terminal }: CommandContext, subject: SubjectDocument): void {
  for (const { mark, text } of reportLines(subject)) {
    if (mark === 'warning') terminal.warn(text);
    else terminal.progress(mark === 'done' ? terminal.done(text) : text);
  }
}

/**
 * The result on stdout, in the form that `--output` names.
 *
 * @throws UsageError USAGE_FILE when the job's summary cannot be written
 */
export function printReport(context: CommandContext, document: ReportDocument, cosignLines: CosignLines): void {
  const { flags, terminal, compat } = context;
  const format = flags.string('output');
  if (compat) {
    for (const line of cosignLines(format === 'text' ? 'text' : 'json')) terminal.result(line);
    return;
  }
  for (const line of resultLines(format, context, document, cosignLines)) terminal.result(line);
}

function resultLines(
  format: string | undefined,
  context: CommandContext,
  document: ReportDocument,
  cosignLines: CosignLines,
): readonly string[] {
  switch (format) {
    case 'json':
      context.terminal.progress("  -o json is Sealwright's report; what cosign prints is -o cosign");
      return [JSON.stringify(document, null, 2)];
    case 'jsonl':
      return documentsBySubject(document).map((line) => JSON.stringify(line));
    case 'table':
      return [tableReport(document)];
    case 'markdown':
      return [markdownReport(document)];
    case 'sarif':
      return [JSON.stringify(sarifReport(document), null, 2)];
    case 'junit':
      return [junitReport(document)];
    case 'github':
      return github(context, document);
    case 'cosign':
      return cosignLines('json');
    case 'text':
      return cosignLines('text');
    default:
      return context.terminal.isResultSeen ? [] : cosignLines('json');
  }
}

/** Annotations to the log; the summary to the file that the runner names, if it does. */
function github({ environment }: CommandContext, document: ReportDocument): readonly string[] {
  const path = variable(environment, 'GITHUB_STEP_SUMMARY');
  if (path !== undefined) appendSummary(path, document);
  return githubAnnotations(document);
}

function appendSummary(path: string, document: ReportDocument): void {
  try {
    // What the step has written before counts against the same limit.
    const used = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    appendFileSync(path, githubSummary(document, MAX_SUMMARY_BYTES - used));
  } catch (cause) {
    throw new UsageError('USAGE_FILE', "the job's summary cannot be written", {
      found: `${path}: ${(cause as NodeJS.ErrnoException).code ?? 'an error'}`,
      expected: 'GITHUB_STEP_SUMMARY to name a file that can be written',
      cause,
    });
  }
}

/**
 * Ends the command when anything was not verified: with its error, or with every one of them and the first one's exit code.
 *
 * @throws SealwrightError or ReportedFailure
 */
export function failUnlessVerified(reports: readonly VerificationReport[]): void {
  const failed = reports.filter(({ error }) => error !== undefined);
  const [first] = failed;
  if (first?.error === undefined) return;
  if (failed.length === 1) throw first.error;
  const texts = failed.flatMap(({ subject, error }) =>
    error === undefined ? [] : [`${renderError(error)}\n  of:       ${subject.name}`],
  );
  throw new ReportedFailure(texts.join('\n'), first.error.exitCode);
}
