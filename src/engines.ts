/**
 * The policies in Rego, CUE and CEL that attestations are held to, and the processes that evaluate them: for
 * `verifyAttestations`, which does without them where there are none.
 */
export * from './errors.ts';

export { findPolicyEngines } from './io/engines/engine-location.ts';
export { PolicyEngines, type PolicyEnginesOptions } from './io/engines/policy-engines.ts';
export {
  AttestationPolicies,
  type AttestationPolicy,
  type PolicyLanguage,
} from './workflows/verify/attestation-policies.ts';
