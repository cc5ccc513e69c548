/**
 * The installation whose certificate cert-manager renews, on a real kube-apiserver under cert-manager's own definitions. cert-manager
 * itself is played: what it writes into Secrets and configurations, and the kubelet that shows a Secret to pods some time later.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ISSUED_SECRET } from '../../../src/core/installation/issued-certificate-objects.ts';
import { removableObjects } from '../../../src/core/installation/removable-objects.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { randomBytes } from '../../../src/core/crypto/random.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import type { Certificate } from '../../../src/core/pki/certificate.ts';
import { issueServerAuthority, issueServerCertificate } from '../../../src/core/pki/server-certificate.ts';
import { openKubeconfigAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { openCertificateFiles, type CertificateFiles } from '../../../src/servers/webhook/certificate-files.ts';
import { installWebhook } from '../../../src/workflows/installation/install-webhook.ts';
import { uninstallWebhook } from '../../../src/workflows/installation/uninstall-webhook.ts';
import { webhookStatus } from '../../../src/workflows/installation/webhook-status.ts';
import { interop } from '../../support/interop.ts';
import { KubeCluster } from '../../support/kube-cluster.ts';
import { peer } from '../../support/peers.ts';
import { CLIENTS, dryRunPod, Load, OTHER_IMAGE, ROUNDS } from './admission-load.ts';
import { playReplicas, testInstallation } from './installation.ts';
import { NAMESPACE, ServicePort, serveReplica, type ServingReplica } from './replica.ts';
import { World } from './world.ts';

const DAY_MS = 86_400_000;
const CONFIGURATIONS = ['mutatingwebhookconfiguration', 'validatingwebhookconfiguration'] as const;

interface Authority {
  readonly key: PrivateKey;
  readonly certificate: Certificate;
}

/** What cert-manager writes into a Secret. */
interface Issued {
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
  readonly 'ca.crt': string;
}

const validity = (days: number): { notBefore: Date; notAfter: Date } => {
  const start = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS) };
};

/** With the key of before: what `rotationPolicy: Never` asks for. */
function makeAuthority(key = PrivateKey.generate('ecdsa-p256')): Authority {
  const certificate = issueServerAuthority(key, {
    commonName: 'sealwright-webhook-ca',
    random: randomBytes(20),
    ...validity(1800),
  });
  return { key, certificate };
}

function issue(authority: Authority, name: string): Issued {
  const key = PrivateKey.generate('ecdsa-p256');
  const names = [{ kind: 'dns', value: name }] as const;
  const leaf = issueServerCertificate(
    { publicKey: key.publicKey, names, random: randomBytes(20), ...validity(90) },
    authority,
  );
  return {
    'tls.crt': leaf.toPem(),
    'tls.key': encodePem('PRIVATE KEY', key.toPkcs8()),
    'ca.crt': authority.certificate.toPem(),
  };
}

/** A Secret as a kubelet shows it: every file a link into a folder that is exchanged at once. */
class Mount {
  readonly folder: string;
  #count = 0;

