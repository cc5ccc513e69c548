import { visibleText } from '../terminal/visible-text.ts';
import type { SignatureDocument, SignerDocument, SubjectDocument } from './report-document.ts';
import { attestedType, errorPhrase, signerPhrase, subjectName } from './signer-text.ts';

/** A line for people; `mark` says how it is shown. */
export interface ReportLine {
  readonly mark: 'none' | 'done' | 'warning';
  readonly text: string;
}

const NAME_WIDTH = 17;

/**
 * A subject as it is told on a terminal: each signature, who made it, each check with its evidence, and why the others do not
 * count. The subject's own error is told last, by whoever ends the command.
 */
export function reportLines(subject: SubjectDocument): readonly ReportLine[] {
  const lines: ReportLine[] = [];
  const say = (text: string, mark: ReportLine['mark'] = 'none'): void => {
    lines.push({ mark, text: visibleText(text) });
  };
  for (const signature of subject.signatures.filter(({ counts }) => counts)) {
    const type = attestedType(signature);
    say(`${subjectName(subject)} ${type === undefined ? 'is signed' : `has ${type}`} by ${signedBy(signature)}`);
    for (const line of origin(signature)) say(`  ${line}`);
    for (const demanded of signature.meets ?? []) say(`  as demanded: ${demanded}`);
    for (const { check, status, evidence } of signature.checks) {
      say(`${check.padEnd(NAME_WIDTH)} ${evidence}`, status === 'waived' ? 'warning' : 'done');
    }
  }
  for (const { name, outcome, reason } of subject.policies) {
    say(`policy ${name.padEnd(NAME_WIDTH - 7)} ${outcome}: ${reason}`, outcome === 'passed' ? 'done' : 'warning');
  }
  for (const signature of subject.signatures.filter(({ counts }) => !counts)) {
    say(`  passed over ${signature.location}: ${errorPhrase(signature.error)}`);
    say(`    by ${signerPhrase(signature)}${passedChecks(signature)}`);
  }
  for (const demanded of subject.missingSigners ?? []) say(`  not signed by ${demanded}`);
  if (subject.otherPredicateTypes.length > 0) say(`  of other types: ${subject.otherPredicateTypes.join(', ')}`);
  for (const format of subject.unreadFormats) say(`  not read: ${format}`);
  return lines;
}

function signedBy(signature: SignatureDocument): string {
  const { signer } = signature;
  const issuer = signer?.kind === 'certificate' ? `  (issuer ${signer.issuer || 'none named'})` : '';
  return `${signerPhrase(signature)}${issuer}`;
}

function origin(signature: SignatureDocument): readonly string[] {
  const { format, location, signedAs, signer, annotations } = signature;
  const noted = Object.entries(annotations).map(([key, value]) => `${key}=${value}`);
  return [
    `format      ${format ?? 'unknown'}, ${location}${signedAs === undefined ? '' : `; signed as ${signedAs || '(no name)'}`}`,
    ...(signer?.kind === 'certificate' ? extensionLines(signer) : []),
    ...(noted.length === 0 ? [] : [`annotations ${noted.join(', ')}`]),
  ];
}

/** Without what the line above says, and the older names of what has a newer one. */
function extensionLines({ extensions }: SignerDocument & { readonly kind: 'certificate' }): readonly string[] {
  return Object.entries(extensions)
    .filter(([name]) => name !== 'issuer' && name !== 'tokenSubject')
    .filter(([name]) => !name.startsWith('githubWorkflow') || extensions.sourceRepositoryUri === undefined)
    .map(([name, value]) => `${name} ${value}`);
}

function passedChecks({ checks }: SignatureDocument): string {
  return checks.length === 0 ? '' : `; passed: ${checks.map(({ check }) => check).join(', ')}`;
}
