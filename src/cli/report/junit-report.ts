import { visibleText } from '../terminal/visible-text.ts';
import { attribute, content, junitXml, type TestCase } from './junit-xml.ts';
import type { ReportDocument, SignatureDocument, SubjectDocument } from './report-document.ts';
import { counting, signerPhrase, subjectName } from './signer-text.ts';

/**
 * JUnit's XML as CI systems read it: a suite for each subject, its verdict as a test case that fails or, when it could not be
 * checked, is an error, and a case for each check of each signature that counts. What was passed over is skipped, not failed.
 */
export function junitReport({ subjects, verifiedAt, demand }: ReportDocument): string {
  const suites = subjects.map((subject) => ({
    name: subjectName(subject),
    cases: [verdict(subject, demand), ...counting(subject).flatMap(checks), ...passedOver(subject)],
  }));
  return junitXml('sealwright verify', suites, verifiedAt);
}

function verdict({ error, outcome }: SubjectDocument, { predicateType: type }: ReportDocument['demand']): TestCase {
  const name = type === undefined ? 'is signed by whom it must be' : `has ${visibleText(type)} by whom it must be`;
  if (error === undefined) return { name, body: [] };
  const { code, message, ...facts } = error;
  const element = outcome === 'could-not-check' ? 'error' : 'failure';
  const details = Object.entries(facts).map(([fact, value]) => `${fact}: ${visibleText(value)}`);
  return {
    name,
    body: [
      `<${element} type=${attribute(code)} message=${attribute(message)}>${content(details.join('\n'))}</${element}>`,
    ],
  };
}

function checks(signature: SignatureDocument): readonly TestCase[] {
  return signature.checks.map(({ check, status, evidence }) => ({
    name: `${check}, ${signature.location}`,
    body:
      status === 'waived'
        ? [`<skipped message=${attribute(`waived: ${evidence}`)}/>`]
        : [`<system-out>${content(visibleText(evidence))}</system-out>`],
  }));
}

function passedOver({ signatures }: SubjectDocument): readonly TestCase[] {
  return signatures
    .filter(({ counts }) => !counts)
    .map((signature) => ({
      name: `signature ${signature.location} by ${signerPhrase(signature)}`,
      body: [
        `<skipped message=${attribute(`passed over: ${signature.error?.code ?? ''} ${signature.error?.message ?? ''}`)}/>`,
      ],
    }));
}
