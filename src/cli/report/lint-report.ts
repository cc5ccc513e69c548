import type { FindingLevel, PolicyFinding } from '../../core/policy/lint/policy-finding.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { githubCommands, type Annotation } from './github-command.ts';
import { sarifLog, type SarifResult } from './sarif-log.ts';

/** A finding with its place; without a file it is about flags. */
export interface LocatedFinding extends PolicyFinding {
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
}

const SCHEMA = 'urn:sealwright:policy-lint:v1';
const GITHUB: Readonly<Record<FindingLevel, Annotation['level']>> = {
  error: 'error',
  warning: 'warning',
  note: 'notice',
};

export function printFindings({ flags, terminal, now }: CommandContext, findings: readonly LocatedFinding[]): void {
  const program = { name: 'sealwright', version: packageVersion() };
  switch (flags.string('output')) {
    case 'json':
      terminal.result(JSON.stringify({ schema: SCHEMA, program, lintedAt: now().toISOString(), findings }, null, 2));
      break;
    case 'sarif':
      terminal.result(
        JSON.stringify(sarifLog(findings.map(sarifResult), { ...program, at: now().toISOString() }), null, 2),
      );
      break;
    case 'github':
      for (const line of githubCommands(findings.map(annotation))) terminal.result(line);
      break;
    default:
      for (const line of findings.flatMap(textLines)) terminal.result(line);
      if (findings.length === 0) terminal.progress(terminal.done('nothing was found'));
  }
}

function textLines(finding: LocatedFinding): readonly string[] {
  const { file, line, level, rule, subject, path, message, example, instead } = finding;
  const place = file === undefined ? 'flags' : `${file}:${line ?? 1}`;
  const where = [file === undefined ? undefined : subject, path].filter((text) => text !== undefined && text !== '');
  return [
    visibleText(`${place}: ${level}: ${rule}: ${message}`),
    ...(where.length === 0 ? [] : [visibleText(`  in:       ${where.join(', ')}`)]),
    ...(example === undefined ? [] : [visibleText(`  lets in:  ${example}`)]),
    ...(instead === undefined ? [] : [visibleText(`  instead:  ${instead}`)]),
  ];
}

function sarifResult({
  file,
  line,
  level,
  rule,
  subject,
  path,
  message,
  example,
  instead,
}: LocatedFinding): SarifResult {
  const text = [
    message,
    ...(example === undefined ? [] : [`lets in: ${example}`]),
    ...(instead === undefined ? [] : [`instead: ${instead}`]),
  ].map(visibleText);
  const logical = [subject, path].filter((part) => part !== undefined && part !== '').join('/');
  return {
    ruleId: rule,
    kind: 'fail',
    level,
    message: { text: text.join('\n') },
    locations: [
      {
        ...(file === undefined
          ? {}
          : {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(file.toWellFormed()) },
                region: { startLine: line ?? 1 },
              },
            }),
        ...(logical === '' ? {} : { logicalLocations: [{ fullyQualifiedName: visibleText(logical), kind: 'object' }] }),
      },
    ],
  };
}

function annotation({ file, line, level, rule, message, example, instead }: LocatedFinding): Annotation {
  const text = [
    message,
    ...(example === undefined ? [] : [`lets in: ${example}`]),
    ...(instead === undefined ? [] : [`instead: ${instead}`]),
  ];
  return {
    level: GITHUB[level],
    title: rule,
    text: text.join('\n'),
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
  };
}
