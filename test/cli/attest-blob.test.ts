/** `attest-blob` and `verify-blob-attestation` beside cosign's over one stack, each as a whole process. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const execute = promisify(execFile);
const WHO = 'dev@example.test';
const PASSWORD = { COSIGN_PASSWORD: 'a password' };
const TYPE = 'https://example.com/review/v1';
const BLOB = 'an artifact\n';
const SHA256 = createHash('sha256').update(BLOB).digest('hex');

/** By cosign's short name or URI. SPDX texts are not among them: cosign 3.1.3 cannot read its own in a bundle. */
const PREDICATES: Readonly<Record<string, string>> = {
  custom: 'anything at all\n',
  slsaprovenance: '{"builder":{"id":"https://b.example"},"buildType":"t"}',
  slsaprovenance1: '{"buildDefinition":{"buildType":"t","externalParameters":{}},"runDetails":{"builder":{"id":"b"}}}',
  spdxjson: '{"spdxVersion":"SPDX-2.3"}',
  cyclonedx: '{"bomFormat":"CycloneDX"}',
  link: '{"_type":"link","name":"n","materials":{},"products":{},"byproducts":{},"command":[],"environment":{}}',
  vuln: '{"scanner":{"result":{}},"metadata":{"scanStartedOn":"2026-01-01T00:00:00Z","scanFinishedOn":"2026-01-01T00:00:01Z"}}',
  openvex: '{"@context":"https://openvex.dev/ns"}',
  [TYPE]: '{"level":3}',
};

const sandbox = new Sandbox();
let stack: SandboxStack;
let token: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  token = await stack.token(WHO);
  writeFileSync(sandbox.path('token'), token);
  writeFileSync(sandbox.path('app.bin'), BLOB);
  writeFileSync(sandbox.path('other.bin'), 'another artifact\n');
  writeFileSync(sandbox.path('review.json'), '{"level":3}');
  assert.equal((await run('generate-key-pair')).exitCode, 0);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

const root = (): string[] => ['--trusted-root', stack.status.trustedRoot];
const files = (): string[] => [...root(), '--signing-config', stack.status.signingConfig, '--yes'];
const identity = (): string[] => ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
const REVIEW = ['--type', TYPE, '--predicate', 'review.json'];

function run(...args: string[]): Promise<Ended> {
  return sandbox.run(args, { environment: PASSWORD });
}

async function sealwright(...args: string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function cosign(executable: string, ...args: string[]): Promise<void> {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home, TUF_ROOT: sandbox.path('tuf'), ...PASSWORD };
  await execute(executable, args, { cwd: sandbox.work, env });
}

interop(
  'cosign',
  'sealwright → peer',
  'attestations of files, every predicate type, our stack',
  async (_, executable) => {
    for (const [type, content] of Object.entries(PREDICATES)) {
      writeFileSync(sandbox.path('predicate'), content);
      const about = ['--type', type, '--predicate', 'predicate', '--bundle', 'ours.json', 'app.bin'];
      await sealwright('attest-blob', '--identity-token', 'token', ...about);
      const verify = ['verify-blob-attestation', ...root(), ...identity(), '--bundle', 'ours.json', '--type'];
      await cosign(executable, ...verify, type, 'app.bin');
      await assert.rejects(cosign(executable, ...verify, type, 'other.bin'));
      await assert.rejects(cosign(executable, ...verify, 'https://example.com/none', 'app.bin'));
    }
  },
);

interop(
  'cosign',
  'peer → sealwright',
  'attestations of files, every predicate type, our stack',
  async (_, executable) => {
    for (const [type, content] of Object.entries(PREDICATES)) {
      writeFileSync(sandbox.path('predicate'), content);
      const about = ['--type', type, '--predicate', 'predicate', '--bundle', 'theirs.json', 'app.bin'];
      await cosign(executable, 'attest-blob', ...files(), '--identity-token', token, ...about);
      const verify = [
        'verify-blob-attestation',
        '--offline',
        ...root(),
        ...identity(),
        '--bundle',
        'theirs.json',
        '--type',
      ];
      const { stderr, stdout } = await sealwright(...verify, type, 'app.bin');
      assert.match(stderr, /^Verified OK$/m);
      assert.equal(stdout, '');
      const other = await run(...verify, type, 'other.bin');
      assert.deepEqual([errorCode(other), other.exitCode], ['SUBJECT_MISMATCH', 12], other.stderr);
      const none = await run(...verify, 'https://example.com/none', 'app.bin');
      assert.deepEqual([errorCode(none), none.exitCode], ['PREDICATE_TYPE_MISMATCH', 12], none.stderr);
    }
  },
);

interop('cosign', 'both', 'attestation of a file by its digest alone, key pair, our stack', async (_, executable) => {
  const digest = ['--digest', SHA256, '--digestAlg', 'sha256'];
  const verify = ['verify-blob-attestation', '--key', 'cosign.pub', ...root(), '--type', TYPE];
  await sealwright(
    'attest-blob',
    '--key',
    'cosign.key',
    ...REVIEW,
    '--hash',
    SHA256,
    '--bundle',
    'ours-key.json',
    'gone',
  );
  await cosign(executable, ...verify, '--bundle', 'ours-key.json', ...digest);
  await sealwright(...verify, '--bundle', 'ours-key.json', ...digest);
  const about = [...REVIEW, '--hash', SHA256, '--bundle', 'theirs-key.json', 'gone'];
  await cosign(executable, 'attest-blob', ...files(), '--key', 'cosign.key', ...about);
  await sealwright(...verify, '--bundle', 'theirs-key.json', 'app.bin');
  await sealwright(...verify, '--bundle', 'theirs-key.json', '--check-claims=false');
  await cosign(executable, ...verify, '--bundle', 'ours-key.json', '--check-claims=false');
});

