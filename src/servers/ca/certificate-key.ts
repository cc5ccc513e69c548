import { PublicKey, type KeyKind } from '../../core/crypto/public-key.ts';
import { defaultScheme, verifySignature } from '../../core/crypto/signature.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { parseBase64 } from '../../core/encoding/base64.ts';
import { CertificateRequest } from '../../core/pki/certificate-request.ts';
import type { CertificateRequestKey } from '../../core/wire/ca.ts';
import { AuthError, SealwrightError } from '../../errors.ts';

/** Sizes that Fulcio accepts; any other modulus is refused as insecure. */
const RSA_SIZES: readonly number[] = [2048, 3072, 4096];

/** The key to certify, of which the caller has proved possession. */
export function provenKey(request: CertificateRequestKey, principalName: string): PublicKey {
  return request.kind === 'request' ? keyOfRequest(request.pem) : keyWithProof(request, principalName);
}

function keyWithProof(
  request: Extract<CertificateRequestKey, { kind: 'publicKey' }>,
  principalName: string,
): PublicKey {
  const key = accepted(parseKey(request.content));
  if (verifySignature(key, defaultScheme(key.kind), utf8(principalName), request.proofOfPossession)) return key;
  throw new AuthError('AUTH_PROOF_OF_POSSESSION', 'The signature supplied in the request could not be verified', {
    expected: "a signature by the key over the token's e-mail address, or over its subject",
  });
}

function keyOfRequest(pem: string): PublicKey {
  let request: CertificateRequest;
  try {
    request = CertificateRequest.fromPem(pem);
  } catch (cause) {
    if (!(cause instanceof SealwrightError)) throw cause;
    throw new AuthError('AUTH_KEY_REFUSED', 'The certificate signing request could not be parsed', { cause });
  }
  const key = accepted(request.publicKey);
  if (!request.isSignedByItsKey()) {
    throw new AuthError('AUTH_PROOF_OF_POSSESSION', 'The signature supplied in the request could not be verified');
  }
  if (request.scheme !== defaultScheme(key.kind)) {
    throw new AuthError(
      'AUTH_KEY_REFUSED',
      `signing algorithm not permitted: ${key.kind}, ${request.scheme ?? 'unknown'}`,
    );
  }
  return key;
}

/** PEM, or bare base64 DER as the v1 API has it. */
function parseKey(content: string): PublicKey {
  try {
    return content.includes('-----BEGIN') ? PublicKey.fromPem(content) : PublicKey.fromSpki(parseBase64(content));
  } catch (cause) {
    if (!(cause instanceof SealwrightError)) throw cause;
    const insecure = cause.facts.found?.startsWith('an RSA modulus') ?? false;
    const what = insecure ? 'is insecure' : 'could not be parsed';
    throw new AuthError('AUTH_KEY_REFUSED', `The public key supplied in the request ${what}`, { cause });
  }
}

function accepted(key: PublicKey): PublicKey {
  const kinds: readonly KeyKind[] = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519'];
  if (kinds.includes(key.kind) || RSA_SIZES.includes(key.bits)) return key;
  throw new AuthError('AUTH_KEY_REFUSED', 'The public key supplied in the request is insecure', {
    found: `RSA of ${key.bits} bits`,
    expected: RSA_SIZES.join(', '),
  });
}
