/**
 * docs/ci.md, executed: the lines that it adds to a job, with an issuer that makes the CI system's tokens, from the token to
 * `verify` with the identity that the page writes down, and with the command and policy that `sign` prints.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JSONWebKeySet } from 'jose';
import { pino } from 'pino';
import { parse } from 'yaml';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { parseClusterImagePolicies } from '../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import type { IssuerType } from '../../src/core/identity/issuer-config.ts';
import { startStack, type RunningStack } from '../../src/servers/stack/stack.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { peerServer } from '../support/peer-server.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs', 'ci.md'), 'utf8');
const MAX_ADDED_LINES = 6;
const PLACEHOLDER = 'registry.example/acme/app@sha256:…';

const ISSUERS: readonly (readonly [url: string, type: IssuerType])[] = [
  ['https://token.actions.githubusercontent.com', 'github-workflow'],
  ['https://gitlab.com', 'gitlab-pipeline'],
  ['https://agent.buildkite.com', 'buildkite-job'],
  ['https://ci.acme.example', 'email'],
];

const CLAIMS = {
  github: {
    iss: 'https://token.actions.githubusercontent.com',
    sub: 'repo:acme/app:ref:refs/heads/main',
    event_name: 'push',
    sha: '6f1f0bb1ba2ef8c5cbb2a9c1c0cf4ac0b4f6a3f1',
    workflow: 'release',
    repository: 'acme/app',
    repository_id: '74',
    repository_owner: 'acme',
    repository_owner_id: '65',
    repository_visibility: 'public',
    ref: 'refs/heads/main',
    ref_type: 'branch',
    job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
    job_workflow_sha: '6f1f0bb1ba2ef8c5cbb2a9c1c0cf4ac0b4f6a3f1',
    workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
    workflow_sha: '6f1f0bb1ba2ef8c5cbb2a9c1c0cf4ac0b4f6a3f1',
    runner_environment: 'github-hosted',
    run_id: '1234',
    run_attempt: '1',
  },
  gitlab: {
    iss: 'https://gitlab.com',
    sub: 'project_path:acme/app:ref_type:branch:ref:main',
    project_path: 'acme/app',
    project_id: '22',
    namespace_path: 'acme',
    namespace_id: '7',
    project_visibility: 'private',
    ref: 'main',
    ref_type: 'branch',
    sha: '6f1f0bb1ba2ef8c5cbb2a9c1c0cf4ac0b4f6a3f1',
    ci_config_ref_uri: 'gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main',
    ci_config_sha: '6f1f0bb1ba2ef8c5cbb2a9c1c0cf4ac0b4f6a3f1',
    pipeline_source: 'push',
    job_id: '302',
    runner_environment: 'gitlab-hosted',
  },
  buildkite: {
    iss: 'https://agent.buildkite.com',
    sub: 'organization:acme:pipeline:app:ref:refs/heads/main:commit:6f1f0bb:step:sign',
    organization_slug: 'acme',
    pipeline_slug: 'app',
    build_branch: 'main',
  },
  other: { iss: 'https://ci.acme.example', sub: 'job/17', email: 'ci@acme.example', email_verified: true },
} as const;

const sandbox = new Sandbox();
const bin = join(sandbox.folder, 'bin');
let stack: RunningStack;
let key: CryptoKey;

before(async () => {
  const pair = await generateKeyPair('RS256');
  key = pair.privateKey;
  const keys: JSONWebKeySet = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'ci', alg: 'RS256' }] };
  stack = await startStack({
    dir: sandbox.path('stack'),
    port: 0,
    now: () => new Date(),
    logger: pino({ level: 'silent' }),
    issuers: ISSUERS.map(([issuerUrl, type]) => ({
      config: { issuerUrl, clientId: 'sigstore', type },
      keys: () => Promise.resolve(keys),
    })),
  });
  mkdirSync(bin);
  // What npx would do once the package is on the registry; the program is this checkout's.
  program('npx', `[ "$1" = --yes ] && [ "$2" = sealwright ] || exit 99\nshift 2\nexec '${ROOT}/bin/sealwright' "$@"`);
  program('sealwright', `exec '${ROOT}/bin/sealwright' "$@"`);
});

after(async () => {
  await stack.close();
  sandbox.remove();
});

function program(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

function tokenFor(claims: Readonly<Record<string, unknown>>, audience: string): Promise<string> {
  return new SignJWT({ ...claims, aud: audience })
    .setProtectedHeader({ alg: 'RS256', kid: 'ci', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);
}

interface Section {
  readonly added: string;
  readonly verify: string;
}

/** The two blocks of a section: what is added to the job, and how its signatures are verified. */
function section(heading: string): Section {
  const body = PAGE.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(`no ${heading}`);
  const [added, verify] = [...body.matchAll(/^```(?:yaml|sh)\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
  assert.ok(added !== undefined && verify !== undefined, heading);
  const lines = added.trimEnd().split('\n').length;
  assert.ok(lines <= MAX_ADDED_LINES, `${heading} adds ${lines} lines`);
  assert.ok(!/secret|password/i.test(added), `${heading} needs a secret`);
  return { added, verify };
}

function shell(command: string, environment: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn('sh', ['-euc', command], {
    cwd: sandbox.work,
    env: {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HOME: sandbox.home,
      CI: 'true',
      SEALWRIGHT_DIR: sandbox.path('stack'),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      done({ exitCode: code ?? 128, stdout, stderr });
    });
  });
}

async function newImage(repository: string): Promise<string> {
  const { digest } = await pushDemoImage(stack.status.registry, repository, '1');
  return `${stack.status.registry}/${repository}@${digest}`;
}

/** Signs as the page says, then verifies three ways: by the page, by what was printed, and as somebody else. */
async function signsAndVerifies(
  command: string,
  verify: string,
  image: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const signed = await shell(command, { ...environment, IMAGE: image });
  assert.equal(signed.exitCode, 0, signed.stderr);
  const documented = verify.replace(PLACEHOLDER, image);
  assert.ok(documented.includes(image));
  const verified = await shell(documented, {});
  assert.equal(verified.exitCode, 0, verified.stderr);
  const [, identity = '', issuer = ''] =
    /--certificate-identity (\S+)[\s\\]+--certificate-oidc-issuer (\S+)/.exec(documented) ?? [];

  const printed = /^ *verify: +(sealwright verify .*)$/m.exec(signed.stderr)?.[1] ?? assert.fail(signed.stderr);
  assert.ok(printed.includes(identity) && printed.includes(issuer), printed);
  assert.equal((await shell(printed, {})).exitCode, 0);

  const [, policy = ''] = /<<'POLICY'\n([\s\S]*?)\nPOLICY$/m.exec(signed.stderr) ?? [];
  assert.equal(parseClusterImagePolicies(policy, 'the printed policy').length, 1);
  const { spec } = parse(policy) as {
    spec: { authorities: readonly { keyless: { identities: readonly object[] } }[] };
  };
  assert.deepEqual(spec.authorities[0]?.keyless.identities, [{ issuer, subject: identity }]);

  const other = await shell(documented.replace(identity, `${identity}x`), {});
  assert.equal(errorCode(other), 'IDENTITY_MISMATCH', other.stderr);
  assert.equal(other.exitCode, 12);
}

test('GitHub Actions: the step signs, and the documented identity verifies', async (t) => {
  const { added, verify } = section('GitHub Actions');
  const job = parse(added) as { permissions: Record<string, string>; steps: readonly { run: string }[] };
  assert.equal(job.permissions['id-token'], 'write');
  assert.equal(job.steps.length, 1);
  const service = await githubTokens(t);
  await signsAndVerifies(job.steps[0]?.run ?? '', verify, await newImage('acme/github'), service);
});

test('GitHub Actions without the permission: the two lines that give it are printed', async () => {
  const { added } = section('GitHub Actions');
  const job = parse(added) as { steps: readonly { run: string }[] };
  const image = await newImage('acme/forbidden');
  const ended = await shell(job.steps[0]?.run ?? '', { GITHUB_ACTIONS: 'true', IMAGE: image });
  assert.equal(errorCode(ended), 'USAGE_NO_TOKEN');
  assert.match(ended.stderr, /^ {12}permissions:\n {14}id-token: write$/m);
});

test('GitLab: the step signs, and the documented identity verifies', async () => {
  const { added, verify } = section('GitLab');
  const job = parse(added) as { id_tokens: Record<string, { aud: string }>; script: readonly string[] };
  assert.equal(job.script.length, 1);
  const tokens = await Promise.all(
    Object.entries(job.id_tokens).map(async ([name, { aud }]) => [name, await tokenFor(CLAIMS.gitlab, aud)] as const),
  );
  const environment = { GITLAB_CI: 'true', ...Object.fromEntries(tokens) };
  await signsAndVerifies(job.script[0] ?? '', verify, await newImage('acme/gitlab'), environment);
});

test('Buildkite: the step signs, and the documented identity verifies', async (t) => {
  const { added, verify } = section('Buildkite');
  const step = parse(added) as { commands: readonly string[] };
  assert.equal(step.commands.length, 1);
  let audience = '';
  const agent = await peerServer(t, (_, response, body) => {
    ({ audience } = JSON.parse(body.toString()) as { audience: string });
    void tokenFor(CLAIMS.buildkite, audience).then((token) => response.end(JSON.stringify({ token })));
  });
  const environment = {
    BUILDKITE: 'true',
    BUILDKITE_AGENT_ACCESS_TOKEN: 'agent',
    BUILDKITE_AGENT_ENDPOINT: `${agent.url}/v3`,
    BUILDKITE_JOB_ID: '0184990a-477b-4fa8-9968-496074483cee',
  };
  await signsAndVerifies(step.commands[0] ?? '', verify, await newImage('acme/buildkite'), environment);
});

test('any other CI: a token in the environment signs, and the documented identity verifies', async () => {
  const { added, verify } = section('Any other');
  program('print-identity-token', `[ "$1 $2" = '--audience sigstore' ] || exit 98\necho "$CI_TOKEN"`);
  const environment = { CI_TOKEN: await tokenFor(CLAIMS.other, 'sigstore') };
  await signsAndVerifies(added, verify, await newImage('acme/other'), environment);
});

test('a token for another audience, or of an unknown issuer, is refused with the reason, and nothing is pushed', async () => {
  const image = await newImage('acme/refused');
  const command = 'npx --yes sealwright sign "$IMAGE"';
  const refusals = [
    [await tokenFor(CLAIMS.gitlab, 'https://gitlab.com'), 'AUTH_AUDIENCE', /audience https:\/\/gitlab\.com/],
    [
      await tokenFor({ ...CLAIMS.gitlab, iss: 'https://gitlab.acme.example' }, 'sigstore'),
      'AUTH_ISSUER_UNKNOWN',
      /gitlab\.acme/,
    ],
  ] as const;
  for (const [token, code, words] of refusals) {
    const ended = await shell(command, { SIGSTORE_ID_TOKEN: token, IMAGE: image });
    assert.deepEqual([errorCode(ended), ended.exitCode], [code, 1], ended.stderr);
    assert.match(ended.stderr, words);
    assert.ok(!ended.stderr.includes(token));
  }
  const { verify } = section('GitLab');
  assert.equal((await shell(verify.replace(PLACEHOLDER, image), {})).exitCode, 10);
});

async function githubTokens(t: TestContext): Promise<Readonly<Record<string, string>>> {
  const service = await peerServer(t, ({ url = '' }, response) => {
    const audience = new URL(url, 'http://127.0.0.1').searchParams.get('audience') ?? '';
    void tokenFor(CLAIMS.github, audience).then((value) => response.end(JSON.stringify({ count: 1, value })));
  });
  return {
    GITHUB_ACTIONS: 'true',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
    ACTIONS_ID_TOKEN_REQUEST_URL: `${service.url}/idtoken/job?api-version=2.0`,
  };
}
