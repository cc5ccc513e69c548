import { encodeHashedRekordBody, type HashedRekordInput } from '../../core/bundle/entry-body.ts';
import { parseKeyDetails } from '../../core/crypto/key-details.ts';
import { PublicKey } from '../../core/crypto/public-key.ts';
import { verifyDigestSignature } from '../../core/crypto/signature.ts';
import { Certificate } from '../../core/pki/certificate.ts';
import { MAX_ENTRY_BYTES } from '../../core/tlog/entry-bundle.ts';
import { FormatError, LimitError, VerificationError } from '../../errors.ts';

/**
 * The leaf of a hashedrekord whose signature holds. A certificate is read for its key alone: whether it is, or ever was,
 * believed by anybody is its verifiers' business, and a log that judged would hide what it refuses.
 *
 * @throws FormatError; VerificationError SIGNATURE_INVALID; LimitError LIMIT_SIZE
 */
export function verifiedBody(request: HashedRekordInput): Uint8Array {
  const { digest, signature, verifier, keyDetails } = request;
  const key =
    verifier.kind === 'certificate' ? Certificate.parse(verifier.der).publicKey : PublicKey.fromSpki(verifier.der);
  const details = parseKeyDetails(keyDetails);
  if (key.kind !== details.kind || (details.bits ?? key.bits) !== key.bits) {
    throw new FormatError('FORMAT_REQUEST', 'the key is not of the kind that keyDetails names', {
      found: `${key.kind}, ${key.bits} bits`,
      expected: keyDetails,
    });
  }
  if (!verifyDigestSignature(key, details.scheme, digest.digest, signature)) {
    throw new VerificationError('SIGNATURE_INVALID', 'the signature does not verify over the digest', {
      expected: `a signature by the verifier's key, as ${keyDetails} makes it`,
    });
  }
  const body = encodeHashedRekordBody(request);
  if (body.length <= MAX_ENTRY_BYTES) return body;
  throw new LimitError('LIMIT_SIZE', 'the log entry is too large', {
    found: `${body.length} bytes`,
    expected: `at most ${MAX_ENTRY_BYTES}`,
  });
}
