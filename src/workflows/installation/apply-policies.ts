import { JsonFields } from '../../core/encoding/json-fields.ts';
import type { JsonValue } from '../../core/encoding/json.ts';
import type { PolicyDocument } from '../../core/policy/learning/learned-policy-form.ts';
import { UsageError } from '../../errors.ts';
import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import { fetchClusterObject } from '../../io/kubernetes/cluster-object.ts';
import { askCluster } from '../../io/kubernetes/cluster-request.ts';

/** Who the API server says has set the fields. */
const MAX_RULES = 1000;
const FIELD_MANAGER = 'sealwright-policy-learn';
const RESOURCES = {
  ClusterImagePolicy: 'clusterimagepolicies',
  ImagePolicy: 'imagepolicies',
  ClusterPolicy: 'clusterpolicies',
} as const;

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

function refuseToLoosen(document: PolicyDocument, existing: JsonFields | undefined): void {
  const { name } = document.metadata;
  if (existing === undefined || modeOf(document.kind, documentFields(document)) !== 'warn') return;
  const mode = modeOf(document.kind, existing);
  if (mode === 'warn') return;
  throw new UsageError('USAGE_WOULD_OVERWRITE', `a policy called ${name} is enforced in the cluster`, {
    found: `mode ${mode}`,
    expected: 'none of that name, or one that only warns: a proposal must not loosen what is enforced',
    fix: 'add --mode enforce, or remove that policy first',
  });
}

/** Of Kyverno's rules none enforces in a policy that only audits. */
function modeOf(kind: PolicyDocument['kind'], fields: JsonFields): string {
  const spec = fields.optionalObject('spec');
  if (kind !== 'ClusterPolicy') return spec?.optionalString('mode') ?? 'enforce';
  const ofPolicy = spec?.optionalString('validationFailureAction') ?? 'Audit';
  const entries = (spec?.objects('rules', MAX_RULES) ?? []).flatMap((rule) => rule.objects('verifyImages', MAX_RULES));
  const actions = [ofPolicy, ...entries.map((entry) => entry.optionalString('failureAction') ?? ofPolicy)];
  return actions.some((action) => action.toLowerCase() === 'enforce') ? 'enforce' : 'warn';
}

function documentFields(document: PolicyDocument): JsonFields {
  return new JsonFields(document as unknown as JsonValue, document.kind, 'FORMAT_POLICY');
}

function pathOf({ apiVersion, kind, metadata: { name, namespace } }: PolicyDocument): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${apiVersion}${scope}/${RESOURCES[kind]}/${encodeURIComponent(name)}`;
}
