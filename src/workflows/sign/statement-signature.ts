import { preAuthEncoding } from '../../core/attestation/dsse.ts';
import { IN_TOTO_PAYLOAD_TYPE } from '../../core/attestation/statement.ts';
import { digest as hash } from '../../core/crypto/digest.ts';
import { hashOf } from '../../core/crypto/signature.ts';
import type { Artifact } from '../../core/verify/artifact.ts';
import type { FreshSignature } from './bundle-assembly.ts';
import type { SigningCredentials } from './signing-credentials.ts';

/**
 * Signs an in-toto statement in a DSSE envelope, without a key id, as cosign does.
 *
 * @param payload  the statement's JSON; these bytes are signed and travel in the envelope
 * @param artifact what the finished bundle is verified against: something that the statement is about
 */
export async function signStatement(
  { key, scheme }: Pick<SigningCredentials, 'key' | 'scheme'>,
  payload: Uint8Array,
  artifact: Artifact,
): Promise<FreshSignature> {
  const message = preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload);
  const signature = await key.sign(message, scheme);
  const algorithm = hashOf(scheme);
  return {
    content: {
      kind: 'dsse',
      envelope: { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, signatures: [{ signature, keyId: '' }] },
    },
    signature,
    signedDigest: algorithm === undefined ? undefined : { algorithm, digest: hash(algorithm, message) },
    artifact,
  };
}
