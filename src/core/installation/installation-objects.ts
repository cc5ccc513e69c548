import type { JsonObject } from '../encoding/json.ts';
import { EXCEPTION_DEFINITIONS } from '../policy/definitions/exception-definitions.ts';
import { POLICY_DEFINITIONS } from '../policy/definitions/policy-definitions.ts';
import { INJECTION, injectedFrom } from './issued-certificate-objects.ts';
import { configMapGrant } from './config-map-grant.ts';
import {
  EXCLUDE_LABEL,
  INSTALLATION_LABELS,
  INSTALLATION_NAME,
  type InstallationOptions,
} from './installation-options.ts';
import { WATCH_NAME, watchObjects } from './watch-objects.ts';
import { webhookAccess } from './webhook-access.ts';
import { serviceClients, webhookConfigurations } from './webhook-configurations.ts';
import { webhookWorkload } from './webhook-workload.ts';

export interface InstallationObjects {
  readonly namespace: JsonObject;
  readonly definitions: readonly JsonObject[];
  /** Account, roles, Secret, Service, Deployment and what belongs to it. */
  readonly workload: readonly JsonObject[];
  /** Last in, first out: from here on the API server asks. */
  readonly configurations: readonly JsonObject[];
}

/** Every object of an installation, in the order in which they are applied. */
export function installationObjects(options: InstallationOptions): InstallationObjects {
  return {
    namespace: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: options.namespace,
        labels: {
          ...INSTALLATION_LABELS,
          [EXCLUDE_LABEL]: 'true',
          'pod-security.kubernetes.io/enforce': 'restricted',
        },
      },
    },
    definitions: [...POLICY_DEFINITIONS, ...EXCEPTION_DEFINITIONS],
    workload: [
      ...webhookAccess(options.namespace, options.certManager === undefined, options.installedWith),
      ...options.configMaps.flatMap((configMap) => configMapGrant(configMap, accountsOf(options), options.namespace)),
      ...webhookWorkload(options),
      ...(options.watch === undefined ? [] : watchObjects(options, options.watch)),
    ],
    configurations: webhookConfigurations({
      ...options,
      clients: serviceClients(options.namespace),
      ...configurationAnnotations(options),
    }),
  };
}

/** Who decides by policies. */
function accountsOf({ watch }: InstallationOptions): readonly string[] {
  return watch === undefined ? [INSTALLATION_NAME] : [INSTALLATION_NAME, WATCH_NAME];
}

/** By which cert-manager knows where to write the authority that API servers are to believe. */
export function configurationAnnotations({
  namespace,
  certManager,
}: Pick<InstallationOptions, 'namespace' | 'certManager'>): { readonly annotations?: JsonObject } {
  return certManager === undefined ? {} : { annotations: { [INJECTION]: injectedFrom(namespace) } };
}
