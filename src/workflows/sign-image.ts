import { preAuthEncoding } from '../core/attestation/dsse.ts';
import { IMAGE_SIGNATURE_PREDICATE, imageSignatureStatement } from '../core/attestation/image-signature.ts';
import { encodeStatement, IN_TOTO_PAYLOAD_TYPE } from '../core/attestation/statement.ts';
import { digest as hash } from '../core/crypto/digest.ts';
import { hashOf } from '../core/crypto/signature.ts';
import type { Descriptor } from '../core/image/descriptor.ts';
import type { Digest } from '../core/image/digest.ts';
import type { ImageReference, Repository } from '../core/image/reference.ts';
import type { VerifiedBundle, VerifiedSigner } from '../core/verify/verified-bundle.ts';
import { pushBundle } from '../io/registry/bundle-store.ts';
import type { RegistryClient } from '../io/registry/registry-client.ts';
import { assembleBundle, type FreshSignature } from './bundle-assembly.ts';
import { obtainCredentials, type SigningCredentials } from './signing-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';

export interface SignImageRequest extends SigningContext {
  /** With leave to push. */
  readonly registry: RegistryClient;
  readonly reference: ImageReference;
  readonly signer: SignerInput;
  /** Noted beside the digest (`-a`). */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where signatures are kept, when not beside the image (`COSIGN_REPOSITORY`). */
  readonly signatureRepository?: Repository;
  /** `--upload=false`: the registry stays as it is. */
  readonly upload?: boolean;
}

export interface SignedImage {
  readonly reference: ImageReference;
  /** What was signed. */
  readonly digest: Digest;
  /** The reference named a tag, which may mean another image by now. */
  readonly isTagResolved: boolean;
  readonly bundleJson: string;
  readonly bundle: VerifiedBundle;
  readonly signer: VerifiedSigner;
  /** Of the first log; undefined when none was used. */
  readonly logIndex: bigint | undefined;
  /** The first trusted time; undefined when nobody told one. */
  readonly timestamp: Date | undefined;
  /** The services that were used: what a policy for this signature names. */
  readonly caUrl: string | undefined;
  readonly logUrl: string | undefined;
  /** The manifest that carries the signature; undefined when it was not pushed. */
  readonly referrer: Descriptor | undefined;
}

/**
 * Signs an image as cosign 3 does: a statement about its digest in a bundle that refers to it. Nothing is written to the
 * registry before the finished bundle has been verified; an attempt that fails leaves the image as it was.
 *
 * @throws NotFoundError TAG_NOT_FOUND or NOT_FOUND; UsageError USAGE_BAD_CONFIG; AuthError (token or registry); RemoteError;
 *   VerificationError, FormatError for answers of services that are not what they should be
 */
export async function signImage(request: SignImageRequest): Promise<SignedImage> {
  const subject = await request.registry.resolve(request.reference);
  const credentials = await obtainCredentials(request, request.signer);
  return signManifest(request, credentials, subject);
}

/** Signs one manifest with credentials that exist. */
export async function signManifest(
  request: SignImageRequest,
  credentials: SigningCredentials,
  subject: Descriptor,
): Promise<SignedImage> {
  const { reference, registry } = request;
  const fresh = signStatement(credentials, subject.digest, request.annotations);
  const { json, verified } = await assembleBundle(request, credentials, fresh);
  const referrer =
    request.upload === false
      ? undefined
      : await pushBundle(registry, request.signatureRepository ?? reference, subject, json, {
          predicateType: IMAGE_SIGNATURE_PREDICATE,
          createdAt: request.now(),
        });
  return {
    reference,
    digest: subject.digest,
    isTagResolved: reference.digest === undefined,
    bundleJson: json,
    bundle: verified,
    signer: verified.signer,
    logIndex: verified.logEntries[0]?.logIndex,
    timestamp: verified.times[0]?.time,
    caUrl: credentials.holder === undefined ? undefined : credentials.services.ca?.url,
    logUrl: credentials.services.logs[0]?.url,
    referrer,
  };
}

function signStatement(
  { key, scheme }: SigningCredentials,
  digest: Digest,
  annotations: Readonly<Record<string, string>> | undefined,
): FreshSignature {
  const payload = encodeStatement(imageSignatureStatement(digest, annotations));
  const message = preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload);
  const signature = key.sign(message, scheme);
  const algorithm = hashOf(scheme);
  return {
    content: {
      kind: 'dsse',
      envelope: { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, signatures: [{ signature, keyId: '' }] },
    },
    signature,
    signedDigest: algorithm === undefined ? undefined : { algorithm, digest: hash(algorithm, message) },
    artifact: { kind: 'digest', algorithm: digest.algorithm, digest: digest.bytes },
  };
}
