import { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { PolicySource } from './policy-source.ts';

/** The policies of a source with those of namespaces beside them; one set for as long as neither changes. */
export function withNamespacePolicies(
  source: PolicySource,
  ofNamespaces: () => readonly AdmissionPolicy[],
): PolicySource {
  let known: { readonly set: PolicySet; readonly of: PolicySet; readonly more: readonly AdmissionPolicy[] } | undefined;
  return {
    ...source,
    current: () => {
      const [of, more] = [source.current(), ofNamespaces()];
      if (known?.of !== of || known.more !== more) {
        known = { of, more, set: more.length === 0 ? of : new PolicySet([...of.policies, ...more], of.references) };
      }
      return known.set;
    },
  };
}
