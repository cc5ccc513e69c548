/** `verify-attestation` and `download attestation` beside cosign's over one stack: what the other attested, judged by the same policies. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { after, before, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { policyInput } from '../../src/core/attestation/policy-input.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { engineExecutable } from '../support/policy-engines.ts';

const execute = promisify(execFile);
const WHO = 'dev@example.test';
const PASSWORD = { COSIGN_PASSWORD: 'a password' };
const TYPE = 'https://example.com/review/v1';

/** By cosign's short name or URI: a predicate with more in it than the type has a place for. */
const PREDICATES: Readonly<Record<string, string>> = {
  custom: 'anything at all\n',
  slsaprovenance:
    '{"builder":{"id":"https://b.example","x":1},"buildType":"t","invocation":{"parameters":{"a":[1]}},"metadata":{"buildInvocationId":"7","buildStartedOn":"2026-01-01T00:00:00.10Z"},"materials":[{"uri":"u","digest":{}}]}',
  slsaprovenance02: '{"builder":{"id":"https://b.example"},"buildType":"t","metadata":{"buildInvocationId":"7"}}',
  slsaprovenance1:
    '{"buildDefinition":{"buildType":"t","externalParameters":{"n":1.5}},"runDetails":{"builder":{"id":"b"},"metadata":{"invocationID":"i"}}}',
  spdxjson: '{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","big":12345678901234567890}]}',
  cyclonedx: '{"bomFormat":"CycloneDX","components":[],"nothing":null}',
  link: '{"_type":"link","name":"n","materials":{"a":{"sha256":"00"}},"products":null,"byproducts":{},"command":["make"],"environment":{}}',
  vuln: '{"scanner":{"uri":"s","result":{"found":0}},"metadata":{"scanStartedOn":"2026-01-01T00:00:00Z","scanFinishedOn":"2026-01-01T00:00:01.50Z"}}',
  openvex: '{"@context":"https://openvex.dev/ns","statements":[]}',
  [TYPE]: '{"team":"shop","level":3,"tests":["unit","fuzz"]}',
};

/** Whether each is satisfied is cosign's to say. */
const POLICIES: readonly (readonly ['cue' | 'rego', string])[] = [
  ['cue', `predicateType: "${TYPE}"`],
  ['cue', 'predicateType: "https://example.com/other/v1"'],
  ['cue', 'predicate: level: >=3'],
  ['cue', 'predicate: level: >3'],
  ['cue', 'predicate: {team: "shop", owner!: string}'],
  ['cue', 'predicate: close({team: string})'],
  ['cue', 'import "list"\npredicate: tests: list.MinItems(3)'],
  ['cue', 'import "example.com/x"\npredicate: x.y'],
  ['cue', 'predicate: {'],
  ['cue', 'subject: [...{digest: sha256: =~"^[0-9a-f]{64}$"}]'],
  ['rego', 'package signature\nallow { input.predicate.level >= 3 }'],
  ['rego', 'package signature\nallow { input.predicate.level > 3 }'],
  ['rego', 'package signature\ndefault allow = false'],
  ['rego', 'package signature\nallow = "true"'],
  ['rego', 'package signature\nallow = [true]'],
  ['rego', 'package signature\nallow = null'],
  ['rego', 'package sigstore\nisCompliant { true }'],
  ['rego', 'package signature\nallow if { true }'],
  ['rego', 'package signature\nimport rego.v1\nallow if { input.predicate.team == "shop" }'],
  ['rego', 'package signature\nimport data.elsewhere\nallow { elsewhere.yes }'],
  ['rego', 'package signature\nallow = 1 { true }\nallow = 2 { true }'],
  ['rego', 'package signature\nallow { no_such(1) }'],
  ['rego', 'package signature\nallow {'],
  ['rego', 'package signature\nallow { time.now_ns() > 0 }'],
];

const sandbox = new Sandbox();
let stack: SandboxStack;
let token: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  token = await stack.token(WHO);
  writeFileSync(sandbox.path('token'), token);
  for (const [type, content] of Object.entries(PREDICATES)) writeFileSync(sandbox.path(fileOf(type)), content);
  assert.equal((await run('generate-key-pair')).exitCode, 0);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

