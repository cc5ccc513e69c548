/**
 * Whole processes beside cosign's and sigstore-python's: start to exit, as a script or a CI job sees them.
 *   sh tools/node/run bench/process.ts [--rounds N]
 *
 * Ours starts through bin/sealwright of the checkout, with whatever Node is first in PATH, and through the published
 * package's command, with the checkout's Node. All verify the same bundles, offline, with the trusted root as a file; images
 * are in the stack's own registry.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pushDemoImage } from '../examples/demo-image.ts';
import { Sandbox, SandboxStack } from '../test/support/command-line.ts';
import { findPeer } from '../test/support/peers.ts';
import { benchHeader } from './machine.ts';
import { compareProcesses, figuresTable, type Candidate } from './measured-process.ts';

const SEALWRIGHT = resolve(import.meta.dirname, '../bin/sealwright');
const WHO = 'alice@example.com';

const packed = mkdtempSync(join(tmpdir(), 'sealwright-bench-package-'));
execFileSync(process.execPath, [resolve(import.meta.dirname, '../tools/package/package.ts'), packed]);

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '30' } } });
const rounds = Number(values.rounds);

const home = mkdtempSync(join(tmpdir(), 'sealwright-bench-home-'));
const sandbox = new Sandbox();
const env = { HOME: sandbox.home, TUF_ROOT: join(home, 'tuf'), COSIGN_PASSWORD: '' };

async function sealwright(...args: readonly string[]): Promise<string> {
  const ended = await sandbox.run(args);
  if (ended.exitCode !== 0) throw new Error(`sealwright ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}

/** Ours, and cosign where it is installed, with the same arguments but for those that only one of them knows. */
function contenders(args: readonly string[], own: readonly string[] = []): Candidate[] {
  const [command = '', ...rest] = args;
  const cosign = findPeer('cosign');
  return [
    { name: 'sealwright', command: [SEALWRIGHT, command, ...own, ...rest], env },
    {
      name: 'sealwright, package',
      command: [process.execPath, join(packed, 'bin/sealwright'), command, ...own, ...rest],
      env,
    },
    ...(cosign === undefined ? [] : [{ name: 'cosign', command: [cosign, ...args], env } as const]),
  ];
}

async function section(title: string, candidates: readonly Candidate[], times = rounds): Promise<string> {
  return [`## ${title}`, '', figuresTable(await compareProcesses(candidates, times)), ''].join('\n');
}

async function sections(stack: SandboxStack): Promise<readonly string[]> {
  const { trustedRoot, signingConfig, issuer, registry } = stack.status;
  const [blob, bundle, token] = [sandbox.path('blob'), sandbox.path('blob.sigstore.json'), sandbox.path('token')];
  writeFileSync(blob, 'an artifact\n');
  writeFileSync(token, await stack.token(WHO));
  const services = ['--trusted-root', trustedRoot, '--signing-config', signingConfig, '--identity-token', token];
  await sealwright('sign-blob', ...services, '--yes', '--bundle', bundle, blob);
  const { digest } = await pushDemoImage(registry, 'shop/app', '1.0');
  const image = `${registry}/shop/app@${digest}`;
  await sealwright('sign', ...services, '--yes', image);
  const identity = ['--certificate-identity', WHO, '--certificate-oidc-issuer', issuer];
  const root = ['--trusted-root', trustedRoot];
  const verifyBlob = contenders(['verify-blob', ...root, '--bundle', bundle, ...identity, blob], ['--offline']);
  const python = findPeer('sigstore-python');
  if (python !== undefined)
    verifyBlob.push(await pythonVerifier(python, { trustedRoot, signingConfig, bundle, blob, issuer }));
  return [
    await section('version', contenders(['version'])),
    await section('verify-blob', verifyBlob),
    await section('verify, one signature, index of two platforms', contenders(['verify', ...root, ...identity, image])),
    await section(
      'sign, keyless, our services',
      contenders(['sign', ...services, '--yes', image]),
      Math.max(3, Math.ceil(rounds / 5)),
    ),
  ];
}

async function pythonVerifier(
  executable: string,
  files: Readonly<Record<'trustedRoot' | 'signingConfig' | 'bundle' | 'blob' | 'issuer', string>>,
): Promise<Candidate> {
  const { readFile } = await import('node:fs/promises');
  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
  const config = sandbox.path('trust_config.json');
  const document = {
    mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
    trustedRoot: await read(files.trustedRoot),
    signingConfig: await read(files.signingConfig),
  };
  writeFileSync(config, JSON.stringify(document));
  const identity = ['--cert-identity', WHO, '--cert-oidc-issuer', files.issuer];
  return {
    name: 'sigstore-python',
    command: [
      executable,
      '--trust-config',
      config,
      'verify',
      'identity',
      '--bundle',
      files.bundle,
      ...identity,
      files.blob,
    ],
    env,
  };
}

const firstNode = execFileSync('node', ['--version'], { encoding: 'utf8' }).trim();
let stack: SandboxStack | undefined;
try {
  const header = benchHeader(
    'Whole processes',
    `Start to exit, ${rounds} turns each after one that warms the caches; medians. Peak memory is the largest resident set.`,
  );
  stack = await SandboxStack.start(sandbox);
  const body = await sections(stack);
  console.log([header, `- first Node in PATH: ${firstNode}; started as bin/sealwright`, '', ...body].join('\n'));
} finally {
  await stack?.stop();
  sandbox.remove();
  for (const path of [home, packed]) rmSync(path, { recursive: true, force: true });
}
