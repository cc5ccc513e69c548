/** `sign` and `sign-blob` with several artifacts, as whole processes: requests are counted by what `--verbose` tells of them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { pushImage } from '../support/signing-world.ts';

const sandbox = new Sandbox();
let stack: SandboxStack;
const images: string[] = [];

before(async () => {
  stack = await SandboxStack.start(sandbox);
  const http = new HttpClient();
  const registry = new RegistryClient({ http, action: 'push' });
  for (const name of ['one', 'two', 'three']) {
    const { reference, digest } = await pushImage(registry, `${stack.status.registry}/demo/${name}:1`, name);
    images.push(reference.atDigest(digest).toString());
  }
  http.close();
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

async function sign(...args: readonly string[]): Promise<Ended> {
  const token = await stack.token('ci@example.com');
  return sandbox.run(['sign', '--dir', stack.dir, '--identity-token', token, ...args]);
}

function requests({ stderr }: Ended, line: RegExp): number {
  return stderr.split('\n').filter((text) => text.startsWith('--> ') && line.test(text)).length;
}

const ANYTHING_BUT_READING = /^--> (?!GET|HEAD)/;

test('several images need one certificate, and are told in their order', async () => {
  const run = await sign('-d', '-o', 'json', ...images);
  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal(requests(run, /signingCert/), 1);
  assert.equal(requests(run, /log\/entries/), 3);
  const records = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { image: string; outcome: string });
  assert.deepEqual(
    records.map(({ image, outcome }) => `${image} ${outcome}`),
    images.map((image) => `${image} signed`),
  );
  assert.match(run.stderr, /3 signed, 0 signed before, 0 failed/);
});

test('signing again asks nothing but what is there; --force signs', async () => {
  const again = await sign('-d', ...images);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.equal(requests(again, ANYTHING_BUT_READING), 0);
  assert.match(again.stderr, /was signed so before/);
  assert.match(again.stderr, /0 signed, 3 signed before, 0 failed/);
  const forced = await sign('-d', '--force', ...images);
  assert.equal(requests(forced, /log\/entries/), 3);
  assert.match(forced.stderr, /3 signed, 0 signed before/);
});

test('called as cosign, every image is signed again, one by one', async () => {
  const run = await sign('-d', '--compat', 'cosign', '-y', ...images);
  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal(requests(run, /signingCert/), 3);
  assert.equal(requests(run, /log\/entries/), 3);
  assert.equal(run.stdout, '');
});

test('what fails is named, with its exit code, and the others are signed', async () => {
  const missing = images[1]!.replace(/@.*/, ':missing');
  const run = await sign('-o', 'json', '--force', images[0]!, missing, images[2]!);
  assert.equal(run.exitCode, 11, run.stderr);
  assert.equal(errorCode(run), 'TAG_NOT_FOUND');
  assert.match(run.stderr, new RegExp(`of: +${missing}`));
  assert.match(run.stderr, /2 signed, 0 signed before, 1 failed/);
  const outcomes = run.stdout
    .trim()
    .split('\n')
    .map((line) => {
      const { outcome, error } = JSON.parse(line) as { outcome: string; error?: { code: string } };
      return `${outcome}${error === undefined ? '' : ` ${error.code}`}`;
    });
  assert.deepEqual(outcomes, ['signed', 'failed TAG_NOT_FOUND', 'signed']);
});

test('a failure that is the same for all is told once', async () => {
  const run = await sandbox.run(['sign', '--dir', stack.dir, '--identity-token', 'aGVsbG8', '--force', ...images]);
  assert.equal(run.exitCode, 1);
  assert.equal(run.stderr.match(/^[A-Z_]+ {2}/gm)?.length, 1, run.stderr);
});

test('a folder gets the bundle of each image; one file for several is refused before anybody is asked', async () => {
  const folder = sandbox.path('bundles');
  const run = await sign('--bundle', `${folder}/`, ...images);
  assert.equal(run.exitCode, 0, run.stderr);
  const digests = images.map((image) => image.slice(image.indexOf('@sha256:') + '@sha256:'.length));
  assert.deepEqual(readdirSync(folder).sort(), digests.map((hex) => `sha256-${hex}.sigstore.json`).sort());
  const [first] = digests;
  const bundle = readFileSync(`${folder}/sha256-${first ?? ''}.sigstore.json`, 'utf8');
  assert.equal(
    (JSON.parse(bundle) as { mediaType: string }).mediaType,
    'application/vnd.dev.sigstore.bundle.v0.3+json',
  );
  const refused = await sign('-d', '--bundle', sandbox.path('one.json'), ...images);
  assert.equal(errorCode(refused), 'USAGE_BAD_FLAG');
  assert.match(refused.stderr, /fix: +--bundle .*one\.json\//);
  assert.equal(requests(refused, /./), 0);
});

for (const count of ['0', '101', 'many', '-1']) {
  test(`--max-workers=${count} is refused`, async () => {
    const run = await sign(`--max-workers=${count}`, ...images);
    assert.equal(errorCode(run), 'USAGE_BAD_FLAG');
  });
}

test('several files need one certificate', async () => {
  const files = ['a', 'b', 'c'].map((name) => sandbox.path(name));
  for (const file of files) writeFileSync(file, file);
  const token = await stack.token('ci@example.com');
  const args = ['sign-blob', '-d', '--dir', stack.dir, '--identity-token', token, ...files];
  const run = await sandbox.run(args);
  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal(requests(run, /signingCert/), 1);
  assert.equal(run.stdout.trim().split('\n').length, 3);
});