const fileOf = (type: string): string => `${type.replaceAll(/\W/g, '-')}.predicate`;
const root = (): string[] => ['--trusted-root', stack.status.trustedRoot];
const files = (): string[] => [...root(), '--signing-config', stack.status.signingConfig, '--yes'];
const identity = (): string[] => ['--certificate-identity', WHO, '--certificate-oidc-issuer', stack.status.issuer];

async function newImage(repository: string): Promise<string> {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, repository, '1');
  return `${registry}/${repository}@${digest}`;
}

function run(...args: string[]): Promise<Ended> {
  // The engines are built once, in the user's own cache.
  const engines = `${process.env['XDG_CACHE_HOME'] ?? `${homedir()}/.cache`}/sealwright/engines/policy-engines-6`;
  return sandbox.run(args, { environment: { SEALWRIGHT_ENGINES: engines, ...PASSWORD } });
}

async function sealwright(...args: string[]): Promise<Ended> {
  const ended = await run(...args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function cosign(executable: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: sandbox.home, TUF_ROOT: sandbox.path('tuf'), ...PASSWORD };
  return (await execute(executable, args, { cwd: sandbox.work, env })).stdout;
}

async function attested(type: string, image: string): Promise<void> {
  await sealwright('attest', '--identity-token', 'token', '--type', type, '--predicate', fileOf(type), image);
}

function payloadOf(line: string): string {
  return Buffer.from((JSON.parse(line) as { payload: string }).payload, 'base64').toString();
}

interop(
  'cosign',
  'peer → sealwright',
  'attestations of images, every predicate type, our stack',
  async (_, executable) => {
    const image = await newImage('theirs/types');
    for (const type of Object.keys(PREDICATES)) {
      const about = ['--identity-token', token, '--type', type, '--predicate', fileOf(type), image];
      await cosign(executable, 'attest', ...files(), ...about);
      const { stdout } = await sealwright('verify-attestation', ...root(), ...identity(), '--type', type, image);
      const theirs = await cosign(executable, 'verify-attestation', ...root(), ...identity(), '--type', type, image);
      // Two short names stand for one URI, so there may be several.
      assert.deepEqual(stdout.trim().split('\n').toSorted(), theirs.trim().split('\n').toSorted(), type);
    }
    const other = ['--certificate-identity', 'x', ...identity().slice(2), '--type', 'vuln', image];
    const refused = await run('verify-attestation', ...root(), ...other);
    assert.deepEqual([errorCode(refused), refused.exitCode, refused.stdout], ['IDENTITY_MISMATCH', 12, '']);
  },
);

interop('cosign', 'peer → sealwright', 'attestation of an image, key pair, our stack', async (_, executable) => {
  const image = await newImage('theirs/key');
  await cosign(executable, 'attest', ...files(), '--key', 'cosign.key', '--predicate', 'custom.predicate', image);
  await sealwright('verify-attestation', '--key', 'cosign.pub', image);
});

interop('cosign', 'peer → sealwright', 'attestations under the .att tag, key pair', async (_, executable) => {
  const image = await newImage('theirs/legacy');
  const local = ['--tlog-upload=false', '--use-signing-config=false', '--new-bundle-format=false', '--yes'];
  for (const type of ['vuln', TYPE]) {
    const about = ['--key', 'cosign.key', '--type', type, '--predicate', fileOf(type), image];
    await cosign(executable, 'attest', ...local, ...about);
  }
  const verify = ['verify-attestation', '--key', 'cosign.pub', '--insecure-ignore-tlog', '--type', TYPE, image];
  const { stdout, stderr } = await sealwright(...verify);
  assert.match(stderr, /format +cosign.s older storage, sha256:/);
  const theirs = await cosign(executable, ...verify, '--new-bundle-format=false');
  assert.deepEqual(JSON.parse(stdout), JSON.parse(theirs));
  await attested(TYPE, image);
  const downloaded = (await sealwright('download', 'attestation', image)).stdout.trim().split('\n');
  assert.deepEqual(
    downloaded.map((line) => Object.keys(JSON.parse(line) as object)[0]),
    ['mediaType', 'payload', 'payload'],
  );
});

interop('cosign', 'both', 'download attestation: the same bundles and envelopes', async (_, executable) => {
  const image = await newImage('ours/download');
  for (const type of ['vuln', 'openvex', TYPE]) await attested(type, image);
  for (const type of [[], ['--predicate-type', 'vuln'], ['--predicate-type', TYPE]]) {
    const lines = async (text: Promise<string>): Promise<unknown[]> =>
      (await text)
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { dsseEnvelope: unknown }).dsseEnvelope)
        .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const ours = sealwright('download', 'attestation', ...type, image).then(({ stdout }) => stdout);
    const theirs = await lines(cosign(executable, 'download', 'attestation', ...type, image));
    assert.deepEqual(await lines(ours), theirs);
    assert.equal(theirs.length, type.length === 0 ? 3 : 1);
  }
  await assert.rejects(cosign(executable, 'download', 'attestation', '--predicate-type', 'link', image));
  const refused = await run('download', 'attestation', '--predicate-type', 'link', image);
  assert.deepEqual([errorCode(refused), refused.exitCode, refused.stdout], ['NO_ATTESTATION', 10, '']);
});

