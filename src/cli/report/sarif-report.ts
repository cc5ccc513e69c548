import { visibleText } from '../terminal/visible-text.ts';
import { sarifLog, type SarifResult } from './sarif-log.ts';
import type { ErrorDocument, ReportDocument, SignatureDocument, SubjectDocument } from './report-document.ts';
import { counting, signerPhrase, signersPhrase, subjectName } from './signer-text.ts';

const VERIFIED = 'VERIFIED';

/** SARIF 2.1.0 (OASIS): one run, the error codes as rules, a result for each subject and each signature passed over. */
export function sarifReport(document: ReportDocument): object {
  const results = document.subjects.flatMap(subjectResults);
  return sarifLog(results, { ...document.program, at: document.verifiedAt });
}

function subjectResults(subject: SubjectDocument): readonly SarifResult[] {
  return [
    verdict(subject),
    ...subject.signatures.filter(({ counts }) => !counts).map((other) => passedOver(subject, other)),
  ];
}

function verdict(subject: SubjectDocument): SarifResult {
  const { error, outcome } = subject;
  const locations = [location(subject)];
  if (error === undefined) {
    const how = signersPhrase(subject) || subject.policies.map(({ reason }) => reason).join('; ');
    return {
      ruleId: VERIFIED,
      kind: 'pass',
      level: 'none',
      message: { text: visibleText(`${subjectName(subject)} is verified: ${how}`) },
      locations,
      properties: { checks: counting(subject).flatMap(({ checks }) => checks) },
    };
  }
  // SARIF §3.27.9: `open` is a result that says that nobody could tell; its level must be none.
  const isOpen = outcome === 'could-not-check';
  return {
    ruleId: error.code,
    kind: isOpen ? 'open' : 'fail',
    level: isOpen ? 'none' : 'error',
    message: { text: errorText(subjectName(subject), error) },
    locations,
  };
}

function passedOver(subject: SubjectDocument, signature: SignatureDocument): SarifResult {
  const { error } = signature;
  return {
    ruleId: error?.code ?? VERIFIED,
    kind: 'fail',
    level: 'note',
    message: {
      text: visibleText(
        `signature ${signature.location} by ${signerPhrase(signature)} does not count: ${error?.message ?? ''}`,
      ),
    },
    locations: [location(subject)],
  };
}

function location({ kind, name, digest }: SubjectDocument): object {
  const uri = kind === 'image' ? `oci:${name}` : name;
  return {
    physicalLocation: { artifactLocation: { uri: encodeURI(uri.toWellFormed()) } },
    logicalLocations: [{ fullyQualifiedName: digest ?? name, kind: 'resource' }],
  };
}

function errorText(name: string, { message, ...facts }: ErrorDocument): string {
  const lines = (['found', 'expected', 'closest', 'fix'] as const).flatMap((fact) =>
    facts[fact] === undefined ? [] : [`${fact}: ${visibleText(facts[fact])}`],
  );
  return [visibleText(`${name}: ${message}`), ...lines].join('\n');
}
