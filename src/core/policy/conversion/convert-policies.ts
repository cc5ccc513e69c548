import type { JsonFields } from '../../encoding/json-fields.ts';
import { rulesAsClusterImagePolicies } from './cluster-image-form/rule-form.ts';
import { validatingAsClusterImagePolicies } from './cluster-image-form/image-validating-form.ts';
import type { ClusterImageFormOptions } from './cluster-image-form/converted-policy.ts';
import { parseClusterImagePolicy } from '../cluster-image/cluster-image-policy-parser.ts';
import type { Converted } from './conversion-loss.ts';
import { EXCEPTION_API_VERSION } from '../objects/image-exception.ts';
import { parseImagePolicy } from '../objects/image-policy.ts';
import { isKyvernoPolicy, parseKyvernoPolicy, verifiesImages } from '../kyverno/cluster-policy-parser.ts';
import { isImageValidatingPolicy, parseImageValidatingPolicy } from '../kyverno/image-validating-policy-parser.ts';
import { kyvernoForm } from './kyverno-form.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';

/** Kyverno's `ClusterPolicy` and `Policy`, or `ClusterImagePolicy` and `ImagePolicy`. */
export type PolicyFormName = 'kyverno' | 'cip';

export interface PolicyConversion extends Converted {
  /** The policy that was converted. */
  readonly policy: string;
}

/**
 * The policies of some texts in the other form. Documents of other kinds, and policies that have the form already, are passed over.
 *
 * @param to undefined: the form that the first policy does not have
 * @throws FormatError FORMAT_POLICY for a policy that is not valid, or that Kyverno has and nothing here decides; LimitError
 */
export function convertPolicies(
  texts: readonly { readonly path: string; readonly text: string }[],
  to: PolicyFormName | undefined,
  options: ClusterImageFormOptions,
): readonly PolicyConversion[] {
  const documents = texts.flatMap(({ path, text }) => parsePolicyDocuments(text, path));
  const forms = documents.map(formOf);
  const form = to ?? (forms.find((one) => one !== undefined) === 'cip' ? 'kyverno' : 'cip');
  return documents.flatMap((document, index): readonly PolicyConversion[] => {
    if (forms[index] === undefined || forms[index] === form) return [];
    return [form === 'kyverno' ? toKyverno(document, options) : toClusterImagePolicies(document, options)];
  });
}

function formOf(document: JsonFields): PolicyFormName | undefined {
  if (isClusterForm(document) || isImagePolicy(document)) return 'cip';
  if (isImageValidatingPolicy(document)) return 'kyverno';
  return isKyvernoPolicy(document) && verifiesImages(document) ? 'kyverno' : undefined;
}

function isClusterForm(document: JsonFields): boolean {
  return document.optionalString('kind') === 'ClusterImagePolicy';
}

function isImagePolicy(document: JsonFields): boolean {
  return (
    document.optionalString('kind') === 'ImagePolicy' && document.optionalString('apiVersion') === EXCEPTION_API_VERSION
  );
}

function toKyverno(document: JsonFields, options: ClusterImageFormOptions): PolicyConversion {
  const policy = isClusterForm(document) ? parseClusterImagePolicy(document) : parseImagePolicy(document);
  return { policy: policy.name, ...kyvernoForm(policy, options) };
}

function toClusterImagePolicies(document: JsonFields, options: ClusterImageFormOptions): PolicyConversion {
  if (isImageValidatingPolicy(document)) {
    const policy = parseImageValidatingPolicy(document);
    return { policy: policy.name, ...validatingAsClusterImagePolicies(policy, options) };
  }
  const rules = parseKyvernoPolicy(document);
  const [first] = rules;
  const policy = `${first?.policyKind ?? ''} ${first?.policyName ?? ''}`;
  return { policy, ...rulesAsClusterImagePolicies(rules, options) };
}
