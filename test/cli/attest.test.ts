/** cosign's and our attestations over one stack, each as a whole process; and what wrong command lines end in. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const execute = promisify(execFile);
const WHO = 'dev@example.test';
const PASSWORD = { COSIGN_PASSWORD: 'a password' };
const TYPE = 'https://example.com/review/v1';

/** By cosign's short name or URI: a file that both attest. */
const PREDICATES: Readonly<Record<string, string>> = {
  custom: 'anything at all\n',
  slsaprovenance:
    '{"builder":{"id":"https://b.example"},"buildType":"https://t.example","materials":[{"uri":"git+x"}]}',
  slsaprovenance02: '{"builder":{"id":"https://b.example"},"buildType":"https://t.example"}',
  slsaprovenance1:
    '{"buildDefinition":{"buildType":"https://t.example","externalParameters":{"ref":"main"}},"runDetails":{"builder":{"id":"b"}}}',
  spdxjson: '{"spdxVersion":"SPDX-2.3","packages":[{"name":"a"}]}',
  cyclonedx: '{"bomFormat":"CycloneDX","components":[]}',
  link: '{"_type":"link","name":"n","materials":{"a":{"sha256":"00"}},"products":{},"byproducts":{},"command":["make"],"environment":{}}',
  vuln: '{"scanner":{"uri":"s","result":{"found":0}},"metadata":{"scanStartedOn":"2026-01-01T00:00:00Z","scanFinishedOn":"2026-01-01T00:00:01Z"}}',
  openvex: '{"@context":"https://openvex.dev/ns","statements":[]}',
  [TYPE]: '{"level":3}',
};

const sandbox = new Sandbox();
let stack: SandboxStack;
let token: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  token = await stack.token(WHO);
  writeFileSync(sandbox.path('token'), token);
  writeFileSync(sandbox.path('review.json'), '{"level":3}');
  assert.equal((await run('generate-key-pair')).exitCode, 0);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

/** A repository of its own for each test, so that no attestation of another one counts. */
async function newImage(repository: string): Promise<{ image: string; digest: string }> {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, repository, '1');
  return { image: `${registry}/${repository}@${digest}`, digest };
}

function run(...args: string[]): Promise<Ended> {
  return sandbox.run(args, { environment: PASSWORD });
}

async function sealwright(...args: string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function cosign(executable: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return execute(executable, args, {
    cwd: sandbox.work,
    env: { PATH: process.env['PATH'], HOME: sandbox.home, TUF_ROOT: sandbox.path('tuf'), ...PASSWORD },
  });
}

const root = (): string[] => ['--trusted-root', stack.status.trustedRoot];
const identity = (): string[] => ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];
const keyless = (): string[] => ['--identity-token', 'token'];
const REVIEW = ['--type', TYPE, '--predicate', 'review.json'];

async function referrers(image: string): Promise<readonly { readonly annotations: Record<string, string> }[]> {
  const [name = '', digest = ''] = image.split('@');
  const [host = '', ...path] = name.split('/');
  const { stdout } = await execute('curl', ['-s', `http://${host}/v2/${path.join('/')}/referrers/${digest}`]);
  return (JSON.parse(stdout) as { manifests: { annotations: Record<string, string> }[] }).manifests;
}

interop(
  'cosign',
  'sealwright → peer',
  'attestations of images, every predicate type, our stack',
  async (_, executable) => {
    const { image } = await newImage('ours/types');
    for (const [type, content] of Object.entries(PREDICATES)) {
      writeFileSync(sandbox.path('predicate'), content);
      await sealwright('attest', ...keyless(), '--type', type, '--predicate', 'predicate', image);
      const { stdout } = await cosign(
        executable,
        'verify-attestation',
        ...root(),
        ...identity(),
        '--type',
        type,
        image,
      );
      const { payload } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { payload: string };
      assert.match(
        Buffer.from(payload, 'base64').toString(),
        /"_type":"https:\/\/in-toto\.io\/Statement\/v0\.1"/,
        type,
      );
    }
    await assert.rejects(
      cosign(executable, 'verify-attestation', ...root(), '--certificate-identity', 'x', ...identity().slice(2), image),
    );
  },
);

