import { parseBundle } from '../core/bundle/bundle.ts';
import { encodeBundle, type BundleParts } from '../core/bundle/bundle-encoder.ts';
import { encodeBase64 } from '../core/encoding/base64.ts';
import type { Artifact } from '../core/verify/artifact.ts';
import type { VerifiedBundle } from '../core/verify/verified-bundle.ts';
import type { SigningCredentials } from './signing-credentials.ts';
import type { SigningContext } from './signing-services.ts';
import { askWitnesses, verifyOwnSignature, type WitnessedContent } from './witnesses.ts';

/** What has been signed, with whatever is needed to have it witnessed and to verify it again. */
export interface FreshSignature extends WitnessedContent {
  readonly content: BundleParts['content'];
  readonly artifact: Artifact;
}

/** A bundle that this process made and verified. */
export interface SignedBundle {
  readonly json: string;
  readonly verified: VerifiedBundle;
  /** DER TimeStampResp, as they are in the bundle. */
  readonly timestamps: readonly Uint8Array[];
}

/**
 * Has a signature stamped and logged, and makes the bundle, which is verified as a whole and as written.
 *
 * @throws RemoteError; VerificationError, FormatError with what is wrong with an answer
 */
export async function assembleBundle(
  context: SigningContext,
  credentials: SigningCredentials,
  fresh: FreshSignature,
): Promise<SignedBundle> {
  const witnesses = await askWitnesses(context, credentials, fresh);
  const json = encodeBundle({ material: materialOf(credentials), content: fresh.content, ...witnesses });
  const verified = verifyOwnSignature(parseBundle(json), context, credentials, fresh.artifact);
  return { json, verified, timestamps: witnesses.timestamps };
}

/** A key travels as a hint only: base64 of SHA-256 over its SubjectPublicKeyInfo (cosign.md §2.3). */
function materialOf({ key, holder }: SigningCredentials): BundleParts['material'] {
  return holder === undefined
    ? { kind: 'publicKey', hint: encodeBase64(key.publicKey.id) }
    : { kind: 'certificate', certificate: holder.certificate };
}
