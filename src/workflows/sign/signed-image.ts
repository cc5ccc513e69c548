import type { Descriptor } from '../../core/image/descriptor.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import type { SelectedServices } from '../../core/trust/service-selection.ts';
import type { VerifiedBundle, VerifiedSigner } from '../../core/verify/verified-bundle.ts';
import type { SignedLayer } from './layer-assembly.ts';
import type { PresentSignature } from './own-signature.ts';
import type { SigningCredentials } from './signing-credentials.ts';

/** What became of an image that was to be signed. */
export interface SignedImage {
  readonly reference: ImageReference;
  /** What was signed. */
  readonly digest: Digest;
  /** False where the signature was there already, and nothing was done (`skipIfSigned`). */
  readonly isNew: boolean;
  /** The reference named a tag, which may mean another image by now. */
  readonly isTagResolved: boolean;
  /** Undefined in cosign's older storage, which has layers. */
  readonly bundleJson: string | undefined;
  /** In cosign's older storage, one for each name of the image; none for a bundle. */
  readonly layers: readonly SignedLayer[];
  readonly bundle: VerifiedBundle;
  readonly signer: VerifiedSigner;
  /** Of the first log; undefined when none was used. */
  readonly logIndex: bigint | undefined;
  /** The first trusted time; undefined when nobody told one. */
  readonly timestamp: Date | undefined;
  /** The services that were used: what a policy for this signature names. */
  readonly caUrl: string | undefined;
  readonly logUrl: string | undefined;
  /** The manifest that carries the signature: a referrer, or what is under the `.sig` tag; undefined when nothing was pushed. */
  readonly referrer: Pick<Descriptor, 'digest'> | undefined;
}

export interface PresentManifest {
  readonly subject: Descriptor;
  readonly present: PresentSignature;
}

/** One of the two forms; `json` decides which. */
export interface SignedManifest {
  readonly subject: Descriptor;
  readonly json: string | undefined;
  readonly layers: readonly SignedLayer[];
  readonly verified: VerifiedBundle;
  readonly credentials: SigningCredentials;
}

/** One that was just made. @param referrer undefined when nothing was pushed */
export function describeSigned(
  reference: ImageReference,
  { subject, json, layers, verified, credentials }: SignedManifest,
  referrer: Descriptor | undefined,
): SignedImage {
  return {
    ...named(reference, subject),
    isNew: true,
    bundleJson: json,
    layers,
    ...facts(verified, credentials.services),
    referrer,
  };
}

/** One that was there already. */
export function describePresent(
  reference: ImageReference,
  { subject, present: { signature, services } }: PresentManifest,
): SignedImage {
  return {
    ...named(reference, subject),
    isNew: false,
    bundleJson: signature.json,
    layers: [],
    ...facts(signature.bundle, services),
    referrer: { digest: signature.manifestDigest },
  };
}

function named(
  reference: ImageReference,
  { digest }: Descriptor,
): Pick<SignedImage, 'reference' | 'digest' | 'isTagResolved'> {
  return { reference, digest, isTagResolved: reference.digest === undefined };
}

function facts(
  bundle: VerifiedBundle,
  { ca, logs }: SelectedServices,
): Pick<SignedImage, 'bundle' | 'signer' | 'logIndex' | 'timestamp' | 'caUrl' | 'logUrl'> {
  return {
    bundle,
    signer: bundle.signer,
    logIndex: bundle.logEntries[0]?.logIndex,
    timestamp: bundle.times[0]?.time,
    caUrl: bundle.signer.kind === 'key' ? undefined : ca?.url,
    logUrl: logs[0]?.url,
  };
}
