/** Where evidence is kept: what is understood, what is refused, and where a password may come from. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { passwordIn, postgresPassword } from '../../src/cli/choices/postgres-password.ts';
import { isPostgresUrl, parsePostgresUrl, type PostgresUrl } from '../../src/cli/choices/postgres-url.ts';
import { renderError, type SealwrightError } from '../../src/errors.ts';

const URL_: PostgresUrl = parsePostgresUrl('postgres://app@db.example:6432/evidence', 'evidence');

for (const [text, expected] of [
  ['postgres://u@h/d', { host: 'h', port: 5432, user: 'u', database: 'd', sslMode: 'verify-full' }],
  ['postgresql://u@127.0.0.1:1/d', { host: '127.0.0.1', port: 1, user: 'u', database: 'd', sslMode: 'disable' }],
  ['postgres://u@[::1]/d', { host: '::1', port: 5432, user: 'u', database: 'd', sslMode: 'disable' }],
  [
    'postgres://u@[2001:db8::1]/d',
    { host: '2001:db8::1', port: 5432, user: 'u', database: 'd', sslMode: 'verify-full' },
  ],
  [
    'postgres://u@localhost/d?sslmode=verify-full',
    { host: 'localhost', port: 5432, user: 'u', database: 'd', sslMode: 'verify-full' },
  ],
  [
    'postgres://u%40x@h/d%20e?sslmode=disable',
    { host: 'h', port: 5432, user: 'u@x', database: 'd e', sslMode: 'disable' },
  ],
  ['postgres:///d?host=/run/pg&user=u', { host: '/run/pg', port: 5432, user: 'u', database: 'd', sslMode: 'disable' }],
  [
    'postgres://u@h/d?sslmode=verify-ca&sslrootcert=ca.pem',
    { host: 'h', port: 5432, user: 'u', database: 'd', sslMode: 'verify-ca', rootCertificateFile: 'ca.pem' },
  ],
] as const) {
  test(`${text} is understood`, () => {
    assert.ok(isPostgresUrl(text));
    assert.deepEqual(parsePostgresUrl(text, 'evidence'), expected);
  });
}

for (const [text, message] of [
  ['postgres://u:secret@h/d', /holds a password/],
  ['postgres://u@h/d?password=secret', /holds a password/],
  ['postgres://h/d', /as whom/],
  ['postgres://u@h', /for what/],
  ['postgres://u@h/', /for what/],
  ['postgres://u@h/d/e', /for what/],
  ['postgres:///d?user=u', /whom to ask/],
  ['postgres://u@h:99999/d', /no URL/],
  ['postgres://u%zz@h/d', /not encoded/],
  ['postgres://u@h/d?sslmode=require', /does not say for certain who answers/],
  ['postgres://u@h/d?sslmode=prefer', /does not say for certain who answers/],
  ['postgres://u@h/d?sslmode=', /does not say for certain who answers/],
  ['postgres://u@h/d?options=-c', /a parameter options/],
] as const) {
  test(`${text} is refused`, () => {
    assert.throws(
      () => parsePostgresUrl(text, 'evidence'),
      (error: SealwrightError) => {
        assert.equal(error.code, 'USAGE_BAD_FLAG');
        assert.match(error.message, message);
        assert.ok(!renderError(error).includes('secret'));
        return true;
      },
    );
  });
}

test('a password in the URL: the refusal says where it belongs', () => {
  assert.throws(() => parsePostgresUrl('postgres://u:secret@h/d', 'evidence'), {
    facts: {
      expected: 'none in the URL',
      fix: 'take it out, and give it with --evidence-password-file FILE, PGPASSWORD or PGPASSFILE',
    },
  });
});

for (const [line, expected] of [
  ['db.example:6432:evidence:app:secret', 'secret'],
  ['*:*:*:*:secret', 'secret'],
  ['*:*:*:app:se\\:cr\\\\et', 'se:cr\\et'],
  ['*:*:*:app:', ''],
  ['# *:*:*:*:no\n*:*:*:app:yes\n*:*:*:*:later', 'yes'],
  ['other:6432:evidence:app:secret', undefined],
  ['db.example:6432:evidence:app', undefined],
  ['db.example:5432:evidence:app:secret', undefined],
  ['', undefined],
] as const) {
  test(`a password file of ${JSON.stringify(line)}`, () => {
    assert.equal(passwordIn(line, URL_), expected);
  });
}

function written(t: TestContext, text: string, mode = 0o600): string {
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-password-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const path = join(dir, '.pgpass');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

test('the file that is named comes first, then PGPASSWORD, PGPASSFILE, and .pgpass; or nothing', (t) => {
  const named = written(t, 'from file\n');
  const pgpass = written(t, '*:*:*:*:from pgpass\n');
  const home = join(pgpass, '..');
  const environment = { PGPASSWORD: 'from variable', PGPASSFILE: pgpass };
  const nowhere = { environment: {}, home: '/nowhere' };
  assert.equal(postgresPassword(URL_, named, { environment, home }), 'from file');
  assert.equal(postgresPassword(URL_, undefined, { environment, home }), 'from variable');
  assert.equal(postgresPassword(URL_, undefined, { environment: { PGPASSFILE: pgpass }, home: '/x' }), 'from pgpass');
  assert.equal(postgresPassword(URL_, undefined, { environment: {}, home }), 'from pgpass');
  assert.equal(postgresPassword(URL_, undefined, nowhere), undefined);
  assert.throws(() => postgresPassword(URL_, '/nowhere/x', nowhere), { code: 'USAGE_FILE' });
  assert.throws(() => postgresPassword(URL_, undefined, { ...nowhere, environment: { PGPASSFILE: '/nowhere/x' } }), {
    code: 'USAGE_FILE',
  });
});

test('a password file that others may read is refused, with the command that mends it', (t) => {
  const path = written(t, '*:*:*:*:x', 0o640);
  assert.throws(() => postgresPassword(URL_, undefined, { environment: { PGPASSFILE: path }, home: '/x' }), {
    code: 'USAGE_BAD_CONFIG',
    facts: { expected: 'a password file that its owner alone can read', fix: `chmod 600 ${path}` },
  });
});