interop(
  'cosign',
  'both',
  'policies in CUE and Rego over bundles: the same verdicts, as whole programs',
  async (t, executable) => {
    if ((await engineExecutable(t)) === undefined) return;
    const image = await newImage('both/policies');
    await attested(TYPE, image);
    const verify = ['verify-attestation', ...root(), ...identity(), '--type', TYPE];
    const verdicts = new Set<string>();
    for (const [language, text] of POLICIES) {
      writeFileSync(sandbox.path(`policy.${language}`), text);
      const args = [...verify, '--policy', `policy.${language}`, image];
      const theirs = await cosign(executable, ...args).then(
        () => true,
        () => false,
      );
      const ours = await run(...args);
      assert.equal(ours.exitCode === 0, theirs, `${text}\n${ours.stderr}`);
      if (!theirs) {
        const expected = { POLICY_DENIED: 20, FORMAT_POLICY: 1 }[errorCode(ours)];
        assert.deepEqual([ours.exitCode, ours.stdout], [expected, ''], ours.stderr);
        const asCosign = await run(...args, '--compat', 'cosign');
        assert.deepEqual([asCosign.exitCode, asCosign.stdout], [1, ''], asCosign.stderr);
      }
      verdicts.add(`${language} ${String(theirs)}`);
    }
    assert.equal(verdicts.size, 4, 'each language was satisfied and was not');
  },
);

interop(
  'cosign',
  'both',
  'what policies get to see of every predicate type: the same document',
  async (_, executable) => {
    const image = await newImage('both/inputs');
    for (const type of Object.keys(PREDICATES)) await attested(type, image);
    for (const type of Object.keys(PREDICATES)) {
      const verify = ['verify-attestation', ...root(), ...identity(), '--type', type];
      const lines = (await sealwright(...verify, image)).stdout.trim().split('\n');
      const inputs = lines.map((line) => policyInput(type, Buffer.from(payloadOf(line))));
      // One rule a document: cosign is satisfied only when what it shows to Rego is one of them to the last member.
      const rules = inputs.map((input) => `allow { input == ${input} }`);
      writeFileSync(sandbox.path('equal.rego'), ['package signature', ...rules].join('\n'));
      await cosign(executable, ...verify, '--policy', 'equal.rego', image);
      writeFileSync(
        sandbox.path('equal.rego'),
        `package signature\nallow { input == ${inputs[0]?.replace('{', '{"x":1,') ?? ''} }`,
      );
      await assert.rejects(cosign(executable, ...verify, '--policy', 'equal.rego', image), type);
    }
  },
);

