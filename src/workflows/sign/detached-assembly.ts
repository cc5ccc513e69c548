import { encodeEnvelope } from '../../core/attestation/dsse.ts';
import { detachedBundle, encodeBlobBundle } from '../../core/bundle/detached-signature.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import type { FreshSignature, SignedBundle } from './bundle-assembly.ts';
import type { SigningCredentials } from './signing-credentials.ts';
import type { SigningContext } from './signing-services.ts';
import { askWitnesses, verifyOwnSignature } from './witnesses.ts';

/**
 * As `assembleBundle`, in cosign's format before bundles: parts, verified as loose as they will lie. In its JSON, which holds
 * the signature, or the envelope of an attestation, there is no room for the timestamp.
 *
 * @param credentials of services that `olderServices` has left
 */
export async function assembleDetached(
  context: SigningContext,
  credentials: SigningCredentials,
  fresh: FreshSignature,
): Promise<SignedBundle> {
  const { timestamps, tlogEntries } = await askWitnesses(context, credentials, fresh);
  const [entry] = tlogEntries;
  const [timestamp] = timestamps;
  const { key, holder } = credentials;
  const { content, signature, artifact } = fresh;
  const bundle = detachedBundle({
    content,
    ...(holder === undefined ? {} : { certificate: holder.certificate }),
    ...(entry === undefined ? {} : { entry }),
    ...(timestamp === undefined ? {} : { timestamp }),
  });
  // cosign names the key only where a log does.
  const ownKey = entry === undefined ? undefined : ({ kind: 'publicKey', der: key.publicKey.spki } as const);
  const verifier = holder === undefined ? ownKey : ({ kind: 'certificate', der: holder.certificate.raw } as const);
  const stored = content.kind === 'dsse' ? utf8(encodeEnvelope(content.envelope)) : signature;
  return {
    json: encodeBlobBundle({ signature: stored, verifier, entry }),
    verified: verifyOwnSignature(bundle, context, credentials, artifact),
    timestamps,
  };
}
