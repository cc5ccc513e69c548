/** Images carried between Sealwright and cosign, crane, skopeo and registries of others: whole, in both directions. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { after, before, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { pushDemoImage } from '../../examples/demo-image.ts';
import { Sandbox, SandboxStack, type Ended } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { freePort, startPeer } from '../support/peer-process.ts';
import { peer } from '../support/peers.ts';
import { send } from '../support/registry-server.ts';

const execute = promisify(execFile);
const WHO = 'dev@example.test';

const sandbox = new Sandbox();
let stack: SandboxStack;
let token: string;

before(async () => {
  stack = await SandboxStack.start(sandbox);
  token = await stack.token(WHO);
  writeFileSync(sandbox.path('token'), token);
});

after(async () => {
  await stack.stop();
  sandbox.remove();
});

function identity(): readonly string[] {
  const { trustedRoot, issuer } = stack.status;
  return ['--trusted-root', trustedRoot, '--certificate-identity', WHO, '--certificate-oidc-issuer', issuer];
}

async function run(executable: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(executable, args, {
    cwd: sandbox.work,
    env: { PATH: process.env['PATH'], HOME: sandbox.home, TUF_ROOT: sandbox.path('tuf') },
  });
  return stdout;
}

async function sealwright(...args: readonly string[]): Promise<Ended> {
  const ended = await sandbox.run(args);
  assert.equal(ended.exitCode, 0, ended.stderr);
  return ended;
}

/** An index for two platforms, signed by us with all that it names; its reference, and that of one of its images. */
async function signedIndex(repository: string): Promise<{ index: string; image: string }> {
  const { registry } = stack.status;
  const { digest } = await pushDemoImage(registry, repository, '1');
  const index = `${registry}/${repository}:1`;
  await sealwright('sign', '--recursive', '--identity-token', 'token', `${registry}/${repository}@${digest}`);
  const { body } = await send(stack.status, 'GET', `/v2/${repository}/manifests/${digest}`);
  const { manifests } = JSON.parse(body.toString()) as { manifests: { digest: string }[] };
  return { index, image: `${registry}/${repository}@${manifests[0]?.digest ?? ''}` };
}

/** go-containerregistry's, which has no referrers API and takes manifests in any order. */
async function otherRegistry(t: TestContext): Promise<string | undefined> {
  const executable = peer(t, 'registry');
  if (executable === undefined) return undefined;
  const port = await freePort();
  await startPeer(t, executable, ['-port', String(port)], `http://127.0.0.1:${port}/v2/`);
  return `127.0.0.1:${port}`;
}

interop(
  'cosign',
  'sealwright → peer',
  'copy: signatures of the index and its images arrive; the other verifies',
  async (_, cosign) => {
    const { index, image } = await signedIndex('copy/ours');
    const to = `${stack.status.registry}/copy/target`;
    await sealwright('copy', index, `${to}:1`);
    await run(cosign, 'verify', ...identity(), `${to}:1`);
    await run(cosign, 'verify', ...identity(), `${to}@${image.split('@')[1] ?? ''}`);
  },
);

interop(
  'cosign',
  'peer → sealwright',
  "copy: the other's loses bundles, ours of the same image keeps them",
  async (_, cosign) => {
    const { index } = await signedIndex('copy/theirs');
    const { registry } = stack.status;
    await run(cosign, 'copy', index, `${registry}/copy/lost:1`);
    // cosign's copy walks the older tags, and no referrers: its own verify finds nothing.
    await assert.rejects(run(cosign, 'verify', ...identity(), `${registry}/copy/lost:1`), /no signatures found/);
    const ours = await sandbox.run(['verify', ...identity(), `${registry}/copy/lost:1`]);
    assert.equal(ours.exitCode, 10, ours.stderr);
    await sealwright('copy', index, `${registry}/copy/lost:1`);
    await run(cosign, 'verify', ...identity(), `${registry}/copy/lost:1`);
  },
);

interop('cosign', 'sealwright → peer', 'save: the other verifies the folder, and loads it', async (t, cosign) => {
  const other = await otherRegistry(t);
  if (other === undefined) return;
  const { image } = await signedIndex('save/ours');
  await sealwright('save', '--dir', 'ours', image);
  await run(cosign, 'verify', ...identity(), '--local-image', 'ours');
  await run(cosign, 'load', '--dir', 'ours', `${other}/save/ours:1`);
  await run(cosign, 'verify', ...identity(), `${other}/save/ours:1`);
});

interop('cosign', 'peer → sealwright', 'load: a folder that the other saved, with its signature', async (_, cosign) => {
  const { image } = await signedIndex('save/theirs');
  await run(cosign, 'save', '--dir', 'theirs', image);
  const to = `${stack.status.registry}/save/loaded:1`;
  await sealwright('load', '--dir', 'theirs', to);
  await sealwright('verify', ...identity(), to);
  await run(cosign, 'verify', ...identity(), to);
});

interop('cosign', 'both', 'tree: with --compat cosign, the lines of the other', async (_, cosign) => {
  const { index } = await signedIndex('tree/app');
  const theirs = await run(cosign, 'tree', index);
  const { stdout } = await sealwright('tree', '--compat', 'cosign', index);
  assert.deepEqual(stdout.split('\n').sort(), theirs.split('\n').sort());
});

interop('registry', 'both', 'copy: to a registry without the referrers API and back, nothing is lost', async (t) => {
  const other = await otherRegistry(t);
  if (other === undefined) return;
  const { index, image } = await signedIndex('there/app');
  await sealwright('copy', index, `${other}/there/app:1`);
  await sealwright('verify', ...identity(), `${other}/there/app:1`);
  const back = `${stack.status.registry}/back/app`;
  await sealwright('copy', `${other}/there/app:1`, `${back}:1`);
  await sealwright('verify', ...identity(), `${back}:1`);
  await sealwright('verify', ...identity(), `${back}@${image.split('@')[1] ?? ''}`);
});

interop('skopeo', 'both', 'save and load: layouts of either are read by the other', async (_, skopeo) => {
  const { index } = await signedIndex('skopeo/app');
  const { registry } = stack.status;
  await sealwright('save', '--dir', 'for-skopeo', index);
  await run(skopeo, 'copy', '--all', '--dest-tls-verify=false', 'oci:for-skopeo:1', `docker://${registry}/skopeo/in:1`);
  await run(skopeo, 'copy', '--all', '--src-tls-verify=false', `docker://${registry}/skopeo/in:1`, 'oci:from-skopeo:1');
  await sealwright('load', '--dir', 'from-skopeo', `${registry}/skopeo/out:1`);
  // The same bytes, so what was signed is what came back; its signatures travel by copy.
  await sealwright('copy', '--only', 'sig', index, `${registry}/skopeo/out:1`);
  await sealwright('verify', ...identity(), `${registry}/skopeo/out:1`);
});

interop('crane', 'both', 'save and load: layouts of either are read by the other', async (_, crane) => {
  const { index, image } = await signedIndex('crane/app');
  const { registry } = stack.status;
  await sealwright('save', '--dir', 'for-crane', image);
  await run(crane, 'push', '--insecure', '--index', 'for-crane', `${registry}/crane/in:1`);
  await run(crane, 'validate', '--insecure', '--remote', `${registry}/crane/in:1`);
  await run(crane, 'pull', '--insecure', '--format=oci', index, 'from-crane');
  await sealwright('load', '--dir', 'from-crane', `${registry}/crane/out:1`);
  assert.equal(
    await run(crane, 'digest', '--insecure', `${registry}/crane/out:1`),
    await run(crane, 'digest', '--insecure', index),
  );
});