async function judged(t: TestContext): Promise<((...args: string[]) => Promise<Ended>) | undefined> {
  if ((await engineExecutable(t)) === undefined) return undefined;
  const image = await newImage('ours/judged');
  writeFileSync(sandbox.path('low.predicate'), '{"level":1}');
  await attested(TYPE, image);
  await sealwright(...['attest', '--identity-token', 'token', '--type', TYPE, '--predicate', 'low.predicate', image]);
  writeFileSync(sandbox.path('level.cel'), 'predicate.level >= 3');
  return (...args) => run('verify-attestation', ...root(), ...identity(), '--type', TYPE, ...args, image);
}

test('one attestation that a policy denies denies the image; --policy-mode any asks for one that passes', async (t) => {
  const verify = await judged(t);
  if (verify === undefined) return;
  const all = await verify('--policy', 'level.cel');
  assert.deepEqual([errorCode(all), all.exitCode, all.stdout], ['POLICY_DENIED', 20, ''], all.stderr);
  assert.match(all.stderr, /1 of 2 attestations/);
  const any = await verify('--policy', 'level.cel', '--policy-mode', 'any');
  assert.equal(any.exitCode, 0, any.stderr);
  assert.match(any.stderr, /passed over sha256:[0-9a-f]{64}: POLICY_DENIED a policy objects: level\.cel: false/);
  assert.match(payloadOf(any.stdout), /"level":3/);
  const cel = await verify('--policy', 'level.cel', '--compat', 'cosign');
  assert.deepEqual([cel.exitCode, cel.stdout], [1, ''], cel.stderr);
});

test('without the engines nothing is verified, and the command that builds them is named', async () => {
  writeFileSync(sandbox.path('any.rego'), 'package signature\nallow { true }');
  const args = ['verify-attestation', ...root(), ...identity(), '--policy', 'any.rego', 'localhost:1/app:1'];
  const ended = await sandbox.run(args, { environment: { SEALWRIGHT_ENGINES: sandbox.path('no-engines') } });
  assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], ['POLICY_ENGINE_MISSING', 23, ''], ended.stderr);
  assert.match(ended.stderr, /tools\/engines\/build/);
});

const REFUSALS: Readonly<
  Record<string, { readonly args: readonly string[]; readonly code: string; readonly exitCode?: number }>
> = {
  'nobody who must have attested': { args: ['localhost:1/app:1'], code: 'USAGE_NO_IDENTITY' },
  'a policy in no language that is known': {
    args: ['--key', 'cosign.pub', '--policy', 'policy.yaml', 'localhost:1/app:1'],
    code: 'USAGE_BAD_FLAG',
  },
  'a policy that is not there': {
    args: ['--key', 'cosign.pub', '--policy', 'none.rego', 'localhost:1/app:1'],
    code: 'USAGE_FILE',
  },
  'a mode that is none': {
    args: ['--key', 'cosign.pub', '--policy-mode', 'most', 'localhost:1/app:1'],
    code: 'USAGE_BAD_FLAG',
  },
  'a type that is none': {
    args: ['--key', 'cosign.pub', '--type', 'sbom', 'localhost:1/app:1'],
    code: 'USAGE_BAD_FLAG',
  },
  'a registry that is not there': {
    args: ['--key', 'cosign.pub', 'localhost:1/app:1'],
    code: 'REMOTE_UNREACHABLE',
    exitCode: 23,
  },
};
for (const [what, { args, code, exitCode = 1 }] of Object.entries(REFUSALS)) {
  test(`${what}: ${code}, exit ${exitCode}`, async () => {
    const ended = await run('verify-attestation', ...root(), ...args);
    assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], [code, exitCode, ''], ended.stderr);
  });
}

test('an image without the type says which types there are, and what to write', async () => {
  const image = await newImage('ours/other');
  await attested('openvex', image);
  const ended = await run('verify-attestation', ...root(), ...identity(), image);
  assert.deepEqual([errorCode(ended), ended.exitCode], ['NO_ATTESTATION', 10], ended.stderr);
  assert.match(
    ended.stderr,
    /found: +only https:\/\/openvex\.dev\/ns\n.*\n +fix: +add --type https:\/\/openvex\.dev\/ns/,
  );
});
