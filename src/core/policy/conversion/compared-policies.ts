import { JsonFields } from '../../encoding/json-fields.ts';
import { validatingAsClusterImagePolicies } from './cluster-image-form/image-validating-form.ts';
import { rulesAsClusterImagePolicies } from './cluster-image-form/rule-form.ts';
import type { Converted } from './conversion-loss.ts';
import { isKyvernoPolicy, parseKyvernoPolicy, verifiesImages } from '../kyverno/cluster-policy-parser.ts';
import { isImageValidatingPolicy, parseImageValidatingPolicy } from '../kyverno/image-validating-policy-parser.ts';
import type { AdmissionPolicy } from '../judgement/admission-policy.ts';
import { parseClusterImagePolicy } from '../cluster-image/cluster-image-policy-parser.ts';
import type { ClusterImagePolicy } from '../cluster-image/cluster-image-policy.ts';
import { EXCEPTION_API_VERSION } from '../objects/image-exception.ts';
import { parseImagePolicy } from '../objects/image-policy.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';
import type { ComparedPolicy } from './policy-difference.ts';

/**
 * The policies of some texts, to be compared with others.
 *
 * @param admission the same as admission sees them: what is no `ClusterImagePolicy` or `ImagePolicy`, and cannot be said as one without a
 *   loss, is compared as a whole
 * @throws FormatError FORMAT_POLICY; LimitError
 */
export function comparedPolicies(
  texts: readonly { readonly path: string; readonly text: string }[],
  admission: readonly AdmissionPolicy[],
): readonly ComparedPolicy[] {
  const concrete = new Map(
    texts.flatMap(({ path, text }) => clusterImagePoliciesIn(text, path)).map((policy) => [policy.name, policy]),
  );
  const translated = new Map(texts.flatMap(({ path, text }) => translatedPolicies(text, path)));
  return admission.map(({ kind, name, namespace, mode, revision }) => {
    const policy = concrete.get(name) ?? translated.get(name);
    const twin = translated.get(name);
    const shown = namespace !== undefined && kind === 'ClusterImagePolicy' ? 'ImagePolicy' : kind;
    return {
      name: name.startsWith(`${shown} `) ? name : `${shown} ${name}`,
      hash: `${mode} ${revision?.hash ?? ''}`,
      ...(policy === undefined ? {} : { policy }),
      ...(twin === undefined
        ? {}
        : { twin: `${twin.namespace === undefined ? 'ClusterImagePolicy' : 'ImagePolicy'} ${twin.name}` }),
    };
  });
}

/** Nothing is fetched for them: a place that no document says is the same on both sides. */
const TRANSLATION = { logUrl: 'https://rekor.sigstore.dev', systemNamespace: 'cosign-system' };

/** Kyverno's policies of a text by their names in admission, as far as one `ClusterImagePolicy` says the same. */
function translatedPolicies(text: string, path: string): readonly (readonly [string, ClusterImagePolicy])[] {
  return parsePolicyDocuments(text, path).flatMap((document) => {
    if (isImageValidatingPolicy(document)) {
      const policy = parseImageValidatingPolicy(document);
      return named(policy.name, validatingAsClusterImagePolicies(policy, TRANSLATION));
    }
    if (!isKyvernoPolicy(document) || !verifiesImages(document)) return [];
    const [rule, another] = parseKyvernoPolicy(document);
    // Several rules are several policies, which no one name stands for.
    return rule === undefined || another !== undefined
      ? []
      : named(rule.name, rulesAsClusterImagePolicies([rule], TRANSLATION));
  });
}

function named(name: string, { documents, losses }: Converted): readonly (readonly [string, ClusterImagePolicy])[] {
  const [document, another] = documents;
  if (document === undefined || another !== undefined || losses.some(({ effect }) => effect !== 'told')) return [];
  const fields = new JsonFields(document, name, 'FORMAT_POLICY');
  const isOfNamespace = fields.optionalString('kind') === 'ImagePolicy';
  return [[name, isOfNamespace ? parseImagePolicy(fields) : parseClusterImagePolicy(fields)]];
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
