/** The rules of the library alone: ClusterImagePolicy documents, and what they decide about an image. No file, no network. */
export * from './errors.ts';

export {
  parseClusterImagePolicies,
  parseClusterImagePolicy,
  type PolicyParserOptions,
} from './core/policy/cluster-image/cluster-image-policy-parser.ts';
export {
  renderClusterImagePolicy,
  type RenderedSigner,
} from './core/policy/cluster-image/cluster-image-policy-render.ts';
export type { Authority, ClusterImagePolicy } from './core/policy/cluster-image/cluster-image-policy.ts';
export { decideImage, type ImageDecision, type NoMatchAction } from './core/policy/judgement/image-decision.ts';
export type { EvidenceFor, ImageEvidence, PinnedImage } from './core/policy/judgement/image-evidence.ts';
export type { AdmissionPolicy } from './core/policy/judgement/admission-policy.ts';
export type { EvidenceDemand, VerificationDemand } from './core/policy/judgement/evidence-demand.ts';
export { clusterImageAdmission } from './core/policy/judgement/cluster-image-admission.ts';
export { PolicySet } from './core/policy/judgement/policy-set.ts';
