/** Snapshots that are signed when they are taken, keylessly and with a key, and who notices one that was changed since. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { after, before, test } from 'node:test';
import { encodeAuditSnapshot, parseAuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { AUDIT_PREDICATE } from '../../src/core/audit/snapshot-statement.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { AUDITOR, openAuditorSite } from './auditor-site.ts';

const { sandbox, stack, run, trust, auditor, stop } = await openAuditorSite();
after(stop);

before(async () => {
  sandbox.write('stranger', await stack.token('stranger@example.test'));
});

const signing = (): readonly string[] => ['--sign', '--signing-config', stack.status.signingConfig, '--yes'];
/** Nothing runs here but what nobody can look at: what is in a snapshot does not matter to who signs it. */
async function take(out: string, ...more: readonly string[]): Promise<Ended> {
  const ended = await run(
    ...['audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', ...trust(), '--out', out, ...more],
    `${stack.status.registry}/shop/none@sha256:${'0'.repeat(64)}`,
  );
  return ended;
}

async function signed(out: string, token = 'token'): Promise<void> {
  const ended = await take(out, ...signing(), '--identity-token', token);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.match(ended.stderr, /identity {2}.*@example\.test.*logged #\d+/);
}

test('keyless: diff and ticket verify it, and say by whom, when, and where it is logged', async () => {
  await signed('a.json');
  await signed('b.json');
  const verified = await run('audit', 'diff', 'a.json', 'b.json', ...auditor(), '-o', 'json');
  assert.equal(verified.exitCode, 0, verified.stderr);
  const { before: was, after: is } = JSON.parse(verified.stdout) as Record<
    'before' | 'after',
    { signature: { state: string; by: string; at: string; logIndex: string }; takenAt: string; contentDigest: string }
  >;
  assert.deepEqual([was.signature.state, is.signature.state], ['verified', 'verified']);
  assert.match(is.signature.by, new RegExp(AUDITOR));
  assert.ok(Number(is.signature.logIndex) > Number(was.signature.logIndex), 'each by its own entry');
  assert.equal(was.contentDigest, is.contentDigest, 'minutes apart they agree');
  const markdown = await run('audit', 'diff', 'a.json', 'b.json', ...auditor());
  assert.match(markdown.stdout, /- Snapshot of .*signed by auditor&#64;example\.test .*logged &#35;\d+/);
  const html = await run('audit', 'diff', 'a.json', 'b.json', ...auditor(), '-o', 'html');
  assert.match(html.stdout, /<li>Snapshot of .*signed by auditor@example\.test .*logged #\d+<\/li>/);
  const ticket = await run('audit', 'ticket', 'b.json', '--to', 'gap.md', ...auditor());
  assert.equal(ticket.exitCode, 0, ticket.stderr);
  assert.match(readFileSync(sandbox.path('gap.md'), 'utf8'), /signed by auditor&#64;example\.test/);
});

test('anybody verifies it without an audit: a statement about a file', async () => {
  await signed('a.json');
  const about = ['--bundle', 'a.json.sigstore.json', '--type', AUDIT_PREDICATE, 'a.json'];
  const ended = await run('verify-blob-attestation', ...auditor(), ...about);
  assert.equal(ended.exitCode, 0, ended.stderr);
});

test('a series in a folder: each named by its moment and verified, and none of them unsigned', async () => {
  mkdirSync(sandbox.path('series'));
  for (let index = 0; index < 2; index++) await signed('series/');
  const names = readdirSync(sandbox.path('series')).sort();
  assert.match(names.join(), /^shop-[0-9T.-]+Z\.json,shop-[0-9T.-]+Z\.json\.sigstore\.json,shop-/);
  const trend = await run('audit', 'trend', 'series', ...auditor(), '-o', 'markdown');
  assert.equal(trend.stdout.match(/agrees|signed by auditor/g)?.join(), 'signed by auditor,agrees,signed by auditor');
  const sample = await run('audit', 'sample', 'series', '--seed', 'a', ...auditor(), '-o', 'markdown');
  assert.equal(sample.stdout.match(/signed by auditor/g)?.length, 2, sample.stderr);
  assert.equal((await take('series/')).exitCode, 0);
  for (const command of [['trend'], ['sample', '--seed', 'a']]) {
    const refused = await run('audit', ...command, 'series', ...auditor());
    assert.deepEqual([errorCode(refused), refused.exitCode, refused.stdout], ['NO_SIGNATURE', 10, '']);
  }
});

test('with a key, logged or standing by itself', async () => {
  const key = ['--signing-key', 'cosign.key'];
  const logged = await take('key.json', ...signing(), ...key);
  assert.equal(logged.exitCode, 0, logged.stderr);
  const read = (...more: readonly string[]): Promise<Ended> =>
    run('audit', 'diff', 'key.json', 'key.json', '--key', 'cosign.pub', ...more);
  assert.match((await read(...trust())).stdout, /signed by key [0-9a-f]+, at .*, logged &#35;\d+/);
  const alone = await take('key.json', '--sign', '--no-log', '--use-signing-config=false', ...key);
  assert.equal(alone.exitCode, 0, alone.stderr);
  assert.match((await read('--no-log')).stdout, /signed by key [0-9a-f]+, at a time that nobody witnessed, not logged/);
  assert.equal(errorCode(await read(...trust())), 'LOG_ENTRY_MISSING');
});

test('--offline asks nobody: with a key that is not logged alone', async () => {
  const key = ['--sign', '--offline', '--signing-key', 'cosign.key'];
  assert.equal((await take('offline.json', ...key, '--no-log')).exitCode, 0);
  assert.equal(errorCode(await take('offline.json', ...key)), 'USAGE_BAD_FLAG');
  assert.equal(
    errorCode(await take('offline.json', ...signing(), '--offline', '--identity-token', 'token')),
    'USAGE_BAD_FLAG',
  );
});

test('without an identity nothing is verified, and the page says so', async () => {
  await signed('a.json');
  assert.equal((await take('bare.json')).exitCode, 0);
  const { stdout } = await run('audit', 'diff', 'a.json', 'bare.json');
  assert.match(stdout, /signed, by whom was not asked/);
  assert.match(stdout, /unsigned snapshot/);
});

test('refused with a code: unsigned, edited, another file, a stranger, another statement, another time', async () => {
  await signed('a.json');
  const text = readFileSync(sandbox.path('a.json'), 'utf8');
  const bundle = (name: string): string => sandbox.path(`${name}.sigstore.json`);
  const forge = (name: string, content: string): void => {
    writeFileSync(sandbox.path(name), content);
    copyFileSync(bundle('a.json'), bundle(name));
  };
  assert.equal((await take('bare.json')).exitCode, 0);
  // With a digest that is right, as whoever edits it would see to.
  const { entries, ...rest } = parseAuditSnapshot(text);
  const better = entries.map((entry) => ({ ...entry, state: 'verified' as const }));
  forge('edited.json', encodeAuditSnapshot({ ...rest, entries: better }));
  forge('moved.json', encodeAuditSnapshot({ ...rest, entries, takenAt: new Date(rest.takenAt.getTime() - 1) }));
  forge('space.json', `${text} `);
  await signed('theirs.json', 'stranger');
  sandbox.write('blob.json', text);
  await run(
    ...['sign-blob', ...trust(), '--signing-config', stack.status.signingConfig, '--identity-token', 'token'],
    ...['--yes', '--bundle', 'blob.json.sigstore.json', 'blob.json'],
  );
  sandbox.write('kind.json', text);
  sandbox.write('predicate', '{}');
  const attest = [
    'attest-blob',
    ...trust(),
    '--signing-config',
    stack.status.signingConfig,
    '--identity-token',
    'token',
  ];
  const about = ['--yes', '--type', 'https://example.com/review/v1', '--predicate', 'predicate'];
  await run(...attest, ...about, '--bundle', 'kind.json.sigstore.json', 'kind.json');
  // Signed today, by the right person, and said to be of last year.
  const old = encodeAuditSnapshot({ ...rest, entries, takenAt: new Date('2025-01-01T00:00:00Z') });
  sandbox.write('backdated.json', old);
  const { snapshotStatement } = await import('../../src/core/audit/snapshot-statement.ts');
  const { encodeStatement } = await import('../../src/core/attestation/statement.ts');
  const { sha256 } = await import('../../src/core/crypto/digest.ts');
  const hex = Buffer.from(sha256(Buffer.from(old))).toString('hex');
  sandbox.write('statement', encodeStatement(snapshotStatement('backdated.json', hex, parseAuditSnapshot(old))));
  await run(
    ...[...attest, '--yes', '--statement', 'statement', '--bundle', 'backdated.json.sigstore.json'],
    'backdated.json',
  );
  const refusals: readonly (readonly [name: string, code: string, exit: number])[] = [
    ['bare.json', 'NO_SIGNATURE', 10],
    ['edited.json', 'SUBJECT_MISMATCH', 12],
    ['moved.json', 'SUBJECT_MISMATCH', 12],
    ['space.json', 'SUBJECT_MISMATCH', 12],
    ['theirs.json', 'IDENTITY_MISMATCH', 12],
    ['blob.json', 'PAYLOAD_TYPE_MISMATCH', 12],
    ['kind.json', 'PREDICATE_TYPE_MISMATCH', 12],
    ['backdated.json', 'AUDIT_TIME', 12],
  ];
  for (const [name, code, exit] of refusals) {
    const commands = [
      ['diff', name, name],
      ['ticket', name, '--to', 'never.md'],
    ];
    for (const command of commands) {
      const ended = await run('audit', ...command, ...auditor());
      assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], [code, exit, ''], `${name}: ${ended.stderr}`);
    }
  }
  assert.ok(!existsSync(sandbox.path('never.md')));
  // What was edited without its digest is refused by anybody.
  forge('clumsy.json', text.replace('"pods": 0', '"pods": 7'));
  assert.equal(errorCode(await run('audit', 'diff', 'clumsy.json', 'clumsy.json')), 'FORMAT_AUDIT');
});

test('an old signature is not left beside a new snapshot, and a failed one leaves the old snapshot', async () => {
  await signed('a.json');
  renameSync(sandbox.path('a.json.sigstore.json'), sandbox.path('kept'));
  copyFileSync(sandbox.path('kept'), sandbox.path('a.json.sigstore.json'));
  assert.equal((await take('a.json')).exitCode, 0);
  assert.ok(!existsSync(sandbox.path('a.json.sigstore.json')));
  rmSync(sandbox.path('kept'));
  sandbox.write('bad-token', 'x.y.z');
  const before = readFileSync(sandbox.path('a.json'), 'utf8');
  const failed = await take('a.json', ...signing(), '--identity-token', 'bad-token');
  assert.notEqual(failed.exitCode, 0);
  assert.equal(readFileSync(sandbox.path('a.json'), 'utf8'), before);
});

test('refused before anything is looked at: signing without a file, about signing without signing', async () => {
  const flags = ['audit', 'snapshot', '--system', 'shop', '--policy', 'policy.yaml', ...trust()];
  for (const more of [
    ['--sign'],
    ['--signing-key', 'cosign.key', '--out', 'x.json'],
    ['--no-log', '--out', 'x.json'],
  ]) {
    const ended = await run(...flags, ...more, 'registry.invalid/x:1');
    assert.deepEqual([errorCode(ended), ended.exitCode], ['USAGE_BAD_FLAG', 1], ended.stderr);
    assert.ok(!existsSync(sandbox.path('x.json')));
  }
});
