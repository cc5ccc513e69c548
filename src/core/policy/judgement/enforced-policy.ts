import type { AdmissionPolicy } from './admission-policy.ts';

/** The same policy as if it enforced: what a warning would become. */
export function enforcedPolicy(policy: AdmissionPolicy): AdmissionPolicy {
  const { kind, name, namespace, warnings, revision, references, interest, demands, tags } = policy;
  return {
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    mode: 'enforce',
    warnings,
    ...(revision === undefined ? {} : { revision }),
    references,
    interest,
    demands,
    tags,
    about: (object) => {
      const own = policy.about(object);
      return own === undefined ? undefined : enforcedPolicy(own);
    },
    coverage: (reference, text) => policy.coverage(reference, text),
    covers: (image, text) => policy.covers(image, text),
    judge: (image, material, context) => policy.judge(image, material, context),
  };
}
