import { code, text } from './markdown-text.ts';
import type { ErrorDocument, ReportDocument, SignatureDocument, SubjectDocument } from './report-document.ts';
import { attestedType, counting, signerPhrase, subjectName, VERDICTS } from './signer-text.ts';

/** For a pull request or a job's summary: the verdicts in one table, then each subject with its evidence. */
export function markdownReport(document: ReportDocument): string {
  const rows = document.subjects.map((subject) => {
    const signers = counting(subject).map(signerPhrase).join('; ');
    return `| ${VERDICTS[subject.outcome]} | ${code(subjectName(subject))} | ${text(signers || (subject.error?.code ?? '-'))} |`;
  });
  const count = document.subjects.filter(({ outcome }) => outcome === 'verified').length;
  const { predicateType } = document.demand;
  const what = predicateType === undefined ? 'Signatures' : `Attestations ${code(predicateType)}`;
  return [
    `## ${what}: ${count} of ${document.subjects.length} verified`,
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
  const type = attestedType(signature);
  return [
    `${type === undefined ? 'Signed' : `${code(type)} attested`} by ${code(signerPhrase(signature))}${issuer} (${text(format ?? 'unknown format')}, ${code(location)})`,
    '',
    '| Check | Status | Evidence |',
    '|---|---|---|',
    ...checks.map(({ check, status, evidence }) => `| ${check} | ${status} | ${text(evidence)} |`),
  ];
}

function passedOver({ signatures }: SubjectDocument): readonly string[] {
  const others = signatures.filter(({ counts }) => !counts);
  if (others.length === 0) return [];
  const rows = others.map(
    (signature) =>
      `| ${code(signature.location)} | ${text(signerPhrase(signature))} | ${signature.error?.code ?? ''} ${text(signature.error?.message ?? '')} |`,
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
