/** Where drills are held: a stack with a revocation authority of two, and its webhook at the door of one namespace of a real API server. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { EXCEPTION_DEFINITIONS } from '../../src/core/policy/definitions/exception-definitions.ts';
import { INCLUDE_LABEL } from '../../src/core/installation/installation-options.ts';
import { webhookConfigurations } from '../../src/core/installation/webhook-configurations.ts';
import type { JsonObject } from '../../src/core/encoding/json.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { checkedCommands, type CheckedCommands } from './checked-commands.ts';
import { Sandbox, SandboxStack, SEALWRIGHT } from './command-line.ts';
import type { KubeCluster } from './kube-cluster.ts';

export interface DrillSite {
  readonly namespace: string;
  readonly sandbox: Sandbox;
  readonly stack: SandboxStack;
  readonly commands: CheckedCommands;
  /** By which the webhook is told of news. */
  readonly push: readonly string[];
  /** The command line of a drill with a new canary; without `push` the webhook has to ask by itself. */
  readonly drill: (...more: readonly string[]) => readonly string[];
  /** Has the API server ask the webhook about this namespace as well. */
  readonly guard: (namespace: string) => Promise<void>;
  /** A process of ours that ends with the test. */
  readonly start: (args: readonly string[], ready: RegExp) => Promise<string>;
}

const ENVIRONMENT = { COSIGN_PASSWORD: '' };

/** Once for a cluster. */
export async function defineKinds(cluster: KubeCluster): Promise<void> {
  for (const definition of [...POLICY_DEFINITIONS, ...EXCEPTION_DEFINITIONS]) await cluster.create(definition);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
}

/** @param believes whom the webhook is told to trust; the stack's folder when absent */
export async function openDrillSite(
  t: TestContext,
  cluster: KubeCluster,
  namespace: string,
  believes: (site: Pick<DrillSite, 'sandbox' | 'stack' | 'commands'>) => Promise<readonly string[]> = ({
    stack: { dir },
  }) => Promise.resolve(['--dir', dir]),
): Promise<DrillSite> {
  const sandbox = new Sandbox();
  const stack = await SandboxStack.start(sandbox);
  const ends: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const end of ends.reverse()) await end();
    await stack.stop();
    sandbox.remove();
  });
  const commands = checkedCommands(sandbox, ENVIRONMENT);
  const { registry } = stack.status;
  const start = async (args: readonly string[], ready: RegExp): Promise<string> => {
    const child = spawn(SEALWRIGHT, args, {
      cwd: sandbox.path('.'),
      env: { PATH: process.env['PATH'], HOME: sandbox.home, ...ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    ends.push(() => end(child));
    return said(child, ready);
  };
  writeFileSync(sandbox.path('kubeconfig'), readFileSync(cluster.kubeconfig), { mode: 0o600 });
  for (const name of ['ann', 'ben', 'snapshot', 'ci']) {
    await commands.done('generate-key-pair', '--output-key-prefix', name);
  }
  const members = ['--member', 'ann=ann.pub', '--member', 'ben=ben.pub', '--snapshot-key', 'snapshot.pub'];
  await commands.done('revoke', 'init', ...members);
  await commands.done('revoke', 'publish', '--to', stack.dir, '--snapshot-key', 'snapshot.key');
  await cluster.create({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: `of-${namespace}` },
    spec: {
      images: [{ glob: `${registry}/**` }],
      authorities: [{ key: { data: readFileSync(sandbox.path('ci.pub'), 'utf8') } }],
    },
  });
  await openNamespace(cluster, namespace);
  const where = ['--kubeconfig', sandbox.path('kubeconfig'), '--port', '0', '--self-signed', 'tls'];
  const url = await start(
    ['webhook', ...(await believes({ sandbox, stack, commands })), ...where, '--namespaces', 'opt-in'],
    /webhook ready +(https:\S+)/,
  );
  const guard = async (guarded: string): Promise<void> => {
    const caBundle = readFileSync(sandbox.path('tls/ca.pem')).toString('base64');
    for (const configuration of configurationsFor(guarded, (path) => ({ url: new URL(path, url).href, caBundle }))) {
      await cluster.create(configuration);
    }
    const bare = {
      metadata: { name: 'bare', namespace: guarded },
      spec: { containers: [{ name: 'c', image: 'x.test/bare:1' }] },
    };
    const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...bare });
    await cluster.eventually('the API server asks the webhook', async () =>
      (await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], pod)).stderr.includes('POLICY_NO_MATCH'),
    );
  };
  await guard(namespace);
  const told = ['--to', stack.dir, '--dir', stack.dir, '--snapshot-key', 'snapshot.key'];
  const canary = ['--push', `${registry}/drill/canary`, '--canary-key', 'ci.key'];
  const at = ['--kubeconfig', 'kubeconfig', '--pull-secrets=false'];
  return {
    ...{ namespace, sandbox, stack, commands, guard, start },
    push: ['--notify', new URL('/revocations', url).href, '--notify-ca', 'tls/ca.pem'],
    drill: (...more) => {
      const own = more.some((text) => text.includes('@sha256:')) ? [] : canary;
      return [
        'revoke',
        'drill',
        '--key',
        'ann.key',
        '--key',
        'ben.key',
        ...told,
        ...own,
        ...at,
        '-n',
        namespace,
        ...more,
      ];
    },
  };
}

export async function openNamespace(cluster: KubeCluster, namespace: string): Promise<void> {
  const labels = { [INCLUDE_LABEL]: 'true' };
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
  // Applied: it may be there already.
  await cluster.must(['apply', '-f', '-'], JSON.stringify(object));
  await cluster.must(['create', 'serviceaccount', 'default', '-n', namespace]);
}

/** Those of an installation, about one namespace, and under a name of their own. */
function configurationsFor(namespace: string, clients: (path: string) => JsonObject): readonly JsonObject[] {
  return webhookConfigurations({
    clients,
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    podTemplates: [],
  }).map((configuration) => ({
    ...configuration,
    metadata: { ...(configuration['metadata'] as JsonObject), name: `sealwright-${namespace}` },
  }));
}

function said(child: ChildProcess, ready: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (text: Buffer): void => {
      output += text.toString();
      const found = ready.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => {
      reject(new Error(output));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
