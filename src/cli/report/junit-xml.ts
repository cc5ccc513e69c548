import { visibleText } from '../terminal/visible-text.ts';

export interface TestCase {
  readonly name: string;
  /** Lines of XML; none for a case that passed without a word. */
  readonly body: readonly string[];
}

export interface TestSuite {
  readonly name: string;
  readonly cases: readonly TestCase[];
}

/**
 * JUnit's XML as CI systems read it.
 *
 * @param name what ran
 * @param at   RFC 3339, when it ran
 */
export function junitXml(name: string, suites: readonly TestSuite[], at: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name=${attribute(name)}>`,
    ...suites.flatMap((suite) => suiteLines(suite, at)),
    '</testsuites>',
  ].join('\n');
}

function suiteLines({ name, cases }: TestSuite, at: string): readonly string[] {
  const count = (element: string): number =>
    cases.filter(({ body }) => body.some((line) => line.startsWith(`<${element} `))).length;
  const shown = attribute(name);
  return [
    `  <testsuite name=${shown} tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" timestamp="${at.replace(/\.\d+Z$/, '')}">`,
    ...cases.flatMap((testCase) => testCaseLines(shown, testCase)),
    '  </testsuite>',
  ];
}

function testCaseLines(className: string, { name, body }: TestCase): readonly string[] {
  const open = `    <testcase classname=${className} name=${attribute(name)}`;
  return body.length === 0 ? [`${open}/>`] : [`${open}>`, ...body.map((line) => `      ${line}`), '    </testcase>'];
}

/** XML 1.0 has no way at all to write most control characters; they are visible escapes by then. */
export function content(text: string): string {
  return wellFormed(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

export function attribute(text: string): string {
  return `"${content(visibleText(text)).replaceAll('"', '&quot;')}"`;
}

/** Lone surrogates and the two non-characters are no XML characters (XML 1.0 §2.2). */
function wellFormed(text: string): string {
  return text.toWellFormed().replace(/[\ufffe\uffff]/g, '\ufffd');
}