interop('cosign', 'sealwright → peer', 'attestation of an image, key pair, our stack', async (_, executable) => {
  const { image } = await newImage('ours/key');
  await sealwright('attest', '--key', 'cosign.key', ...REVIEW, image);
  const verify = ['verify-attestation', ...root(), '--key', 'cosign.pub', image, '--type'];
  await cosign(executable, ...verify, TYPE);
  await assert.rejects(cosign(executable, ...verify, 'vuln'));
});

interop('cosign', 'sealwright → peer', 'a whole statement about an image, our stack', async (_, executable) => {
  const { image, digest } = await newImage('ours/statement');
  const subject = [{ name: 'app', digest: { sha256: digest.slice('sha256:'.length) } }];
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: TYPE, predicate: { level: 4 } };
  writeFileSync(sandbox.path('statement.json'), JSON.stringify(statement));
  await sealwright('attest', ...keyless(), '--statement', 'statement.json', image);
  await cosign(executable, 'verify-attestation', ...root(), ...identity(), '--type', TYPE, image);
});

interop(
  'cosign',
  'sealwright → peer',
  'attestations under the .att tag, key pair; --replace',
  async (_, executable) => {
    const { image } = await newImage('ours/older');
    const older = ['attest', '--key', 'cosign.key', '--new-bundle-format=false', '--tlog-upload=false'];
    const lines = async (type: string): Promise<string[]> => {
      const verify = [
        'verify-attestation',
        '--key',
        'cosign.pub',
        '--insecure-ignore-tlog',
        '--new-bundle-format=false',
      ];
      const { stdout } = await cosign(executable, ...verify, ...root(), '--type', type, image);
      return stdout.trim().split('\n');
    };
    for (const type of ['vuln', TYPE, TYPE]) {
      writeFileSync(sandbox.path('predicate'), PREDICATES[type] ?? '');
      await sealwright(...older, '--type', type, '--predicate', 'predicate', image);
    }
    assert.deepEqual([(await lines(TYPE)).length, (await lines('vuln')).length], [2, 1]);
    await sealwright(...older, ...REVIEW, '--replace', image);
    assert.deepEqual([(await lines(TYPE)).length, (await lines('vuln')).length], [1, 1]);
    assert.deepEqual(await referrers(image), []);
    const ours = [
      'verify-attestation',
      '--key',
      'cosign.pub',
      '--insecure-ignore-tlog',
      ...root(),
      '--type',
      TYPE,
      image,
    ];
    assert.equal((await sealwright(...ours)).stdout.trim(), (await lines(TYPE))[0]);
    const local = await sealwright(...older, ...REVIEW, '--no-upload', image);
    assert.deepEqual(Object.keys(JSON.parse(local.stdout) as object), ['payload', 'payloadType', 'signatures']);
    const both = await run(...older, ...REVIEW, '--bundle', 'older.json', image);
    assert.deepEqual([errorCode(both), both.exitCode], ['USAGE_BAD_FLAG', 1], both.stderr);
  },
);

test('what was attested, and how to verify it, on stderr; JSON on stdout when it is asked for', async () => {
  const { image, digest } = await newImage('ours/report');
  writeFileSync(sandbox.path('lossy.json'), '{"builder":{"id":"b","more":1},"buildType":"t","_type":"x"}');
  const { stdout, stderr } = await sealwright(
    ...['attest', ...keyless(), '--type', 'slsaprovenance', '--predicate', 'lossy.json', '-o', 'json', image],
  );
  assert.match(stderr, /no place for predicate\.builder\.more, predicate\._type: not attested/);
  assert.match(stderr, /verify: {3}sealwright verify-attestation --type https:\/\/slsa\.dev\/provenance\/v0\.2 /);
  const record = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(record['digest'], digest);
  assert.equal(record['predicateType'], 'https://slsa.dev/provenance/v0.2');
  assert.deepEqual(record['dropped'], ['predicate.builder.more', 'predicate._type']);
  const [referrer] = await referrers(image);
  assert.equal(referrer?.annotations['dev.sigstore.bundle.predicateType'], 'https://slsa.dev/provenance/v0.2');
});

