import type { JsonObject } from '../encoding/json.ts';

/** Nobody on any node. */
export const USER = 65_532;

/** What every standard of pod security lets in (Pod Security Standards, restricted), of the pod itself. */
export const RESTRICTED_POD: JsonObject = {
  runAsNonRoot: true,
  runAsUser: USER,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** The same of a container. */
export const RESTRICTED_CONTAINER: JsonObject = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};
