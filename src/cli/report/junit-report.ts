import { visibleText } from '../visible-text.ts';
import type { ReportDocument, SignatureDocument, SubjectDocument } from './report-document.ts';
import { counting, signerPhrase, subjectName } from './signer-text.ts';

interface TestCase {
  readonly name: string;
  readonly body: readonly string[];
}

/**
 * JUnit's XML as CI systems read it: a suite for each subject, its verdict as a test case that fails or, when it could not be
 * checked, is an error, and a case for each check of each signature that counts. What was passed over is skipped, not failed.
 */
export function junitReport({ subjects, verifiedAt }: ReportDocument): string {
  const suites = subjects.map((subject) => suite(subject, verifiedAt));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="sealwright verify">',
    ...suites.flat(),
    '</testsuites>',
  ].join('\n');
}

function suite(subject: SubjectDocument, verifiedAt: string): readonly string[] {
  const cases = [verdict(subject), ...counting(subject).flatMap(checks), ...passedOver(subject)];
  const count = (element: string): number =>
    cases.filter(({ body }) => body.some((line) => line.startsWith(`<${element} `))).length;
  const name = attribute(subjectName(subject));
  return [
    `  <testsuite name=${name} tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" timestamp="${verifiedAt.replace(/\.\d+Z$/, '')}">`,
    ...cases.flatMap((testCase) => testCaseLines(name, testCase)),
    '  </testsuite>',
  ];
}

function testCaseLines(className: string, { name, body }: TestCase): readonly string[] {
  const open = `    <testcase classname=${className} name=${attribute(name)}`;
  return body.length === 0 ? [`${open}/>`] : [`${open}>`, ...body.map((line) => `      ${line}`), '    </testcase>'];
}

function verdict({ error, outcome }: SubjectDocument): TestCase {
  const name = 'is signed by whom it must be';
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

/** XML 1.0 has no way at all to write most control characters; they are visible escapes by then. */
function content(text: string): string {
  return wellFormed(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function attribute(text: string): string {
  return `"${content(visibleText(text)).replaceAll('"', '&quot;')}"`;
}

/** Lone surrogates and the two non-characters are no XML characters (XML 1.0 §2.2). */
function wellFormed(text: string): string {
  return text.toWellFormed().replace(/[\ufffe\uffff]/g, '\ufffd');
}
