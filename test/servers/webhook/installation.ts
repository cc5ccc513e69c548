/** The shipped installation on a real kube-apiserver, with what a cluster without nodes lacks played by the test. */
import {
  configurationAnnotations,
  installationObjects,
  type InstallationObjects,
} from '../../../src/core/installation/installation-objects.ts';
import {
  INSTALLATION_NAME,
  namespaceSelector,
  type CertManagerChoice,
} from '../../../src/core/installation/installation-options.ts';
import { webhookConfigurations } from '../../../src/core/installation/webhook-configurations.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import type { ClusterAccess } from '../../../src/io/kubernetes/cluster-access.ts';
import { askCluster } from '../../../src/io/kubernetes/cluster-request.ts';
import { objectPath } from '../../../src/io/kubernetes/object-path.ts';
import { NAMESPACE } from './replica.ts';

const OPTIONS = {
  namespace: NAMESPACE,
  image: 'registry.example/sealwright@sha256:' + 'a'.repeat(64),
  imagePullSecrets: [],
  replicas: 2,
  namespaceSelector: namespaceSelector('opt-in', [NAMESPACE]),
  scope: '--namespaces=opt-in',
  exempt: [],
  failurePolicy: 'Fail',
  timeoutSeconds: 10,
  callers: [],
  trustedRoot: '{}',
  revocationArguments: [],
  registryArguments: [],
  revocationAuthority: '',
  evidence: '--evidence=/var/lib/sealwright/evidence.db',
  evidencePassword: '--evidence-password-file=',
  evidenceSecret: 'sealwright-evidence',
  configMaps: [],
  podTemplates: [{ group: 'argoproj.io', resource: 'rollouts', path: ['spec', 'template'] }],
};

/**
 * All objects as they are shipped, but for where the Service leads: there is no kube-proxy, so it names localhost, and the API
 * server is told the port.
 */
export function testInstallation(port: number, certManager?: CertManagerChoice): InstallationObjects {
  const options = { ...OPTIONS, ...(certManager === undefined ? {} : { certManager }) };
  const objects = installationObjects(options);
  const clients = (path: string): JsonObject => ({
    service: { namespace: NAMESPACE, name: INSTALLATION_NAME, path, port },
  });
  return {
    ...objects,
    workload: objects.workload.map((object) =>
      object['kind'] === 'Service' ? { ...object, spec: { type: 'ExternalName', externalName: 'localhost' } } : object,
    ),
    configurations: webhookConfigurations({ ...options, clients, ...configurationAnnotations(options) }),
  };
}

/** What the Deployment's controller writes when that many pods are ready. */
export async function playReplicas(cluster: ClusterAccess, ready: number): Promise<void> {
  const path = objectPath('Deployment', INSTALLATION_NAME, NAMESPACE);
  const { object } = await askCluster(cluster, { path });
  const observedGeneration = object.object('metadata').integer('generation');
  const status = {
    observedGeneration,
    replicas: ready,
    updatedReplicas: ready,
    readyReplicas: ready,
    availableReplicas: ready,
  };
  await askCluster(cluster, {
    method: 'PATCH',
    path: `${path}/status`,
    contentType: 'application/merge-patch+json',
    document: { status },
  });
}
