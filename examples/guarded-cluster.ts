/** How the demo's API server is told to ask a webhook at a URL: about namespaces that opt in, as an installation does by its Service. */
import type { JsonObject } from '../src/core/encoding/json.ts';
import { namespaceSelector } from '../src/core/installation/installation-options.ts';
import { webhookConfigurations } from '../src/core/installation/webhook-configurations.ts';

/** @param clients `clientConfig` for each path */
export function demoConfigurations(clients: (path: string) => JsonObject): readonly JsonObject[] {
  return webhookConfigurations({
    clients,
    namespaceSelector: namespaceSelector('opt-in', []),
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    podTemplates: [],
  });
}
