/** The signing half of the library. A signer verifies what it made before it lets go of it. */
export * from './errors.ts';

export { signImage, signImageRecursively, type SignImageRequest } from './workflows/sign/sign-image.ts';
export { signImages, type ImageOutcome, type SignImagesRequest } from './workflows/sign/sign-images.ts';
export type { SignedImage } from './workflows/sign/signed-image.ts';
export { signBlob, type SignBlobRequest, type SignedBlob } from './workflows/sign/sign-blob.ts';
export { attestImage, type AttestedImage, type AttestImageRequest } from './workflows/sign/attest-image.ts';
export { attestImages, type AttestationOutcome, type AttestImagesRequest } from './workflows/sign/attest-images.ts';
export { attestBlob, type AttestBlobRequest, type AttestedBlob } from './workflows/sign/attest-blob.ts';
export type { AttestationContent } from './workflows/sign/attested-statement.ts';
export {
  generateKeyPair,
  type GenerateKeyPairRequest,
  type GeneratedKeyPair,
} from './workflows/sign/generate-key-pair.ts';
export type { OwnCertificate, SignerInput, SigningContext } from './workflows/sign/signing-services.ts';
export type { BlobStream } from './workflows/verify/blob-reader.ts';

export { IMAGE_SIGNATURE_PREDICATE } from './core/attestation/image-signature.ts';
export { PrivateKey } from './core/crypto/private-key.ts';
export { Certificate } from './core/pki/certificate.ts';
export { PublicKey } from './core/crypto/public-key.ts';
export { ImageReference, parseReference, parseRepository, type Repository } from './core/image/reference.ts';
export { parseSigningConfig, type SigningConfig } from './core/trust/signing-config.ts';
export { parseTrustedRoot, type TrustedRoot } from './core/trust/trusted-root.ts';

export { fixedCredentials, type Credentials, type CredentialStore } from './io/registry/credentials.ts';
export { HttpClient, type HttpClientOptions } from './io/net/http-client.ts';
export { RegistryClient, type RegistryClientOptions } from './io/registry/registry-client.ts';
