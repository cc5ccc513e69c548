import { IMAGE_SIGNATURE_PREDICATE } from '../../core/attestation/image-signature.ts';
import type { IdentityToken } from '../../core/identity/identity-token.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference, Repository } from '../../core/image/reference.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import type { SelectedServices } from '../../core/trust/service-selection.ts';
import type { SignerPolicy } from '../../core/verify/verification-policy.ts';
import type { VerifiedSigner } from '../../core/verify/verified-bundle.ts';
import { SealwrightError } from '../../errors.ts';
import { fetchBundles } from '../../io/registry/bundle-store.ts';
import type { RegistryClient } from '../../io/registry/registry-client.ts';
import { envelopeCredentials } from './envelope-credentials.ts';
import { fetchImageSignatures, readBundles, type FoundSignatures } from '../verify/image-signatures.ts';
import type { SharedCredentials } from './shared-credentials.ts';
import { judgeSignatures, type VerifiedSignature } from '../verify/signature-judgement.ts';
import type { SigningContext } from './signing-services.ts';
import { exactIdentity, ownPolicy, signerPolicyOf } from './witnesses.ts';

/** What is about to be signed. */
export interface SignatureWanted {
  readonly registry: RegistryClient;
  readonly reference: ImageReference;
  readonly digest: Digest;
  /** Where signatures are kept, when not beside the image. */
  readonly signatureRepository?: Repository;
  readonly annotations: Readonly<Record<string, string>>;
  /** In cosign's older storage. */
  readonly isOlder: boolean;
  /** In front of its tag. */
  readonly tagPrefix?: string;
}

/** A signature that makes another one needless, with the services that it was measured by. */
export interface PresentSignature {
  readonly signature: VerifiedSignature;
  readonly services: SelectedServices;
}

/**
 * A signature of the image, stored as the new one would be, that proves all that the new one would: by exactly this key or
 * identity, with exactly these annotations, and, where a token names the commit that is built, for that commit. Nothing is
 * asked of any service. Where nobody has signed, not even the token is obtained.
 *
 * A registry that does not say what is there is no reason not to sign.
 *
 * @throws what the source of tokens throws, and what is wrong with a token or a key
 */
export async function findOwnSignature(
  { trustedRoot, now }: SigningContext,
  credentials: SharedCredentials,
  wanted: SignatureWanted,
): Promise<PresentSignature | undefined> {
  const found = await fetchSignatures(wanted);
  if (found === undefined || found.signatures.length === 0) return undefined;
  const token = await credentials.identityToken();
  const held = token === undefined ? await credentials.current() : undefined;
  const own = held === undefined || wanted.isOlder ? held : envelopeCredentials(held);
  const signer = token === undefined ? own && signerPolicyOf(own) : identityPolicy(token);
  if (signer === undefined) return undefined;
  const services = credentials.services();
  const policy = ownPolicy(signer, services, trustedRoot);
  const { verified } = judgeSignatures(found, { trustedRoot, policy, now: now() });
  const signature = verified.find(
    (candidate) =>
      isSame(candidate.annotations, wanted.annotations) &&
      isOfRevision(candidate.bundle.signer, token?.sourceRevision) &&
      isOfCertificate(candidate.bundle.signer, own?.holder?.certificate),
  );
  return signature === undefined ? undefined : { signature, services };
}

async function fetchSignatures(wanted: SignatureWanted): Promise<FoundSignatures | undefined> {
  try {
    return await (wanted.isOlder ? olderSignatures(wanted) : bundles(wanted));
  } catch (error) {
    if (error instanceof SealwrightError && error.family !== 'invariant') return undefined;
    throw error;
  }
}

/** One request where nothing refers to the image. */
async function bundles({
  registry,
  reference,
  digest,
  signatureRepository = reference,
}: SignatureWanted): Promise<FoundSignatures> {
  const predicateTypes = [IMAGE_SIGNATURE_PREDICATE];
  const fetched = await fetchBundles(registry, signatureRepository, digest, { predicateTypes });
  return { reference, digest, isTagResolved: false, predicateTypes, ...readBundles(fetched, predicateTypes) };
}

/** A payload says what the image is called, so one that was copied from elsewhere is not the one that is wanted. */
async function olderSignatures(wanted: SignatureWanted): Promise<FoundSignatures> {
  const { reference, digest } = wanted;
  const found = await fetchImageSignatures({ ...wanted, reference: reference.atDigest(digest), isKnownToExist: true });
  const signatures = found.signatures.filter(
    ({ format, bundle: { content } }) =>
      format === 'legacy' && content.kind === 'simpleSigning' && content.payload.dockerReference === reference.context,
  );
  return { ...found, signatures };
}

/** Undefined where the claims do not tell which names a certificate would have. */
function identityPolicy({ certificateNames, issuer, federatedIssuer }: IdentityToken): SignerPolicy | undefined {
  const issuers = federatedIssuer === undefined ? [issuer] : [issuer, federatedIssuer];
  const identities = certificateNames.flatMap((name) => issuers.map((each) => exactIdentity(name, each)));
  return identities.length === 0 ? undefined : { kind: 'identities', identities };
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => other[name] === one[name]);
}

/** A certificate of one's own is the same one, or another signer's. */
function isOfCertificate(signer: VerifiedSigner, own: Certificate | undefined): boolean {
  return own === undefined || (signer.kind === 'certificate' && signer.certificate.equals(own));
}

/** The same image may be built again from another commit, and policies may ask for that. */
function isOfRevision(signer: VerifiedSigner, revision: string | undefined): boolean {
  return revision === undefined || signer.kind === 'key' || signer.extensions.sourceRepositoryDigest === revision;
}
