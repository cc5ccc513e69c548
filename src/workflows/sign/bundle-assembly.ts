import { parseBundle } from '../../core/bundle/bundle.ts';
import { encodeBundle, type BundleParts } from '../../core/bundle/bundle-encoder.ts';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { intermediatesOf } from './own-certificate.ts';
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
  const material = materialOf(credentials, context.chainInBundle === true);
  const json = encodeBundle({ material, content: fresh.content, ...witnesses });
  const allowCertificateChain = context.chainInBundle === true;
  const bundle = parseBundle(json, { allowCertificateChain });
  const verified = verifyOwnSignature(bundle, context, credentials, fresh.artifact);
  return { json, verified, timestamps: witnesses.timestamps };
}

/** A key travels as a hint only: base64 of SHA-256 over its SubjectPublicKeyInfo (cosign.md §2.3). */
function materialOf({ key, holder }: SigningCredentials, chainInBundle: boolean): BundleParts['material'] {
  if (holder === undefined) return { kind: 'publicKey', hint: encodeBase64(key.publicKey.id) };
  const { certificate } = holder;
  if (holder.kind === 'issued' || holder.chain.length === 0 || !chainInBundle)
    return { kind: 'certificate', certificate };
  return { kind: 'certificate', certificate, intermediates: intermediatesOf(holder) };
}