  constructor(t: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), 'sealwright-mount-'));
    t.after(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  show(issued: Issued): void {
    const version = `..${++this.#count}`;
    mkdirSync(join(this.folder, version));
    for (const [name, text] of Object.entries(issued)) {
      writeFileSync(join(this.folder, version, name), String(text), { mode: 0o640 });
      if (this.#count === 1) symlinkSync(`..data/${name}`, join(this.folder, name));
    }
    symlinkSync(version, join(this.folder, '..data_tmp'));
    renameSync(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
  }
}

/** cert-manager's controller and cainjector, as far as an installation sees them. */
class PlayedCertManager {
  readonly #cluster: KubeCluster;
  authority = makeAuthority();

  constructor(cluster: KubeCluster) {
    this.#cluster = cluster;
  }

  /** Issues what the Certificate asks for, and writes the Secret. */
  async issueSecret(): Promise<Issued> {
    const text = await this.#cluster.must(['get', 'certificate', 'sealwright-webhook', '-n', NAMESPACE, '-o', 'json']);
    const { spec } = JSON.parse(text) as { spec: { secretName: string; dnsNames: string[] } };
    assert.deepEqual([spec.secretName, spec.dnsNames.length], [ISSUED_SECRET, 1]);
    const issued = issue(this.authority, spec.dnsNames[0]!);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: spec.secretName, namespace: NAMESPACE },
      type: 'kubernetes.io/tls',
      stringData: issued,
    };
    await this.#cluster.must(['apply', '-f', '-'], JSON.stringify(secret));
    return issued;
  }

  async setReady(status: 'True' | 'False', message: string): Promise<void> {
    const lastTransitionTime = new Date().toISOString();
    const conditions = [{ type: 'Ready', status, reason: 'Played', message, lastTransitionTime }];
    await this.#cluster.must([
      ...['patch', 'certificate', 'sealwright-webhook', '-n', NAMESPACE, '--subresource=status', '--type=merge'],
      ...['-p', JSON.stringify({ status: { conditions } })],
    ]);
  }

  /** The cainjector: each webhook of a configuration that names a certificate gets that one's authority. */
  async inject(authority: string): Promise<void> {
    for (const kind of CONFIGURATIONS) {
      const object = JSON.parse(await this.#cluster.must(['get', kind, 'sealwright', '-o', 'json'])) as {
        metadata: { annotations: Record<string, string> };
        webhooks: object[];
      };
      assert.equal(object.metadata.annotations['cert-manager.io/inject-ca-from'], `${NAMESPACE}/sealwright-webhook`);
      const value = Buffer.from(authority).toString('base64');
      const patch = object.webhooks.map((_, index) => ({
        op: 'add',
        path: `/webhooks/${index}/clientConfig/caBundle`,
        value,
      }));
      await this.#cluster.must(['patch', kind, 'sealwright', '--type=json', '-p', JSON.stringify(patch)]);
    }
  }
}

interface MountedReplica extends ServingReplica {
  readonly mount: Mount;
  readonly files: CertificateFiles;
}

async function startMounted(t: TestContext, world: World, issued: Issued): Promise<MountedReplica> {
  const mount = new Mount(t);
  mount.show(issued);
  const path = (name: string): string => join(mount.folder, name);
  const files = await openCertificateFiles({ certificate: path('tls.crt'), key: path('tls.key'), rereadMs: 10 });
  return { ...(await serveReplica(t, { world, certificate: files })), mount, files };
}

