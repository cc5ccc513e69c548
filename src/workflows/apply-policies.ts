import type { JsonFields } from '../core/encoding/json-fields.ts';
import type { JsonValue } from '../core/encoding/json.ts';
import type { PolicyDocument } from '../core/policy/learned-policy-form.ts';
import { UsageError } from '../errors.ts';
import type { ClusterAccess } from '../io/kubernetes/cluster-access.ts';
import { fetchClusterObject } from '../io/kubernetes/cluster-object.ts';
import { askCluster } from '../io/kubernetes/cluster-request.ts';

/** Who the API server says has set the fields. */
const FIELD_MANAGER = 'sealwright-policy-learn';
const RESOURCES = { ClusterImagePolicy: 'clusterimagepolicies', ImagePolicy: 'imagepolicies' } as const;

/**
 * Puts policies into a cluster by server-side apply: fields that somebody else has set otherwise are a conflict, and stay. All of
 * them are looked at first, so that nothing is applied when one of them may not be.
 *
 * @throws UsageError USAGE_WOULD_OVERWRITE where a policy of that name is enforced and a warning one would take its place;
 *   RemoteError REMOTE_STATUS with the API server's words
 */
export async function applyPolicies(cluster: ClusterAccess, documents: readonly PolicyDocument[]): Promise<void> {
  for (const document of documents) refuseToLoosen(document, await fetchClusterObject(cluster, pathOf(document)));
  for (const document of documents) {
    await askCluster(cluster, {
      method: 'PATCH',
      path: `${pathOf(document)}?fieldManager=${FIELD_MANAGER}`,
      contentType: 'application/apply-patch+yaml',
      document: document as unknown as JsonValue,
    });
  }
}

function refuseToLoosen({ metadata: { name }, spec }: PolicyDocument, existing: JsonFields | undefined): void {
  if (existing === undefined || spec.mode !== 'warn') return;
  const mode = existing.optionalObject('spec')?.optionalString('mode') ?? 'enforce';
  if (mode === 'warn') return;
  throw new UsageError('USAGE_WOULD_OVERWRITE', `a policy called ${name} is enforced in the cluster`, {
    found: `mode ${mode}`,
    expected: 'none of that name, or one that only warns: a proposal must not loosen what is enforced',
    fix: 'add --mode enforce, or remove that policy first',
  });
}

function pathOf({ apiVersion, kind, metadata: { name, namespace } }: PolicyDocument): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${apiVersion}${scope}/${RESOURCES[kind]}/${encodeURIComponent(name)}`;
}
