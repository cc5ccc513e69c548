import { columns } from './columns.ts';
import type { ReportDocument, SignatureDocument, SubjectDocument } from './report-document.ts';
import { counting, errorPhrase, signerPhrase, subjectName, VERDICTS } from './signer-text.ts';

const HEADER = ['VERDICT', 'SUBJECT', 'SIGNER', 'ISSUER', 'FORMAT', 'LOG', 'TIME', 'WHY'] as const;
/** For what is not there and what was not looked at: neither is an empty string. */
const NONE = '-';

/** A row for each signature; a subject without any has one of its own. Columns as wide as what is in them. */
export function tableReport({ subjects }: ReportDocument): string {
  return columns([HEADER, ...subjects.flatMap(subjectRows)]);
}

function subjectRows(subject: SubjectDocument): readonly (readonly string[])[] {
  const name = subjectName(subject);
  const signatures = [...counting(subject), ...subject.signatures.filter(({ counts }) => !counts)];
  const rows = signatures.map((signature) => signatureRow(subject, name, signature));
  if (counting(subject).length > 0 && subject.outcome === 'verified') return rows;
  const passed = subject.policies.map(({ reason }) => reason).join('; ');
  const why = subject.error === undefined ? passed : errorPhrase(subject.error);
  return [[VERDICTS[subject.outcome], name, NONE, NONE, NONE, NONE, NONE, why], ...rows];
}

function signatureRow(subject: SubjectDocument, name: string, signature: SignatureDocument): readonly string[] {
  const { signer, logEntries, times, counts } = signature;
  return [
    counts ? (subject.outcome === 'verified' ? VERDICTS.verified : 'valid') : 'passed over',
    name,
    signerPhrase(signature),
    (signer?.kind === 'certificate' ? signer.issuer : '') || NONE,
    signature.format ?? NONE,
    logEntries.map(({ log, index }) => `${log}#${index}`).join(', ') || NONE,
    times[0]?.time ?? NONE,
    counts ? NONE : errorPhrase(signature.error),
  ];
}
