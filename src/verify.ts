/** The verifying half of the library: nothing that signs is loaded. */
export * from './errors.ts';

export { verifyImage, type VerifiedImage, type VerifyImageRequest } from './workflows/verify/verify-image.ts';
export { verifyBlob, type VerifyBlobRequest } from './workflows/verify/verify-blob.ts';
export {
  fetchImageSignatures,
  type FoundSignature,
  type FoundSignatures,
  type ImageSignaturesRequest,
} from './workflows/verify/image-signatures.ts';
export {
  judgeSignatures,
  type JudgementRequest,
  type RefusedSignature,
  type SignatureJudgement,
  type VerifiedSignature,
} from './workflows/verify/signature-judgement.ts';
export {
  verifyAttestations,
  type DeniedAttestation,
  type VerifiedAttestation,
  type VerifiedAttestations,
  type VerifyAttestationsRequest,
} from './workflows/verify/verify-attestations.ts';
export {
  verifyBlobAttestation,
  type VerifyBlobAttestationRequest,
} from './workflows/verify/verify-blob-attestation.ts';
export {
  downloadAttestations,
  type DownloadAttestationsRequest,
  type DownloadedAttestations,
} from './workflows/carry/download-attestations.ts';
export { refusalOf } from './workflows/verify/refusal.ts';
export {
  signaturePolicy,
  type SignaturePolicy,
  type VerificationSwitches,
} from './workflows/verify/signature-policy.ts';
export type { BlobStream } from './workflows/verify/blob-reader.ts';

export type { Statement, StatementSubject } from './core/attestation/statement.ts';
export { parseBundle, type UnverifiedBundle } from './core/bundle/bundle.ts';
export { PublicKey } from './core/crypto/public-key.ts';
export type { IdentityMatcher, StringMatcher } from './core/identity/identity-pattern.ts';
export { Digest } from './core/image/digest.ts';
export { ImageReference, parseReference, parseRepository, type Repository } from './core/image/reference.ts';
export { parseTrustedRoot, type TrustedRoot } from './core/trust/trusted-root.ts';
export type { Artifact } from './core/verify/artifact.ts';
export type { Concessions, SignerPolicy, Thresholds } from './core/verify/verification-policy.ts';
export {
  VerifiedBundle,
  type VerificationCheck,
  type VerifiedLogEntry,
  type VerifiedSigner,
} from './core/verify/verified-bundle.ts';
export type { VerifiedTime } from './core/verify/trusted-times.ts';
export { verifyBundle, type VerificationRequest } from './core/verify/verify-bundle.ts';

export { fixedCredentials, type Credentials, type CredentialStore } from './io/registry/credentials.ts';
export { HttpClient, type HttpClientOptions } from './io/net/http-client.ts';
export { RegistryClient, type RegistryClientOptions } from './io/registry/registry-client.ts';
