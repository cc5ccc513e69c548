/**
 * `npm run demo:kube`: the admission part of the demo against a real kube-apiserver (tools/kube), which holds the policies
 * and asks the webhook itself: an unsigned pod is refused, a signed one is stored with its digest; then a namespace that ran
 * unguarded comes under a policy that was learnt from it, planned, warning, and enforced. Needs what
 * `tools/peers install kube-apiserver etcd kubectl` builds. Ends with exit code 0 only if every step did what it says.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DemoCluster } from './demo-cluster.ts';
import { copyWithBundle, pushDemoImage } from './demo-image.ts';
import { insist, runDemo, say, show, type DemoShell } from './demo-shell.ts';
import { DemoWebhook } from './demo-webhook.ts';
import { POLICY_DEFINITIONS } from '../src/core/policy/definitions/policy-definitions.ts';
import { INCLUDE_LABEL } from '../src/core/installation/installation-options.ts';
import { demoConfigurations } from './guarded-cluster.ts';
import { fromObservedToEnforced } from './observed-to-enforced.ts';

const WHO = 'dev@example.test';

async function main(shell: DemoShell): Promise<void> {
  say('A signing stack, an image in its registry, and a cluster: etcd and kube-apiserver, no nodes');
  await shell.sealwright(['up', '--detach', '--dir', 'stack', '--port', '0']);
  try {
    const { stdout } = await shell.sealwright(['status', '--dir', 'stack', '-o', 'json'], { shows: 'nothing' });
    const { registry, issuer } = JSON.parse(stdout) as { registry: string; issuer: string };
    const image = await pushDemoImage(registry, 'shop/app', '1');
    show(`pushed ${registry}/shop/app:1  ${image.digest}`);
    const cluster = await DemoCluster.start(join(shell.folder, 'kube'));
    try {
      await useCluster(shell, cluster, { registry, issuer, digest: image.digest });
    } finally {
      await cluster.stop();
    }
  } finally {
    say('Stop');
    await shell.sealwright(['down', '--dir', 'stack']);
  }
  say('Every step did what it says.');
}

interface Facts {
  readonly registry: string;
  readonly issuer: string;
  readonly digest: string;
}

async function useCluster(shell: DemoShell, cluster: DemoCluster, facts: Facts): Promise<void> {
  say('A policy in the cluster, and the webhook at its door, for namespaces that opt in');
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  await cluster.run(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  await cluster.run(['apply', '-f', '-'], { stdin: policyFor(facts) });
  const webhook = await DemoWebhook.start(shell, ['--dir', 'stack', '--kubeconfig', cluster.kubeconfig]);
  try {
    await cluster.run(['create', 'namespace', 'shop']);
    await cluster.run(['label', 'namespace', 'shop', `${INCLUDE_LABEL}=true`]);
    const caBundle = Buffer.from(webhook.ca).toString('base64');
    await cluster.create(...demoConfigurations((path) => ({ url: new URL(path, webhook.url).href, caBundle })));
    await deploy(shell, cluster, facts);
    await fromObservedToEnforced(shell, cluster, facts.registry);
  } finally {
    await webhook.stop();
  }
}

async function deploy(shell: DemoShell, cluster: DemoCluster, { registry, digest }: Facts): Promise<void> {
  const tag = `${registry}/shop/app:1`;
  const pod = (name: string, image: string): readonly string[] => ['run', name, '-n', 'shop', `--image=${image}`];
  const deployment = ['create', 'deployment', 'web', '-n', 'shop', `--image=${tag}`];
  await cluster.untilRefused(pod('probe', tag), 'NO_SIGNATURE');

  say('Unsigned: refused, as a pod and as a Deployment');
  await cluster.run(pod('web', tag), { refusedWith: 'NO_SIGNATURE' });
  await cluster.run(deployment, { refusedWith: 'NO_SIGNATURE' });

  say('Signed, and the policy applied that the signer prints');
  await cluster.run(['apply', '-f', '-'], { stdin: await sign(shell, tag) });

  say('Admitted, and stored with the digest that was verified');
  await cluster.run(pod('web', tag));
  await cluster.run(deployment);
  for (const [what, path] of [
    ['pod/web', '{.spec.containers[0].image}'],
    ['deployment/web', '{.spec.template.spec.containers[0].image}'],
  ] as const) {
    const stored = await cluster.run(['get', what, '-n', 'shop', '-o', `jsonpath=${path}`]);
    insist(stored === `${tag}@${digest}`, `${what} should be stored with ${digest}`);
  }

  say('Its signature copied to another image: refused for what it is');
  const other = await copyWithBundle(registry, 'shop/app', digest, 'shop/copied');
  await cluster.run(pod('copied', `${registry}/shop/copied@${other}`), { refusedWith: 'SUBJECT_MISMATCH' });

  say('What is there is not kept from being scaled and deleted');
  await cluster.run(['scale', 'deployment/web', '-n', 'shop', '--replicas=2']);
  await cluster.run(['delete', 'pod/web', '-n', 'shop', '--wait=false']);
}

/** @returns the policy in its answer */
async function sign(shell: DemoShell, image: string): Promise<string> {
  const { stdout: token } = await shell.sealwright(['dev-token', '--dir', 'stack', '--email', WHO], {
    shows: 'nothing',
    redirectedTo: 'token',
  });
  writeFileSync(join(shell.folder, 'token'), token, { mode: 0o600 });
  const command = ['sign', '--keyless', '--identity-token', 'token', image];
  const { stderr } = await shell.sealwright(command, { shows: 'stderr' });
  const [, policy] = /<<'POLICY'\n([^]*?)^POLICY$/m.exec(stderr) ?? [];
  insist(policy !== undefined, 'the signer should print a policy');
  return policy;
}

function policyFor({ registry, issuer }: Facts): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: shop-images
spec:
  images:
    - glob: "${registry}/shop/**"
  authorities:
    - keyless:
        identities:
          - issuer: ${issuer}
            subject: ${WHO}
`;
}

await runDemo(main);
