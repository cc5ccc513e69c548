/**
 * policy-controller's own webhook, as its manifests install it, beside ours at the same API server. It listens on every address of the
 * machine and on fixed ports, so the bench runs in a network of its own (`bench/own-network.ts`).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { KubeCluster } from '../test/support/kube-cluster.ts';

const PORT = 8443;
/** Nothing routes Services here: the API server is sent to this machine, and still checks the certificate for the Service's name. */
const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'webhook', namespace: 'cosign-system' },
  spec: { type: 'ExternalName', externalName: 'localhost' },
};

/** @param executable with its manifests beside it, `policy-controller.yaml` */
export async function startPolicyController(executable: string, cluster: KubeCluster): Promise<ChildProcess> {
  const manifests = readFileSync(`${executable}.yaml`, 'utf8')
    .split(/^---$/m)
    .filter((text) => /^kind: /m.test(text) && !/^kind: (Service|Deployment)$/m.test(text))
    .map((text) =>
      text.replaceAll(/( +)service:\n +name: webhook\n +namespace: cosign-system/g, `$&\n$1  port: ${PORT}`),
    );
  await cluster.must(['create', '-f', '-'], manifests.join('\n---\n'));
  await cluster.create(SERVICE);
  return spawn(executable, ['--disable-tuf'], {
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: cluster.kubeconfig,
      SYSTEM_NAMESPACE: 'cosign-system',
      CONFIG_LOGGING_NAME: 'config-logging',
      CONFIG_OBSERVABILITY_NAME: 'config-observability',
      METRICS_DOMAIN: 'sigstore.dev/policy',
      WEBHOOK_NAME: 'webhook',
    },
    stdio: 'ignore',
  });
}
