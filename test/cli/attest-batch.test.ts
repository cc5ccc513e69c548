/** `attest` with several images, as whole processes: requests are counted by what `--verbose` tells of them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { peer } from '../support/peers.ts';
import { pushImage } from '../support/signing-world.ts';

const TYPE = 'https://example.com/review/v1';
const PASSWORD = { COSIGN_PASSWORD: 'a password' };
const REVIEW = ['--type', TYPE, '--predicate', 'review.json'];

const sandbox = new Sandbox();
let stack: SandboxStack;
let count = 0;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  writeFileSync(sandbox.path('review.json'), '{"level":3}');
  writeFileSync(sandbox.path('broken.json'), '[]');
  assert.equal((await sandbox.run(['generate-key-pair'], { environment: PASSWORD })).exitCode, 0);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

/** Images that nothing refers to. */
async function newImages(): Promise<readonly [string, string, string]> {
  const http = new HttpClient();
  const registry = new RegistryClient({ http, action: 'push' });
  const number = ++count;
  const push = async (name: string): Promise<string> => {
    const { reference, digest } = await pushImage(registry, `${stack.status.registry}/many/${name}-${number}:1`, name);
    return reference.atDigest(digest).toString();
  };
  const images = [await push('one'), await push('two'), await push('three')] as const;
  http.close();
  return images;
}

async function attest(...args: readonly string[]): Promise<Ended> {
  const token = await stack.token('ci@example.com');
  return sandbox.run(['attest', '--dir', stack.dir, '--identity-token', token, ...args], { environment: PASSWORD });
}

function requests({ stderr }: Ended, line: RegExp): number {
  return stderr.split('\n').filter((text) => text.startsWith('--> ') && line.test(text)).length;
}

function verify(...args: readonly string[]): Promise<Ended> {
  const who = ['--certificate-identity', 'ci@example.com', '--certificate-oidc-issuer', stack.status.issuer];
  return sandbox.run(['verify-attestation', '--dir', stack.dir, '--type', TYPE, ...who, ...args]);
}

test('several images need one certificate, are told in their order, and each is attested', async () => {
  const images = await newImages();
  const run = await attest('-d', '-o', 'json', ...REVIEW, ...images);
  assert.equal(run.exitCode, 0, run.stderr);
  assert.deepEqual([requests(run, /signingCert/), requests(run, /log\/entries/)], [1, 3]);
  const records = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { image: string; outcome: string; predicateType: string });
  assert.deepEqual(
    records.map(({ image, outcome, predicateType }) => [image, outcome, predicateType]),
    images.map((image) => [image, 'attested', TYPE]),
  );
  assert.match(run.stderr, /3 attested, 0 failed/);
  const verified = await verify(...images);
  assert.equal(verified.exitCode, 0, verified.stderr);
  assert.equal(verified.stdout.trim().split('\n').length, 3);
});

test('attested again, there are two: what is said is said of a moment, and is not looked for', async () => {
  const [image] = await newImages();
  for (const attestations of [1, 2]) {
    assert.equal((await attest(...REVIEW, image)).exitCode, 0);
    assert.equal((await verify(image)).stdout.trim().split('\n').length, attestations);
  }
  const twice = await attest('--new-bundle-format=false', '--key', 'cosign.key', '--no-log', ...REVIEW, image, image);
  assert.equal(twice.exitCode, 0, twice.stderr);
  const older = await sandbox.run(['verify-attestation', '--key', 'cosign.pub', '--no-log', '--type', TYPE, image]);
  assert.equal(older.stdout.trim().split('\n').length, 2);
});

test('what fails is named, with its exit code, and the others are attested', async () => {
  const [one, two, three] = await newImages();
  const missing = two.replace(/@.*/, ':missing');
  const run = await attest('-o', 'json', ...REVIEW, one, missing, three);
  assert.deepEqual([run.exitCode, errorCode(run)], [11, 'TAG_NOT_FOUND'], run.stderr);
  assert.match(run.stderr, new RegExp(`of: +${missing}`));
  assert.match(run.stderr, /2 attested, 1 failed/);
  const outcomes = run.stdout
    .trim()
    .split('\n')
    .map((line) => {
      const { outcome, error } = JSON.parse(line) as { outcome: string; error?: { code: string } };
      return `${outcome}${error === undefined ? '' : ` ${error.code}`}`;
    });
  assert.deepEqual(outcomes, ['attested', 'failed TAG_NOT_FOUND', 'attested']);
  assert.equal((await verify(one, three)).exitCode, 0);
});

