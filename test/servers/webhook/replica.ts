/** Replicas of the webhook as an installation runs them, here in the test's process, and a Service in front of them. */
import { createServer, connect, type Server } from 'node:net';
import type { TestContext } from 'node:test';
import {
  CERTIFICATE_SECRET,
  CONFIGURATION_NAME,
  INSTALLATION_NAME,
} from '../../../src/core/installation/installation-options.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import type { ClusterAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { listen, type Listening } from '../../../src/servers/shell/listen.ts';
import type { RotationRules } from '../../../src/servers/webhook/certificate-rotation.ts';
import {
  openRotatingCertificate,
  type RotatingCertificate,
} from '../../../src/servers/webhook/rotating-certificate.ts';
import type { PolicySource } from '../../../src/servers/webhook/policy-source.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import type { World } from './world.ts';

export const NAMESPACE = 'cosign-system';
export const SERVICE = `${INSTALLATION_NAME}.${NAMESPACE}.svc`;

export interface ServingReplica {
  readonly port: number;
  /** Ends without a word, as a node that loses power. */
  kill(): Promise<void>;
}

export interface Replica extends ServingReplica {
  readonly certificate: RotatingCertificate;
}

interface ReplicaOptions {
  readonly cluster: ClusterAccess;
  readonly world: World;
  readonly now?: () => Date;
  readonly rules?: RotationRules;
  /** From the cluster; those of this file when absent. */
  readonly policies?: PolicySource;
}

/** Images under `allowed.example` pass, all others are refused; no registry is asked. */
const POLICIES = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: allowed}
spec: {images: [{glob: "allowed.example/**"}], authorities: [{static: {action: pass}}]}
`;

/** Reads its certificate from the installation's Secret; by itself it looks there never, so that a test says when. */
export async function startReplica(
  t: TestContext,
  { cluster, world, now, rules, ...options }: ReplicaOptions,
): Promise<Replica> {
  const certificate = await openRotatingCertificate({
    cluster,
    namespace: NAMESPACE,
    secret: CERTIFICATE_SECRET,
    configuration: CONFIGURATION_NAME,
    hosts: [SERVICE],
    now: now ?? (() => new Date()),
    checkMs: 0,
    ...(rules === undefined ? {} : { rules }),
  });
  const serving = await serveReplica(t, { world, certificate, ...options });
  return { ...serving, certificate };
}

/** The same with a certificate that comes from anywhere. */
export async function serveReplica(
  t: TestContext,
  options: Pick<ReplicaOptions, 'world' | 'policies'> & {
    readonly certificate: Pick<RotatingCertificate, 'current' | 'onRenewal' | 'close'>;
  },
): Promise<ServingReplica> {
  const { world, certificate } = options;
  const fixed = PolicySet.ofClusterImages(parseClusterImagePolicies(POLICIES, 'the test'));
  const policies = options.policies ?? {
    current: () => fixed,
    ready: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const webhook = createWebhook({
    policies,
    registry: world.client,
    trustedRoot: world.instance.trustedRoot,
    policyRules: { systemNamespace: NAMESPACE },
    now: () => new Date(),
  });
  const server: Listening = await listen(webhook.routes, {
    host: '127.0.0.1',
    port: 0,
    tls: certificate.current(),
    requestsPerConnection: 5,
    direct: webhook.reviews,
  });
  certificate.onRenewal((pair) => {
    server.renew(pair);
  });
  const kill = async (): Promise<void> => {
    await server.close(0);
    await webhook.close();
    await certificate.close();
  };
  t.after(kill);
  return { port: server.port, kill };
}

/** What kube-proxy does: each new connection goes to the next replica. */
export class ServicePort {
  readonly port: number;
  /** Connections that were made. */
  connections = 0;
  readonly #backends: number[];

  private constructor(port: number, backends: number[]) {
    this.port = port;
    this.#backends = backends;
  }

  static async open(t: TestContext): Promise<ServicePort> {
    const backends: number[] = [];
    const ports: { current?: ServicePort } = {};
    const server: Server = createServer((client) => {
      const service = ports.current!;
      const target = backends[service.connections++ % backends.length];
      if (target === undefined) {
        client.destroy();
        return;
      }
      const backend = connect(target, '127.0.0.1');
      for (const [from, to] of [
        [client, backend],
        [backend, client],
      ] as const) {
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const address = server.address();
    ports.current = new ServicePort(typeof address === 'object' && address !== null ? address.port : 0, backends);
    return ports.current;
  }

  route(...replicas: readonly Pick<Replica, 'port'>[]): void {
    this.#backends.splice(0, this.#backends.length, ...replicas.map(({ port }) => port));
  }
}
