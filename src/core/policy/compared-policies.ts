import type { AdmissionPolicy } from './admission-policy.ts';
import { parseClusterImagePolicy } from './cluster-image-policy-parser.ts';
import type { ClusterImagePolicy } from './cluster-image-policy.ts';
import { EXCEPTION_API_VERSION } from './image-exception.ts';
import { parseImagePolicy } from './image-policy.ts';
import { parsePolicyDocuments } from './policy-document.ts';
import type { ComparedPolicy } from './policy-difference.ts';

/**
 * The policies of some texts, to be compared with others.
 *
 * @param admission the same as admission sees them: what is no `ClusterImagePolicy` or `ImagePolicy` is compared as a whole
 * @throws FormatError FORMAT_POLICY; LimitError
 */
export function comparedPolicies(
  texts: readonly { readonly path: string; readonly text: string }[],
  admission: readonly AdmissionPolicy[],
): readonly ComparedPolicy[] {
  const concrete = new Map(
    texts.flatMap(({ path, text }) => clusterImagePoliciesIn(text, path)).map((policy) => [policy.name, policy]),
  );
  return admission.map(({ kind, name, namespace, mode, revision }) => {
    const policy = concrete.get(name);
    const shown = namespace !== undefined && kind === 'ClusterImagePolicy' ? 'ImagePolicy' : kind;
    return {
      name: name.startsWith(`${shown} `) ? name : `${shown} ${name}`,
      hash: `${mode} ${revision?.hash ?? ''}`,
      ...(policy === undefined ? {} : { policy }),
    };
  });
}

/**
 * The `ClusterImagePolicy` and `ImagePolicy` documents of a text; others are passed over.
 *
 * @throws FormatError FORMAT_POLICY; LimitError
 */
export function clusterImagePoliciesIn(text: string, path: string): readonly ClusterImagePolicy[] {
  return parsePolicyDocuments(text, path).flatMap((document) => {
    const kind = document.optionalString('kind');
    if (kind === 'ClusterImagePolicy') return [parseClusterImagePolicy(document)];
    return kind === 'ImagePolicy' && document.optionalString('apiVersion') === EXCEPTION_API_VERSION
      ? [parseImagePolicy(document)]
      : [];
  });
}
