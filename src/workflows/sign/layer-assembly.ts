import { encodeEnvelope } from '../../core/attestation/dsse.ts';
import type { UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { layerAnnotations, readAttestationLayer, readSignatureLayer } from '../../core/bundle/signature-layer.ts';
import { parseSimpleSigning } from '../../core/bundle/simple-signing.ts';
import { digest as hash } from '../../core/crypto/digest.ts';
import { hashOf } from '../../core/crypto/signature.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { COSIGN_SIMPLE_SIGNING, DSSE_ENVELOPE } from '../../core/image/media-types.ts';
import type { Certificate } from '../../core/pki/certificate.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import { verifyCertificatePath } from '../../core/verify/certificate-path.ts';
import type { VerifiedBundle } from '../../core/verify/verified-bundle.ts';
import { InvariantError } from '../../errors.ts';
import type { NewLayer } from '../../io/registry/layer-writer.ts';
import { intermediatesOf } from './own-certificate.ts';
import type { CertificateHolder, SigningCredentials } from './signing-credentials.ts';
import type { SigningContext } from './signing-services.ts';
import { signStatement } from './statement-signature.ts';
import { askWitnesses, verifyOwnSignature, type WitnessedContent } from './witnesses.ts';

/** A layer of cosign's older storage that this process made and verified. */
export interface SignedLayer extends NewLayer {
  readonly verified: VerifiedBundle;
}

/**
 * Signs a simple-signing payload, and has it witnessed, for a `.sig` tag.
 *
 * @param credentials of services that {@link olderServices} has left
 * @param payload     signed as it is; it has to name the artifact
 * @throws FormatError FORMAT_SIMPLE_SIGNING; RemoteError; VerificationError for answers that are not what they should be, and
 *   SUBJECT_MISMATCH for a payload about something else
 */
export async function assembleSignatureLayer(
  context: SigningContext,
  credentials: SigningCredentials,
  payload: Uint8Array,
  artifact: Artifact,
): Promise<SignedLayer> {
  const { key, scheme } = credentials;
  const parsed = parseSimpleSigning(payload);
  const signature = await key.sign(payload, scheme);
  const algorithm = hashOf(scheme);
  const fresh: WitnessedContent = {
    content: { kind: 'simpleSigning', payload: parsed, signed: payload, signature },
    signature,
    signedDigest: algorithm === undefined ? undefined : { algorithm, digest: hash(algorithm, payload) },
  };
  const annotations = await witnessed(context, credentials, fresh, { signature });
  const bundle = readSignatureLayer(payload, annotations);
  return finished(
    context,
    credentials,
    { content: payload, annotations, mediaType: COSIGN_SIMPLE_SIGNING },
    bundle,
    artifact,
  );
}

/**
 * Signs a statement, and has it witnessed, for an `.att` tag.
 *
 * @param statement the statement's JSON, signed as it is
 * @throws as {@link assembleSignatureLayer}
 */
export async function assembleAttestationLayer(
  context: SigningContext,
  credentials: SigningCredentials,
  statement: Uint8Array,
  predicateType: string,
  artifact: Artifact,
): Promise<SignedLayer> {
  const { content, signature, signedDigest } = await signStatement(credentials, statement, artifact);
  if (content.kind !== 'dsse') throw new InvariantError('a signed statement without its envelope');
  const envelope = utf8(encodeEnvelope(content.envelope));
  const fresh: WitnessedContent = {
    content: { ...content, stored: envelope },
    signature,
    signedDigest,
    // What cosign's verifier of this storage takes a timestamp to be over (cosign.md §3.2).
    stamped: envelope,
  };
  const annotations = await witnessed(context, credentials, fresh, { signature: undefined, predicateType });
  const bundle = readAttestationLayer(envelope, annotations);
  return finished(context, credentials, { content: envelope, annotations, mediaType: DSSE_ENVELOPE }, bundle, artifact);
}

async function witnessed(
  context: SigningContext,
  credentials: SigningCredentials,
  fresh: WitnessedContent,
  parts: { readonly signature: Uint8Array | undefined; readonly predicateType?: string },
): Promise<NewLayer['annotations']> {
  const { timestamps, tlogEntries } = await askWitnesses(context, credentials, fresh);
  const [timestamp] = timestamps;
  const [entry] = tlogEntries;
  const { holder } = credentials;
  return layerAnnotations({
    ...parts,
    ...(holder === undefined ? {} : { certificate: holder.certificate, chain: chainOf(holder, context.trustedRoot) }),
    ...(entry === undefined ? {} : { entry }),
    ...(timestamp === undefined ? {} : { timestamp }),
  });
}

function finished(
  context: SigningContext,
  credentials: SigningCredentials,
  layer: NewLayer,
  bundle: UnverifiedBundle,
  artifact: Artifact,
): SignedLayer {
  return { ...layer, verified: verifyOwnSignature(bundle, context, credentials, artifact) };
}

/** The authority's chain is stored with each signature, as cosign does; nobody believes it for that. */
function chainOf(
  holder: CertificateHolder,
  { certificateAuthorities }: SigningContext['trustedRoot'],
): readonly Certificate[] {
  if (holder.kind === 'own') return intermediatesOf(holder);
  const { certificate: leaf } = holder;
  const start = { source: 'clock', time: leaf.notBefore, authority: 'the certificate' } as const;
  return verifyCertificatePath(leaf, [], certificateAuthorities, [start]).slice(1);
}
