/** What cosign refuses, keeps and passes over in small things: in its mode as there, aloud; by default not. What weakens a verification is in neither. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { faultyRegistry, type FaultyRegistry } from '../support/faulty-registry.ts';

const sandbox = new Sandbox();
let registry: FaultyRegistry;
/** Signed with bundles, and under a tag. */
let image: string;
let older: string;

const ALONE = ['--yes', '--use-signing-config=false', '--tlog-upload=false', '--key', 'cosign.key'];
const KEY = ['--insecure-ignore-tlog', '--key', 'cosign.pub'];

function asCosign(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(['--compat', 'cosign', ...args], { environment: { COSIGN_PASSWORD: 'a password' } });
}

function byDefault(...args: readonly string[]): Promise<Ended> {
  return sandbox.run(args, { environment: { COSIGN_PASSWORD: 'a password' } });
}

function ok(ended: Ended): Ended {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

function fails(ended: Ended, exitCode: number, code: string): void {
  assert.equal(ended.exitCode, exitCode, ended.stderr);
  assert.equal(ended.stdout, '');
  assert.match(ended.stderr, new RegExp(`\\b${code} {2}`));
}

function mode(name: string): number {
  return statSync(sandbox.path(name)).mode & 0o777;
}

before(async () => {
  registry = await faultyRegistry(sandbox.path('registry'));
  [image, older] = [`${registry.host}/app:1`, `${registry.host}/older:1`];
  for (const name of ['app', 'older']) await pushDemoImage(registry.host, name, '1');
  ok(await asCosign('generate-key-pair'));
  ok(await asCosign('generate-key-pair', '--output-key-prefix', 'other'));
  ok(await asCosign('sign', ...ALONE, image));
  ok(await asCosign('sign', ...ALONE, '--new-bundle-format=false', older));
  sandbox.write('app.spdx.json', '{"spdxVersion":"SPDX-2.3"}');
  sandbox.write('junk.txt', 'neither PEM nor JSON');
  sandbox.write('empty', '');
  sandbox.write('blob.txt', 'a blob');
  sandbox.write('Dockerfile', `FROM ${older}\n`);
  ok(await asCosign('attach', 'sbom', '--sbom', 'app.spdx.json', older));
});

after(async () => {
  await registry.close();
  sandbox.remove();
});

const EMPTY: readonly (readonly [what: string, args: () => readonly string[]])[] = [
  ['clean --type', () => ['clean', '--force', '--type=', `${registry.host}/none:1`]],
  ['triangulate --type', () => ['triangulate', '--type=', image]],
  ['verify --max-workers', () => ['verify', ...KEY, '--max-workers=', image]],
  ['verify-attestation --type', () => ['verify-attestation', ...KEY, '--type=', image]],
  ['sign --registry-referrers-mode', () => ['sign', ...ALONE, '--registry-referrers-mode=', image]],
  ['attest-blob --rekor-entry-type', () => ['attest-blob', ...ALONE, '--rekor-entry-type=', 'blob.txt']],
  ['trusted-root create --fulcio', () => ['trusted-root', 'create', '--fulcio=']],
  ['signing-config create --rekor', () => ['signing-config', 'create', '--rekor=']],
];

for (const [what, args] of EMPTY) {
  test(`${what}, empty: refused as cosign refuses it, and nothing is written`, async () => {
    registry.begin();
    fails(await asCosign(...args()), 1, 'USAGE_BAD_FLAG');
    assert.deepEqual(registry.seen, []);
  });
}

test('by default an empty value is none', async () => {
  ok(await byDefault('verify', ...KEY, '--max-workers=', image));
});

test('a file that is there keeps its mode in cosign’s mode alone', async () => {
  for (const [run, kept] of [
    [asCosign, 0o644],
    [byDefault, 0o600],
  ] as const) {
    sandbox.write('out.json', 'before');
    chmodSync(sandbox.path('out.json'), 0o644);
    ok(await run('sign-blob', ...ALONE, '--bundle', 'out.json', 'blob.txt'));
    assert.equal(mode('out.json'), kept);
    assert.match(readFileSync(sandbox.path('out.json'), 'utf8'), /^\{.*\}\n?$/s);
  }
  ok(await asCosign('sign-blob', ...ALONE, '--bundle', 'new.json', 'blob.txt'));
  assert.equal(mode('new.json'), 0o600, 'a new one is for its owner');
  ok(await asCosign('public-key', '--key', 'cosign.key', '--outfile', 'as-cosign.pub'));
  ok(await byDefault('public-key', '--key', 'cosign.key', '--outfile', 'default.pub'));
  assert.deepEqual([mode('as-cosign.pub'), mode('default.pub')], [0o600, 0o644]);
});

test('login: a name without a password is kept in cosign’s mode, and nobody without both', async () => {
  const file = '.docker/config.json';
  const login = ['login', '--username', 'u', registry.host];
  fails(await byDefault(...login), 1, 'USAGE_PASSWORD');
  ok(await asCosign(...login));
  const kept = JSON.parse(readFileSync(`${sandbox.home}/${file}`, 'utf8')) as { auths: Record<string, object> };
  assert.deepEqual(kept.auths[registry.host], { auth: Buffer.from('u:').toString('base64') });
  fails(await asCosign('login', registry.host), 1, 'USAGE_BAD_FLAG');
  rmSync(`${sandbox.home}/${file}`);
});

test('attach attestation: in an empty file and in a folder cosign finds nothing to attach', async () => {
  for (const file of ['empty', 'registry']) {
    registry.begin();
    const ended = ok(await asCosign('attach', 'attestation', '--attestation', file, image));
    assert.match(ended.stderr, /has no attestation: nothing of it is attached/);
    assert.deepEqual(
      registry.seen.filter(({ kind }) => kind === 'write'),
      [],
    );
    assert.equal((await byDefault('attach', 'attestation', '--attestation', file, image)).exitCode, 1);
  }
  assert.equal((await asCosign('attach', 'attestation', '--attestation', 'none', image)).exitCode, 1);
});

test('verify: a detached signature is passed over beside bundles, and no other key verifies for that', async () => {
  const detached = ['--signature', 'none', '--payload', 'none'];
  const ended = ok(await asCosign('verify', ...KEY, ...detached, image));
  assert.match(ended.stderr, /--signature is passed over beside bundles, as cosign does it/);
  const other = ['--insecure-ignore-tlog', '--key', 'other.pub'];
  assert.notEqual((await asCosign('verify', ...other, ...detached, image)).exitCode, 0);
  assert.notEqual((await asCosign('verify', ...KEY, ...detached, older)).exitCode, 0, 'under a tag it is read');
  assert.notEqual((await byDefault('verify', ...KEY, ...detached, image)).exitCode, 0);
});

test('dockerfile verify: a key has no use for authorities; a timestamp that is demanded is demanded', async () => {
  const verify = ['dockerfile', 'verify', ...KEY];
  for (const name of ['ca-roots', 'certificate-chain', 'certificate', 'sct', 'trusted-root', 'signature', 'payload']) {
    const ended = ok(await asCosign(...verify, `--${name}=none`, 'Dockerfile'));
    assert.match(ended.stderr, new RegExp(`--${name} is passed over for images that a file names, as cosign does it`));
    assert.notEqual((await byDefault(...verify, `--${name}=none`, 'Dockerfile')).exitCode, 0, name);
  }
  assert.notEqual((await asCosign(...verify, '--use-signed-timestamps', 'Dockerfile')).exitCode, 0);
  const signer = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b'];
  const ended = await asCosign('dockerfile', 'verify', ...signer, '--trusted-root=none', 'Dockerfile');
  fails(ended, 1, 'USAGE_FILE');
  fails(await asCosign(...verify.slice(0, 2), ...KEY.slice(1), '--trusted-root=none', 'Dockerfile'), 1, 'USAGE_FILE');
});

test('load leaves SBOMs in the folder in cosign’s mode, aloud; by default all of it is there again', async () => {
  ok(await asCosign('save', '--dir', 'saved', older));
  assert.deepEqual([mode('saved/index.json'), mode('saved/oci-layout')], [0o755, 0o755]);
  const ended = ok(await asCosign('load', '--dir', 'saved', `${registry.host}/as-cosign:1`));
  assert.match(ended.stderr, /left in the folder, as cosign does it: the SBOM sha256-[0-9a-f]{64}\.sbom/);
  ok(await byDefault('load', '--dir', 'saved', `${registry.host}/default:1`));
  const download = (name: string): Promise<Ended> => byDefault('download', 'sbom', `${registry.host}/${name}:1`);
  assert.notEqual((await download('as-cosign')).exitCode, 0);
  assert.equal(ok(await download('default')).stdout.trim(), '{"spdxVersion":"SPDX-2.3"}');
  ok(await asCosign('verify', ...KEY, `${registry.host}/as-cosign:1`));
});

test('an output that there is not is JSON to cosign, and refused by default', async () => {
  assert.match(ok(await asCosign('verify', ...KEY, '-o', 'bogus', image)).stdout, /^\n?\[\{/);
  const refused = await byDefault('verify', ...KEY, '-o', 'bogus', image);
  assert.equal(errorCode(refused), 'USAGE_BAD_FLAG');
});
