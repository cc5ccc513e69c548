import { visibleText } from '../visible-text.ts';
import type { ErrorDocument, ReportDocument, SignatureDocument, SubjectDocument } from './report-document.ts';
import { counting, signerPhrase, subjectName, VERDICTS } from './signer-text.ts';

/** For a pull request or a job's summary: the verdicts in one table, then each subject with its evidence. */
export function markdownReport(document: ReportDocument): string {
  const rows = document.subjects.map((subject) => {
    const signers = counting(subject).map(signerPhrase).join('; ');
    return `| ${VERDICTS[subject.outcome]} | ${code(subjectName(subject))} | ${cell(signers || (subject.error?.code ?? '-'))} |`;
  });
  const count = document.subjects.filter(({ outcome }) => outcome === 'verified').length;
  return [
    `## Signatures: ${count} of ${document.subjects.length} verified`,
    '',
    '| Verdict | What | Signed by, or why not |',
    '|---|---|---|',
    ...rows,
    ...document.subjects.flatMap((subject) => ['', ...subjectSection(subject)]),
    '',
    `Trust from ${text(document.trust.source)}; demanded: ${text(document.demand.signers.join(' or '))}. Verified at ${document.verifiedAt} by sealwright ${document.program.version}.`,
  ].join('\n');
}

function subjectSection(subject: SubjectDocument): readonly string[] {
  return [
    `### ${code(subjectName(subject))}`,
    ...(subject.error === undefined ? [] : ['', ...errorLines(subject.error)]),
    ...subject.policies.flatMap(({ name, outcome, reason }) => [
      '',
      `Policy ${code(name)}: ${outcome}: ${text(reason)}`,
    ]),
    ...counting(subject).flatMap((signature) => ['', ...signatureSection(signature)]),
    ...passedOver(subject),
  ];
}

function signatureSection(signature: SignatureDocument): readonly string[] {
  const { signer, format, location, checks } = signature;
  const issuer = signer?.kind === 'certificate' ? `, authenticated by ${text(signer.issuer || 'no named issuer')}` : '';
  return [
    `Signed by ${code(signerPhrase(signature))}${issuer} (${text(format ?? 'unknown format')}, ${code(location)})`,
    '',
    '| Check | Status | Evidence |',
    '|---|---|---|',
    ...checks.map(({ check, status, evidence }) => `| ${check} | ${status} | ${cell(evidence)} |`),
  ];
}

function passedOver({ signatures }: SubjectDocument): readonly string[] {
  const others = signatures.filter(({ counts }) => !counts);
  if (others.length === 0) return [];
  const rows = others.map(
    (signature) =>
      `| ${code(signature.location)} | ${cell(signerPhrase(signature))} | ${signature.error?.code ?? ''} ${cell(signature.error?.message ?? '')} |`,
  );
  return ['', '| Passed over | By | Why |', '|---|---|---|', ...rows];
}

function errorLines({ code: name, message, ...facts }: ErrorDocument): readonly string[] {
  return [
    `**${name}** ${text(message)}`,
    '',
    ...Object.entries(facts).map(([fact, value]) => `- ${fact}: ${code(value)}`),
  ];
}

/** Untrusted text as text: no mark-up, links, mentions or HTML of its own. */
function text(value: string): string {
  return visibleText(value).replace(/[\\`*_{}[\]()<>#|!~@&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** In a cell of a table. */
function cell(value: string): string {
  return text(value);
}

/** As code, in more backticks than the text has in a row. */
function code(value: string): string {
  // A bar ends a cell of a table even inside code.
  const visible = visibleText(value).replaceAll('|', '\u2502');
  const longest = Math.max(0, ...[...visible.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${visible}${fence}` : `${fence} ${visible} ${fence}`;
}
