import { certManagerObjects, certManagerSecrets } from './issued-certificate-objects.ts';
import { installationObjects, type InstallationObjects } from './installation-objects.ts';

/** Everything that an installation may have put into a cluster, however it was made. Names are all that counts for what is removed. */
export function removableObjects(namespace: string): InstallationObjects {
  const objects = installationObjects({
    namespace,
    image: '',
    imagePullSecrets: [],
    replicas: 0,
    namespaceSelector: {},
    scope: '',
    exempt: [],
    failurePolicy: 'Fail',
    timeoutSeconds: 0,
    callers: [],
    trustedRoot: '',
    revocationArguments: [],
    registryArguments: [],
    revocationAuthority: '',
    evidence: '',
    evidencePassword: '',
    evidenceSecret: '',
    configMaps: [],
    podTemplates: [],
    watch: 'report',
  });
  // Removed from the end: certificates before their Secrets, or cert-manager would make those again.
  const managed = [...certManagerSecrets(namespace), ...certManagerObjects(namespace, {})];
  return { ...objects, workload: [...managed, ...objects.workload] };
}
