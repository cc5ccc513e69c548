import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { SealwrightError } from '../../src/errors.ts';
import { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';
import { shared } from '../support/shared.ts';
import { CASES } from './cases.ts';
import { ConformanceCase } from './conformance-case.ts';
import { DOCUMENT, conformanceDocument } from './document.ts';

const FOLDER = 'conformance/bundle-verify';

function find(t: TestContext, name: string): ConformanceCase | undefined {
  const cases = shared(t, FOLDER);
  const root = shared(t, 'trust/production/trusted_root.json');
  return cases === undefined || root === undefined ? undefined : new ConformanceCase(cases, name, root);
}

test('the table has every case of the suite', (t) => {
  const cases = shared(t, FOLDER);
  if (cases === undefined) return;
  const folders = readdirSync(cases, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(folders.map(({ name }) => name).sort(), Object.keys(CASES).sort());
});

test('a case that must fail has a code in the table, and no other case has', () => {
  const faults = Object.entries(CASES).filter(([name, { code }]) => name.endsWith('_fail') !== (code !== undefined));
  assert.deepEqual(faults, []);
  assert.equal(Object.keys(CASES).length, 70);
});

test('docs/conformance.md is what the table generates', () => {
  assert.equal(readFileSync(DOCUMENT, 'utf8'), conformanceDocument());
});

for (const [name, { code }] of Object.entries(CASES)) {
  for (const input of ['path', 'digest'] as const) {
    test(`${name} by ${input}: ${code ?? 'verified'}`, (t) => {
      const found = find(t, name);
      if (found === undefined) return;
      if (code === undefined) {
        assert.ok(VerifiedBundle.isVerified(found.verify(input)));
        return;
      }
      assert.throws(
        () => found.verify(input),
        (error) => error instanceof SealwrightError && error.code === code,
      );
    });
  }
}

test('a case that is refused for its encoding is refused for its own fault without it', (t) => {
  const found = find(t, 'rekor2-timestamp-with-incorrect-time_fail');
  if (found === undefined) return;
  const repaired = Buffer.from(found.bundle)
    .toString()
    .replace(/(?<="signedTimestamp": ?")[^"]+/, (text) => text.replaceAll(String.raw`\n`, ''));
  assert.throws(() => found.verify('path', Buffer.from(repaired)), { code: 'CERTIFICATE_TIME' });
});
