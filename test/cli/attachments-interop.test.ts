/** What is attached to images, or kept beside them, by Sealwright and by cosign: each reads and removes the other's. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { errorCode, Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { send } from '../support/registry-server.ts';

const execute = promisify(execFile);
const PASSWORD = { COSIGN_PASSWORD: 'a password' };
const SPDX = 'SPDXVersion: SPDX-2.3\n';

const sandbox = new Sandbox();
let stack: SandboxStack;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  writeFileSync(sandbox.path('app.spdx'), SPDX);
  writeFileSync(sandbox.path('module.wasm'), Buffer.from('\0asm\x01\0\0\0', 'latin1'));
  await sealwright('generate-key-pair', '--output-key-prefix', 'key');
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

async function theirs(executable: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(executable, args, {
    cwd: sandbox.work,
    env: { PATH: process.env['PATH'], HOME: sandbox.home, TUF_ROOT: sandbox.path('tuf'), ...PASSWORD },
  });
  return stdout;
}

async function sealwright(...args: readonly string[]): Promise<Ended> {
  const ended = await sandbox.run(args, { environment: PASSWORD });
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

async function refused(code: string, ...args: readonly string[]): Promise<void> {
  const ended = await sandbox.run(args, { environment: PASSWORD });
  assert.equal(errorCode(ended), code, ended.stderr);
}

async function newImage(repository: string): Promise<string> {
  const { registry } = stack.status;
  await pushDemoImage(registry, repository, '1');
  return `${registry}/${repository}:1`;
}

async function digestsIn(image: string): Promise<{ layers: string[]; types: string[]; config: string }> {
  const [, repository = '', tag = ''] = /^[^/]+\/(.+):(.+)$/.exec(image) ?? [];
  const { body } = await send(stack.status, 'GET', `/v2/${repository}/manifests/${tag}`);
  const { layers, config } = JSON.parse(body.toString()) as {
    layers: { digest: string; mediaType: string }[];
    config: { mediaType: string };
  };
  return {
    layers: layers.map(({ digest }) => digest),
    types: layers.map(({ mediaType }) => mediaType),
    config: config.mediaType,
  };
}

interop('cosign', 'both', 'triangulate and generate: the same text, byte for byte', async (_, cosign) => {
  const image = await newImage('text/app');
  for (const type of ['signature', 'attestation', 'sbom', 'digest']) {
    const { stdout } = await sealwright('triangulate', '--type', type, image);
    assert.equal(stdout, await theirs(cosign, 'triangulate', '--type', type, image));
  }
  const annotations = ['-a', 'b=<2>', '-a', 'a=1&2'];
  const { stdout, stderr } = await sealwright('generate', ...annotations, image);
  assert.equal(stdout, await theirs(cosign, 'generate', ...annotations, image));
  assert.match(stderr, /deprecated/);
});

interop('cosign', 'both', 'sbom: attached by either, downloaded by the other', async (_, cosign) => {
  const ours = await newImage('sbom/ours');
  await sealwright('attach', 'sbom', '--sbom', 'app.spdx', ours);
  assert.equal(await theirs(cosign, 'download', 'sbom', ours), SPDX);
  const other = await newImage('sbom/theirs');
  await theirs(cosign, 'attach', 'sbom', '--sbom', 'app.spdx', '--type', 'cyclonedx', other);
  const { stdout, stderr } = await sealwright('download', 'sbom', other);
  assert.equal(stdout, SPDX);
  assert.match(stderr, /application\/vnd\.cyclonedx\+xml/);
  const elsewhere = { COSIGN_REPOSITORY: `${stack.status.registry}/sbom/elsewhere` };
  const mode = ['--registry-referrers-mode', 'oci-1-1'];
  const referring = await sandbox.run(['attach', 'sbom', ...mode, '--sbom', 'app.spdx', ours], {
    environment: elsewhere,
  });
  assert.equal(referring.exitCode, 0, referring.stderr);
  assert.match(
    (await sandbox.run(['tree', ours], { environment: elsewhere })).stdout,
    /cosign\.artifact\.sbom\.v1\+json/,
  );
  const bare = await newImage('sbom/none');
  await refused('NOT_FOUND', 'download', 'sbom', bare);
  await refused(
    'USAGE_BAD_FLAG',
    'attach',
    'sbom',
    '--sbom',
    'app.spdx',
    '--type',
    'syft',
    '--input-format',
    'xml',
    ours,
  );
  const limited = await sandbox.run(['download', 'sbom', other], {
    environment: { COSIGN_MAX_ATTACHMENT_SIZE: '10B' },
  });
  assert.equal(errorCode(limited), 'REMOTE_BODY', limited.stderr);
  const nonsense = await sandbox.run(['download', 'sbom', other], {
    environment: { COSIGN_MAX_ATTACHMENT_SIZE: 'lots' },
  });
  assert.equal(errorCode(nonsense), 'USAGE_BAD_CONFIG', nonsense.stderr);
});

interop(
  'cosign',
  'both',
  'a prefix for the tags of the older storage: the same tags, carried through a folder',
  async (_, cosign) => {
    const prefix = ['--attachment-tag-prefix', 'x-'];
    const image = await newImage('prefix/app');
    const { stdout } = await sealwright('triangulate', ...prefix, image);
    assert.equal(stdout, await theirs(cosign, 'triangulate', ...prefix, image));
    await theirs(cosign, 'attach', 'sbom', ...prefix, '--sbom', 'app.spdx', image);
    assert.equal((await sealwright('download', 'sbom', ...prefix, image)).stdout, SPDX);
    await refused('NOT_FOUND', 'download', 'sbom', image);
    await sealwright('save', ...prefix, '--dir', 'prefixed', image);
    const loaded = `${stack.status.registry}/prefix/loaded:1`;
    await sealwright('load', '--dir', 'prefixed', loaded);
    assert.equal(await theirs(cosign, 'download', 'sbom', loaded), SPDX);
    await sealwright('clean', '--force', ...prefix, image);
    await refused('NOT_FOUND', 'download', 'sbom', ...prefix, image);
    await refused('USAGE_BAD_FLAG', 'triangulate', '--attachment-tag-prefix', '/', image);
  },
);

interop('cosign', 'both', 'upload blob and wasm: the same layers and types', async (_, cosign) => {
  const { registry } = stack.status;
  for (const args of [
    ['blob', '-f', 'app.spdx'],
    ['blob', '-f', 'app.spdx', '--ct', 'text/spdx', '-a', 'k=v'],
    ['wasm', '-f', 'module.wasm'],
  ]) {
    const { stdout } = await sealwright('upload', ...args, `${registry}/upload/ours:1`);
    const answer = await theirs(cosign, 'upload', ...args, `${registry}/upload/theirs:1`);
    assert.deepEqual(await digestsIn(`${registry}/upload/ours:1`), await digestsIn(`${registry}/upload/theirs:1`));
    const shape = (text: string): string => text.replace(/(ours|theirs)@sha256:[0-9a-f]{64}/, 'REFERENCE');
    assert.equal(shape(stdout), shape(answer));
  }
  await sealwright(
    'upload',
    'blob',
    '-f',
    'app.spdx:linux/amd64',
    '-f',
    'module.wasm:wasip1/wasm',
    `${registry}/upload/two:1`,
  );
  await refused('USAGE_BAD_FLAG', 'upload', 'blob', '-f', 'a:b:c', `${registry}/upload/two:1`);
  await refused('USAGE_BAD_FLAG', 'upload', 'blob', `${registry}/upload/two:1`);
  await refused('USAGE_FILE', 'upload', 'blob', '-f', 'missing', `${registry}/upload/two:1`);
});

interop('cosign', 'both', "clean: each removes the other's signatures", async (_, cosign) => {
  const ours = await newImage('clean/ours');
  await sealwright('sign', '--key', 'key.key', ours);
  await theirs(cosign, 'clean', '--force', ours);
  await refused('NO_SIGNATURE', 'verify', '--key', 'key.pub', ours);
  const other = await newImage('clean/theirs');
  const files = ['--trusted-root', stack.status.trustedRoot, '--signing-config', stack.status.signingConfig];
  await theirs(cosign, 'sign', '--yes', ...files, '--key', 'key.key', other);
  await refused('USAGE_NOT_CONFIRMED', 'clean', other);
  await sealwright('verify', '--key', 'key.pub', other);
  const agreed = await sandbox.run(['clean', '--type', 'signature', other], { input: 'y\n' });
  assert.equal(agreed.exitCode, 0, agreed.stderr);
  await assert.rejects(
    theirs(cosign, 'verify', ...files.slice(0, 2), '--key', 'key.pub', other),
    /no signatures found/,
  );
});

interop('cosign', 'both', 'login: what either keeps, the other finds', async (_, cosign) => {
  const kept = (): unknown => JSON.parse(readFileSync(`${sandbox.home}/.docker/config.json`, 'utf8'));
  await theirs(cosign, 'login', 'r.example.test', '-u', 'alice', '-p', 'secret');
  const before = kept();
  const ended = await sandbox.run(['login', 'r.example.test', '-u', 'alice', '--password-stdin'], {
    input: 'secret\n',
  });
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.doesNotMatch(ended.stderr, /secret/);
  assert.deepEqual(kept(), before);
  await refused('USAGE_PASSWORD', 'login', 'r.example.test', '-u', 'alice', '--password-stdin');
  await refused('USAGE_BAD_FLAG', 'login', 'r.example.test', '-p', 'x');
  await refused('USAGE_BAD_REFERENCE', 'login', 'r.example.test/a b', '-u', 'x', '-p', 'x');
});

test('dockerfile and manifest verify: signatures in the current format count, one unsigned image fails', async () => {
  const signed = await newImage('file/signed');
  const unsigned = await newImage('file/unsigned');
  await sealwright('sign', '--key', 'key.key', signed);
  const file = (name: string, text: string): string => {
    writeFileSync(sandbox.path(name), text);
    return name;
  };
  const key = ['--key', 'key.pub'];
  const [name = ''] = signed.split(':1').slice(0, 1);
  const dockerfile = file(
    'Dockerfile',
    `ARG V\nFROM ${unsigned} AS build\nFROM ${name}:\${V} AS base\nFROM base\nCOPY --from=build / /\n`,
  );
  const environment = { V: '1', ...PASSWORD };
  const all = await sandbox.run(['dockerfile', 'verify', ...key, dockerfile], { environment });
  assert.equal(errorCode(all), 'NO_SIGNATURE', all.stderr);
  const base = await sandbox.run(['dockerfile', 'verify', '--base-image-only', ...key, dockerfile], { environment });
  assert.equal(base.exitCode, 0, base.stderr);
  await refused('FORMAT_DOCKERFILE', 'dockerfile', 'verify', ...key, dockerfile);
  await refused('USAGE_FILE', 'dockerfile', 'verify', ...key, file('Empty', 'FROM scratch\n'));
  const pod = (image: string): string => `apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "${image}"}]}\n`;
  await sealwright('manifest', 'verify', ...key, file('signed.yaml', pod(signed)));
  await refused('NO_SIGNATURE', 'manifest', 'verify', ...key, file('both.yaml', `${pod(signed)}---\n${pod(unsigned)}`));
  await refused('USAGE_BAD_FLAG', 'manifest', 'verify', ...key, file('pod.txt', pod(signed)));
  await refused('USAGE_FILE', 'manifest', 'verify', ...key, file('none.yaml', 'kind: Service\napiVersion: v1\n'));
});

test('verify --local-image: a folder instead of a registry', async () => {
  const image = await newImage('local/app');
  await sealwright('sign', '--key', 'key.key', image);
  await sealwright('save', '--dir', 'local', image);
  const { stdout } = await sealwright('verify', '--local-image', '--key', 'key.pub', 'local');
  const [payload] = JSON.parse(stdout) as { critical: { identity: Record<string, string> } }[];
  assert.match(payload?.critical.identity['docker-reference'] ?? '', /local\/app/);
  await sealwright('generate-key-pair', '--output-key-prefix', 'other');
  await refused('KEY_MISMATCH', 'verify', '--local-image', '--key', 'other.pub', 'local');
  await refused('USAGE_FILE', 'verify', '--local-image', '--key', 'key.pub', 'nowhere');
});
