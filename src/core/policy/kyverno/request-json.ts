import type { JsonObject } from '../../encoding/json.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';

/** The request as policies see it, as far as it is known. */
export function requestJson({ group, version, resource, namespace, request }: ReviewedObject): JsonObject {
  if (request === undefined) return { namespace: namespace ?? '', operation: 'CREATE' };
  const { operation, kind, subResource, name, user, groups } = request;
  return {
    kind: { group, version, kind },
    resource: { group, version, resource },
    subResource,
    name,
    namespace: namespace ?? '',
    operation,
    userInfo: { username: user, groups: [...groups] },
  };
}