interop(
  'kube-apiserver',
  'both',
  'cert-manager renews the certificate and the authority under load without one failed request',
  async (t) => {
    const definitions = peer(t, 'cert-manager-crds');
    if (definitions === undefined) return;
    const cluster = await KubeCluster.start(t);
    if (cluster === undefined) return;
    const access = await openKubeconfigAccess(cluster.kubeconfig);
    t.after(() => {
      access.http.close();
    });
    const world = await World.open(t);
    const service = await ServicePort.open(t);
    const objects = testInstallation(service.port, {});
    await cluster.create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'policy.sigstore.dev/include': 'true' } },
    });
    const manager = new PlayedCertManager(cluster);
    const replicas: MountedReplica[] = [];
    const install = (): Promise<void> =>
      installWebhook({
        cluster: access,
        objects,
        namespace: NAMESPACE,
        waitMs: 600_000,
        report: () => undefined,
        sleep: async () => {
          const { exitCode } = await cluster.kubectl(['get', 'deployment', 'sealwright-webhook', '-n', NAMESPACE]);
          if (exitCode !== 0) return;
          if (replicas.length === 0) {
            const issued = await manager.issueSecret();
            replicas.push(await startMounted(t, world, issued), await startMounted(t, world, issued));
            service.route(...replicas);
          }
          await playReplicas(access, 2);
        },
      });

    // Without cert-manager nothing is begun.
    await assert.rejects(install(), { code: 'NOT_FOUND' });
    assert.equal((await cluster.kubectl(['get', 'namespace', NAMESPACE])).exitCode, 1);

    // Its definitions know every member of our objects: they are applied with strict validation.
    await cluster.must(['create', '-f', definitions]);
    for (const name of ['certificates', 'issuers']) {
      await cluster.must(['wait', '--for=condition=Established', `crd/${name}.cert-manager.io`]);
    }
    await install();
    await cluster.eventually('the webhook is asked', async () =>
      (await dryRunPod(access, 'probe', OTHER_IMAGE)).includes('POLICY_NO_MATCH'),
    );
    const status = async (): Promise<readonly string[]> => {
      const { problems, certificates } = await webhookStatus(access, NAMESPACE, new Date());
      assert.equal(certificates, 'cert-manager');
      return problems.map(({ text }) => text);
    };
    const notReady = 'the Certificate cosign-system/sealwright-webhook is not ready:';
    assert.deepEqual(await status(), [`${notReady} cert-manager has not looked at it`]);
    await manager.setReady('False', 'the issuer is gone');
    assert.deepEqual(await status(), [`${notReady} the issuer is gone`]);
    await manager.setReady('True', 'issued');
    assert.deepEqual(await status(), []);

    const load = new Load(access);
    const answers = CLIENTS * ROUNDS;
    await load.sees(answers);
    const certificates = (): readonly string[] => replicas.map(({ files }) => files.current().certificate);
    const shows = async (index: number, issued: Issued): Promise<void> => {
      replicas[index]!.mount.show(issued);
      while (certificates()[index] !== issued['tls.crt']) await new Promise((resolve) => setImmediate(resolve));
    };
    // A new certificate, which one pod sees before the other.
    const second = await manager.issueSecret();
    await manager.inject(second['ca.crt']);
    await load.sees(answers);
    const { connections } = service;
    await shows(0, second);
    await load.sees(answers);
    await shows(1, second);
    await load.sees(answers);
    assert.ok(service.connections > connections + 4, 'no new connection, and so no handshake, was made');
    // A new authority, told to the API server while both pods still serve what the one before has signed.
    manager.authority = makeAuthority(manager.authority.key);
    const third = await manager.issueSecret();
    assert.notEqual(third['ca.crt'], second['ca.crt']);
    await manager.inject(third['ca.crt']);
    await load.sees(2 * answers);
    await shows(1, third);
    await load.sees(answers);
    await shows(0, third);
    await load.sees(answers);
    await load.end();
    assert.deepEqual(load.failures, []);
    // An authority with another key is not believed: this is what would have been seen.
    const stranger = makeAuthority();
    await manager.inject(stranger.certificate.toPem());
    await cluster.eventually('another authority is not believed', async () =>
      /failed calling webhook.*x509/s.test(await dryRunPod(access, 'probe', OTHER_IMAGE)),
    );
    await manager.inject(third['ca.crt']);

    // Installed again: the authority stays the one that cert-manager has written.
    await install();
    assert.deepEqual(await status(), []);
    await cluster.must(['delete', 'certificate', 'sealwright-webhook', '-n', NAMESPACE]);
    assert.deepEqual(await status(), [
      'there is no Certificate cosign-system/sealwright-webhook: cert-manager was removed, or renews nothing',
    ]);
    const removed: string[] = [];
    await uninstallWebhook({
      cluster: access,
      objects: removableObjects(NAMESPACE),
      purge: false,
      report: (object) => removed.push(object),
    });
    for (const expected of [
      `Issuer ${NAMESPACE}/sealwright-webhook-ca`,
      `Certificate ${NAMESPACE}/sealwright-webhook-ca`,
      `Secret ${NAMESPACE}/${ISSUED_SECRET}`,
    ]) {
      assert.ok(removed.includes(expected), expected);
    }
  },
);
