/** Writes docs/conformance.md from the table of cases: `sh tools/node/run test/conformance/document.ts`. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CASES } from './cases.ts';

export const DOCUMENT = resolve(import.meta.dirname, '../../docs/conformance.md');

export function conformanceDocument(): string {
  const entries = Object.entries(CASES);
  const accepted = entries.filter(([, { code }]) => code === undefined);
  const refused = entries.filter(([, { code }]) => code !== undefined);
  return [
    '# Conformance',
    '',
    'Generated from `test/conformance/cases.ts` by `sh tools/node/run test/conformance/document.ts`; the tests fail when',
    'this page is stale.',
    '',
    `sigstore-conformance's bundle verification has ${entries.length} cases. Each runs with the artifact and with its SHA-256`,
    `digest: ${2 * entries.length} runs, none of them expected to come out wrong. A case that must be refused must be refused`,
    'with the code below and no other, for a crash is a refusal too. The suite itself is not part of this repository:',
    '`test/conformance/bundle-verify.test.ts` looks for it in `../shared`, or where `SEALWRIGHT_SHARED` points.',
    '',
    `## Verified (${accepted.length})`,
    '',
    '| Case | Point |',
    '|---|---|',
    ...accepted.map(([name, { about }]) => `| ${name} | ${about} |`),
    '',
    `## Refused (${refused.length})`,
    '',
    '| Case | Error | Fault |',
    '|---|---|---|',
    ...refused.map(([name, { code, about }]) => `| ${name.replace(/_fail$/, '')} | \`${code ?? ''}\` | ${about} |`),
    '',
  ].join('\n');
}

if (import.meta.main) writeFileSync(DOCUMENT, conformanceDocument());
