import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import type { PolicySource } from '../../../src/servers/webhook/policy-source.ts';
import { Recorder } from './recorder.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealwright-policies-'));
  t.after(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

function policy(name: string, glob = '**'): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ${name}}
spec: {images: [{glob: "${glob}"}], authorities: [{static: {action: pass}}]}
`;
}

function names(source: PolicySource): string[] {
  return source.current().policies.map(({ name }) => name);
}

test('files, folders, several documents', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'b.yaml'), `${policy('b')}---\n${policy('c')}`);
  writeFileSync(join(dir, 'a.yml'), policy('a'));
  writeFileSync(join(dir, 'd.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [] }));
  writeFileSync(join(dir, 'notes.txt'), 'no policy');
  writeFileSync(join(dir, '.hidden.yaml'), 'no policy');
  mkdirSync(join(dir, 'below'));
  writeFileSync(join(dir, 'below', 'e.yaml'), policy('e'));
  const single = join(folder(t), 'single');
  writeFileSync(single, policy('z'));
  const source = await openPolicyFiles({ paths: [dir, single], rereadMs: 0 });
  assert.deepEqual(names(source), ['a', 'b', 'c', 'z']);
  await source.ready();
  await source.close();
});

test('warnings of policies are logged with their names', async (t) => {
  const file = join(folder(t), 'p.yaml');
  writeFileSync(file, policy('p', 'r.example/app:1'));
  const recorder = new Recorder();
  await openPolicyFiles({ paths: [file], rereadMs: 0, logger: recorder.logger });
  const { level, facts } = await recorder.line(1);
  assert.equal(level, 'warn');
  assert.equal(facts['policy'], 'p');
});

const UNUSABLE: readonly (readonly [
  what: string,
  files: Readonly<Record<string, string | Buffer>>,
  path: string,
  code: string,
])[] = [
  ['a path that is not there', {}, 'nowhere', 'USAGE_FILE'],
  ['an empty folder', {}, '.', 'USAGE_BAD_CONFIG'],
  ['an empty file', { 'p.yaml': '' }, 'p.yaml', 'USAGE_BAD_CONFIG'],
  ['a folder with one broken file', { 'p.yaml': policy('p'), 'q.yaml': 'a: [' }, '.', 'FORMAT_POLICY'],
  ['a file of other objects', { 'p.yaml': 'apiVersion: v1\nkind: Pod\n' }, '.', 'USAGE_BAD_CONFIG'],
  ['one name in two files', { 'p.yaml': policy('p'), 'q.yaml': policy('p') }, '.', 'FORMAT_POLICY'],
  ['bytes that are not UTF-8', { 'p.yaml': Buffer.from([0xff, 0xfe]) }, '.', 'FORMAT_POLICY'],
  ['a file of 5 MiB', { 'p.yaml': Buffer.alloc(5 << 20, 0x20) }, '.', 'USAGE_FILE'],
  [
    'a KMS that nobody knows',
    { 'p.yaml': policy('p').replace('static: {action: pass}', 'key: {kms: "a://b"}') },
    '.',
    'FORMAT_POLICY',
  ],
];

for (const [what, files, path, code] of UNUSABLE) {
  test(`${what}: the webhook does not start`, async (t) => {
    const dir = folder(t);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
    await assert.rejects(openPolicyFiles({ paths: [join(dir, path)], rereadMs: 0 }), { code });
  });
}

test('a change takes effect; one that is not acceptable leaves what was there, and is logged once', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'p.yaml');
  writeFileSync(file, policy('first'));
  const recorder = new Recorder();
  const source = await openPolicyFiles({ paths: [dir], rereadMs: 1, logger: recorder.logger });
  t.after(() => source.close());
  const replace = (content: string): void => {
    writeFileSync(join(dir, 'new'), content);
    renameSync(join(dir, 'new'), file);
  };
  replace(policy('second'));
  assert.equal((await recorder.line(1)).level, 'info');
  assert.deepEqual(names(source), ['second']);
  replace('apiVersion: [');
  const { level, facts } = await recorder.line(2);
  assert.equal(level, 'error');
  assert.equal((facts['error'] as { code: string }).code, 'FORMAT_POLICY');
  assert.deepEqual(names(source), ['second']);
  replace(policy('third'));
  await recorder.line(3);
  assert.deepEqual(names(source), ['third']);
  assert.equal(recorder.lines.length, 3);
});

test('the links of a mounted ConfigMap are followed when they are exchanged', async (t) => {
  const dir = folder(t);
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(dir, `..${version}`));
    writeFileSync(join(dir, `..${version}`, 'p.yaml'), policy(version));
  }
  symlinkSync('..v1', join(dir, '..data'));
  symlinkSync('..data/p.yaml', join(dir, 'p.yaml'));
  const recorder = new Recorder();
  const source = await openPolicyFiles({ paths: [dir], rereadMs: 1, logger: recorder.logger });
  t.after(() => source.close());
  assert.deepEqual(names(source), ['v1']);
  symlinkSync('..v2', join(dir, '..next'));
  renameSync(join(dir, '..next'), join(dir, '..data'));
  await recorder.line(1);
  assert.deepEqual(names(source), ['v2']);
});

test('policies that are removed leave the others; the last one cannot be removed unnoticed', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'a.yaml'), policy('a'));
  writeFileSync(join(dir, 'b.yaml'), policy('b'));
  const recorder = new Recorder();
  const source = await openPolicyFiles({ paths: [dir], rereadMs: 1, logger: recorder.logger });
  t.after(() => source.close());
  unlinkSync(join(dir, 'a.yaml'));
  await recorder.line(1);
  assert.deepEqual(names(source), ['b']);
  unlinkSync(join(dir, 'b.yaml'));
  assert.equal((await recorder.line(2)).level, 'error');
  assert.deepEqual(names(source), ['b']);
});
