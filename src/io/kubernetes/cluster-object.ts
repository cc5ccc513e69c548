import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { RemoteError } from '../../errors.ts';
import type { ClusterAccess } from './cluster-access.ts';

/** etcd stores at most about 1.5 MiB for each. */
const MAX_OBJECT_BYTES = 4 << 20;
const PEER = "the cluster's API server";

/**
 * One object of a cluster, undefined when there is none.
 *
 * @param path such as `/api/v1/namespaces/shop/serviceaccounts/default`; its parts encoded
 * @throws RemoteError REMOTE_STATUS when it may not be read, REMOTE_* when the API server cannot be asked, REMOTE_BODY
 */
export async function fetchClusterObject(access: ClusterAccess, path: string): Promise<JsonFields | undefined> {
  const bearer = await access.authorization();
  const { status, body } = await access.http.request({
    url: `${access.server}${path}`,
    headers: { accept: 'application/json', ...(bearer === undefined ? {} : { authorization: bearer }) },
    maxBytes: MAX_OBJECT_BYTES,
    expect: [200, 404],
    redirects: 'refuse',
    peer: PEER,
  });
  if (status === 404) return undefined;
  try {
    return new JsonFields(
      parseJson(body, 'the object', 'FORMAT_JSON', { maxBytes: MAX_OBJECT_BYTES, maxDepth: 100 }),
      'object',
      'FORMAT_JSON',
    );
  } catch (cause) {
    throw new RemoteError('REMOTE_BODY', `${PEER} sent an object that cannot be read`, { cause });
  }
}

/** The path of a namespaced object of the core group. */
export function corePath(namespace: string, resource: string, name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`;
}
