/** The signing half of the library. A signer verifies what it made before it lets go of it. */
export * from './errors.ts';

export { signImage, signImageRecursively, type SignImageRequest } from './workflows/sign-image.ts';
export { signImages, type ImageOutcome, type SignImagesRequest } from './workflows/sign-images.ts';
export type { SignedImage } from './workflows/signed-image.ts';
export { signBlob, type SignBlobRequest, type SignedBlob } from './workflows/sign-blob.ts';
export { attestImage, type AttestedImage, type AttestImageRequest } from './workflows/attest-image.ts';
export { attestImages, type AttestationOutcome, type AttestImagesRequest } from './workflows/attest-images.ts';
export { attestBlob, type AttestBlobRequest, type AttestedBlob } from './workflows/attest-blob.ts';
export type { AttestationContent } from './workflows/attested-statement.ts';
export { generateKeyPair, type GenerateKeyPairRequest, type GeneratedKeyPair } from './workflows/generate-key-pair.ts';
export type { OwnCertificate, SignerInput, SigningContext } from './workflows/signing-services.ts';
export type { BlobStream } from './workflows/blob-reader.ts';

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