test('--no-upload leaves the registry alone: the bundle goes to stdout, or to its file alone', async () => {
  const { image } = await newImage('ours/local');
  const first = await sealwright('attest', ...keyless(), ...REVIEW, '--no-upload', image);
  assert.match(first.stdout, /^\{"mediaType":"application\/vnd\.dev\.sigstore\.bundle\.v0\.3\+json"[^\n]*\}\n$/);
  const second = await sealwright('attest', ...keyless(), ...REVIEW, '--no-upload', '--bundle', 'kept.json', image);
  assert.equal(second.stdout, '');
  assert.equal(statSync(sandbox.path('kept.json')).mode & 0o777, 0o600);
  assert.ok(readFileSync(sandbox.path('kept.json'), 'utf8').includes('dsseEnvelope'));
  assert.deepEqual(await referrers(image), []);
});

test('a predicate comes from standard input; flags of cosign that mean nothing any more say so', async () => {
  const { image } = await newImage('ours/stdin');
  const deprecated = ['--replace', '--rekor-entry-type', 'intoto', '--record-creation-timestamp'];
  const args = ['attest', ...keyless(), '--type', TYPE, '--predicate', '-', ...deprecated, image];
  const ended = await sandbox.run(args, { input: '{"level":5}' });
  assert.equal(ended.exitCode, 0, ended.stderr);
  for (const name of ['--replace', '--rekor-entry-type', '--record-creation-timestamp']) {
    assert.ok(ended.stderr.includes(name), ended.stderr);
  }
});

test('called as cosign, a statement may be about anything, and an empty provenance is one', async () => {
  const { image } = await newImage('ours/compat');
  const subject = [{ digest: { sha256: '0'.repeat(64) } }];
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: TYPE, predicate: {} };
  writeFileSync(sandbox.path('other.json'), JSON.stringify(statement));
  writeFileSync(sandbox.path('empty.json'), '{}');
  // As cosign, no recorded stack is trusted: the files have to be named.
  const trust = [...root(), '--signing-config', stack.status.signingConfig];
  await sealwright('attest', '--compat', 'cosign', ...trust, ...keyless(), '--statement', 'other.json', image);
  const provenance = ['--type', 'slsaprovenance', '--predicate', 'empty.json'];
  await sealwright('attest', '--compat', 'cosign', ...trust, ...keyless(), ...provenance, image);
  assert.equal((await referrers(image)).length, 2);
});

const REFUSALS: Readonly<
  Record<string, { readonly args: readonly string[]; readonly code: string; readonly exitCode?: number }>
> = {
  'nothing to attest': { args: [], code: 'USAGE_BAD_FLAG' },
  'a predicate and a statement': {
    args: ['--predicate', 'review.json', '--statement', 'review.json'],
    code: 'USAGE_BAD_FLAG',
  },
  'a predicate type that is none': { args: ['--predicate', 'review.json', '--type', 'sbom'], code: 'USAGE_BAD_FLAG' },
  'an entry type that is none': { args: [...REVIEW, '--rekor-entry-type', 'rekord'], code: 'USAGE_BAD_FLAG' },
  'a file that is not there': { args: ['--predicate', 'none.json'], code: 'USAGE_FILE' },
  'a folder in place of a file': { args: ['--predicate', '.'], code: 'USAGE_FILE' },
  'a predicate of another type': { args: ['--type', 'link', '--predicate', 'review.json'], code: 'FORMAT_PREDICATE' },
  'a predicate in place of a statement': { args: ['--statement', 'review.json'], code: 'FORMAT_STATEMENT' },
  'a statement about something else': {
    args: ['--statement', 'about-other.json'],
    code: 'SUBJECT_MISMATCH',
    exitCode: 12,
  },
  'a statement of another type': {
    args: ['--statement', 'about-other.json', '--type', 'vuln'],
    code: 'PREDICATE_TYPE_MISMATCH',
    exitCode: 12,
  },
};
for (const [what, { args, code, exitCode = 1 }] of Object.entries(REFUSALS)) {
  test(`${what}: ${code}, exit ${exitCode}, and nothing is written`, async () => {
    const { image } = await newImage('ours/refused');
    const subject = [{ digest: { sha256: '0'.repeat(64) } }];
    const statement = { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: TYPE, predicate: {} };
    writeFileSync(sandbox.path('about-other.json'), JSON.stringify(statement));
    const ended = await run('attest', ...keyless(), ...args, '--bundle', 'refused.json', image);
    assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], [code, exitCode, ''], ended.stderr);
    assert.equal(existsSync(sandbox.path('refused.json')), false);
    assert.deepEqual(await referrers(image), []);
  });
}
