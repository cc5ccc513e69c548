/** Makes `docs/differences.md` of the table that the scenarios are held to: `npm run docs:differences`. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DIFFERENCES, KEPT_DIFFERENCES, type Difference } from '../test/scenarios/differences.ts';
import { ACCEPTED, SWEPT } from '../test/scenarios/sweep/accepted.ts';
import { SCENARIOS } from '../test/scenarios/scenarios.ts';
import { NOT_PLAYED, UPSTREAM_TESTS } from '../test/scenarios/upstream.ts';

export const DIFFERENCES_FILE = join(resolve(import.meta.dirname, '..'), 'docs', 'differences.md');

export function renderDifferences(): string {
  const played = UPSTREAM_TESTS.filter((name) => SCENARIOS.some(({ upstream }) => upstream.includes(name)));
  return [
    '# Different from cosign, by default',
    '',
    'Made by `npm run docs:differences`. Every scenario of `test/scenarios` is played by cosign 3.1.3, by Sealwright called as',
    '`cosign`, and by Sealwright as it comes, with the same assertions. Called as `cosign` (or with `--compat cosign`) every',
    'assertion comes out as with cosign itself, but for [a few](#different-also-when-called-as-cosign). By default these do not,',
    'and the suite fails when one of them stops to differ or another one starts to.',
    '',
    '| cosign | By default | Because | Held up by |',
    '|---|---|---|---|',
    ...DIFFERENCES.map(row),
    '',
    '## Different, also when called as cosign',
    '',
    '| cosign | Here, always | Because | Held up by |',
    '|---|---|---|---|',
    ...KEPT_DIFFERENCES.map(row),
    '',
    '## Different in small things, also when called as cosign',
    '',
    'Found by `test/scenarios/sweep`, which plays hundreds of small invocations of every command (operands and flags left out,',
    'empty, wrong, or naming files and images that are not there) by cosign and by Sealwright called as `cosign`, and compares',
    'exit code, stdout, files and registry. What is not in this table is the same.',
    '',
    figures('the suite', SWEPT.suite),
    figures('the whole sweep (`SWEEP=all`)', SWEPT.whole),
    '',
    '| cosign | Here, always | Because |',
    '|---|---|---|',
    ...ACCEPTED.map(({ cosign, here, why }) => `| ${cell(cosign)} | ${cell(here)} | ${cell(why)} |`),
    '',
    '## Scenarios',
    '',
    `${SCENARIOS.length} scenarios; of the ${UPSTREAM_TESTS.length} end-to-end tests in cosign's repository they re-create ${played.length}, in words of our own.`,
    '',
    '| Scenario | cosign’s tests about the same |',
    '|---|---|',
    ...SCENARIOS.map(({ name, upstream }) => `| ${name} | ${upstream.join(', ') || '–'} |`),
    '',
    'Not re-created:',
    '',
    ...UPSTREAM_TESTS.filter((name) => !played.includes(name)).map((name) => `- ${name}: ${NOT_PLAYED[name] ?? ''}`),
    '',
  ].join('\n');
}

function figures(what: string, { played, listed }: (typeof SWEPT)['suite']): string {
  return `Of the ${played} invocations of ${what}, ${played - listed} come out the same in everything, and ${listed} are of this table.`;
}

function row({ cosign, here, why, places }: Difference): string {
  const scenarios = [...new Set(places.map(({ scenario }) => scenario))];
  return `| ${cell(cosign)} | ${cell(here)} | ${cell(why)} | ${scenarios.join('; ')} (${places.length}) |`;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

if (import.meta.main) writeFileSync(DIFFERENCES_FILE, renderDifferences());