test('a failure that is the same for all is told once, before anybody is asked for a certificate', async () => {
  const images = await newImages();
  const run = await attest('-d', '--type', 'link', '--predicate', 'broken.json', ...images);
  assert.deepEqual([run.exitCode, run.stderr.match(/^FORMAT_PREDICATE {2}/gm)?.length], [1, 1], run.stderr);
  assert.equal(requests(run, /signingCert|log\/entries/), 0);
  assert.equal(requests(run, /^--> (?:PUT|PATCH|POST)/), 0);
});

test('a statement about some of the images is attached to those, and to no other', async () => {
  const [one, two, three] = await newImages();
  const subject = [one, three].map((image) => ({ digest: { sha256: image.slice(image.indexOf('@sha256:') + 8) } }));
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: TYPE, predicate: {} };
  writeFileSync(sandbox.path('some.json'), JSON.stringify(statement));
  const run = await attest('--statement', 'some.json', one, two, three);
  assert.deepEqual([run.exitCode, errorCode(run)], [12, 'SUBJECT_MISMATCH'], run.stderr);
  assert.match(run.stderr, new RegExp(`of: +${two}`));
  assert.equal((await verify(one, three)).exitCode, 0);
  assert.equal(errorCode(await verify(two)), 'NO_ATTESTATION');
});

test('a folder gets the bundle of each image; one file for several is refused before anybody is asked', async () => {
  const images = await newImages();
  const run = await attest('--bundle', 'bundles/', '--no-upload', ...REVIEW, ...images);
  assert.equal(run.exitCode, 0, run.stderr);
  const digests = images.map((image) => image.slice(image.indexOf('@sha256:') + '@sha256:'.length));
  assert.deepEqual(
    readdirSync(sandbox.path('bundles')).sort(),
    digests.map((hex) => `sha256-${hex}.sigstore.json`).sort(),
  );
  assert.equal(errorCode(await verify(images[0])), 'NO_ATTESTATION');
  const refused = await attest('-d', '--bundle', 'one.json', ...REVIEW, ...images);
  assert.equal(errorCode(refused), 'USAGE_BAD_FLAG');
  assert.match(refused.stderr, /fix: +--bundle one\.json\//);
  assert.equal(requests(refused, /./), 0);
  const piped = await attest('--no-upload', ...REVIEW, ...images);
  assert.equal(piped.stdout.trim().split('\n').length, 3);
});

for (const workers of ['0', '101', 'many']) {
  test(`--max-workers=${workers} is refused`, async () => {
    const run = await attest(`--max-workers=${workers}`, ...REVIEW, 'localhost:1/app:1');
    assert.deepEqual([errorCode(run), run.exitCode], ['USAGE_BAD_FLAG', 1]);
  });
}

test('called as cosign, images are attested one by one, up to the first that fails, as cosign does', async (t) => {
  const [one, two, three] = await newImages();
  const files = ['--trusted-root', stack.status.trustedRoot, '--signing-config', stack.status.signingConfig, '--yes'];
  const args = ['attest', ...files, '--key', 'cosign.key', ...REVIEW, one, two.replace(/@.*/, ':missing'), three];
  const attested = (image: string): Promise<number> =>
    sandbox
      .run(['verify-attestation', '--dir', stack.dir, '--key', 'cosign.pub', '--type', TYPE, image])
      .then(({ stdout }) => stdout.split('\n').length - 1);
  const ours = await sandbox.run([...args, '--compat', 'cosign'], { environment: PASSWORD });
  assert.equal(ours.exitCode, 1, ours.stderr);
  assert.deepEqual([await attested(one), await attested(three)], [1, 0]);
  const cosign = peer(t, 'cosign');
  if (cosign === undefined) return;
  const env = { PATH: process.env['PATH'], HOME: sandbox.home, ...PASSWORD };
  await assert.rejects(promisify(execFile)(cosign, args, { cwd: sandbox.work, env }), { code: 1 });
  assert.deepEqual([await attested(one), await attested(three)], [2, 0]);
});