interop('cosign', 'both', 'a whole statement about a file, our stack', async (_, executable) => {
  const subject = [{ name: 'app.bin', digest: { sha256: SHA256 } }];
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: TYPE, predicate: { level: 4 } };
  writeFileSync(sandbox.path('statement.json'), JSON.stringify(statement, null, 2));
  const verify = ['verify-blob-attestation', ...root(), ...identity(), '--type', TYPE, '--bundle'];
  const ours = ['--statement', 'statement.json', '--bundle', 'ours-st.json', 'app.bin'];
  await sealwright('attest-blob', '--identity-token', 'token', ...ours);
  await cosign(executable, ...verify, 'ours-st.json', 'app.bin');
  const theirs = ['--statement', 'statement.json', '--bundle', 'theirs-st.json', 'app.bin'];
  await cosign(executable, 'attest-blob', ...files(), '--identity-token', token, ...theirs);
  await sealwright(...verify, 'theirs-st.json', 'app.bin');
  const payloads = ['ours-st.json', 'theirs-st.json'].map((name) => {
    const bundle = JSON.parse(readFileSync(sandbox.path(name), 'utf8')) as { dsseEnvelope: { payload: string } };
    return bundle.dsseEnvelope.payload;
  });
  assert.equal(payloads[0], payloads[1]);
});

test('an SPDX text is attested and verified here, which cosign cannot with bundles', async () => {
  writeFileSync(sandbox.path('sbom.spdx'), 'SPDXVersion: SPDX-2.3\n');
  const about = ['--type', 'spdx', '--predicate', 'sbom.spdx', '--bundle', 'spdx.json', 'app.bin'];
  await sealwright('attest-blob', '--identity-token', 'token', ...about);
  await sealwright(
    'verify-blob-attestation',
    ...root(),
    ...identity(),
    '--bundle',
    'spdx.json',
    '--type',
    'spdx',
    'app.bin',
  );
});

test('without --bundle the bundle is the result; with it, a file for its owner alone and the command that verifies', async () => {
  const { stdout } = await sealwright('attest-blob', '--identity-token', 'token', ...REVIEW, 'app.bin');
  assert.match(stdout, /^\{"mediaType":"application\/vnd\.dev\.sigstore\.bundle\.v0\.3\+json"[^\n]*\}\n$/);
  const written = await sealwright(
    ...['attest-blob', '--identity-token', 'token', ...REVIEW, '--bundle', 'kept.json', 'app.bin'],
  );
  assert.equal(statSync(sandbox.path('kept.json')).mode & 0o777, 0o600);
  const command = /verify: {3}sealwright (.*)/.exec(written.stderr)?.[1] ?? '';
  await sealwright(...command.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1')));
});

const REFUSALS: Readonly<
  Record<string, { readonly args: readonly string[]; readonly code: string; readonly exitCode?: number }>
> = {
  'a part of its own beside a bundle': {
    args: ['attest-blob', ...REVIEW, '--output-signature', 'sig', '--bundle', 'kept.json', 'app.bin'],
    code: 'USAGE_BAD_FLAG',
  },
  'nothing to attest': { args: ['attest-blob', 'app.bin'], code: 'USAGE_BAD_FLAG' },
  'a hash that is none': { args: ['attest-blob', ...REVIEW, '--hash', 'abc', 'app.bin'], code: 'USAGE_BAD_FLAG' },
  'a file that is not there': { args: ['attest-blob', ...REVIEW, 'none.bin'], code: 'USAGE_FILE' },
  'a statement that is none': {
    args: ['attest-blob', '--statement', 'review.json', 'app.bin'],
    code: 'FORMAT_STATEMENT',
  },
  'no bundle': { args: ['verify-blob-attestation', 'app.bin'], code: 'USAGE_BAD_FLAG' },
  'nothing to compare with': {
    args: ['verify-blob-attestation', '--bundle', 'kept.json'],
    code: 'USAGE_NEEDS_ARTIFACT',
  },
  'a file and a digest': {
    args: ['verify-blob-attestation', '--bundle', 'kept.json', '--digest', SHA256, '--digestAlg', 'sha256', 'app.bin'],
    code: 'USAGE_BAD_FLAG',
  },
  'a digest without its algorithm': {
    args: ['verify-blob-attestation', '--bundle', 'kept.json', '--digest', SHA256],
    code: 'USAGE_BAD_FLAG',
  },
  'a digest of another length': {
    args: ['verify-blob-attestation', '--bundle', 'kept.json', '--digest', SHA256, '--digestAlg', 'sha512'],
    code: 'USAGE_BAD_FLAG',
  },
  'a bundle that is none': {
    args: ['verify-blob-attestation', '--bundle', 'app.bin', 'app.bin'],
    code: 'FORMAT_BUNDLE',
  },
};
for (const [what, { args, code, exitCode = 1 }] of Object.entries(REFUSALS)) {
  test(`${args[0] ?? ''} with ${what}: ${code}, exit ${exitCode}, nothing on stdout`, async () => {
    const who = args[0] === 'attest-blob' ? ['--identity-token', 'token', ...files()] : [...identity(), ...root()];
    const ended = await run(...args, ...who);
    assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], [code, exitCode, ''], ended.stderr);
  });
}
