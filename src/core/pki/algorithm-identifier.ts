import type { HashAlgorithm } from '../crypto/digest.ts';
import type { SignatureScheme } from '../crypto/signature.ts';
import { TAG, type DerElement } from '../encoding/der-reader.ts';
import { derNull, derOid, derSequence } from '../encoding/der-writer.ts';
import { OID } from './oids.ts';

const SIGNATURE_OIDS: Readonly<Partial<Record<string, SignatureScheme>>> = {
  [OID.ecdsaWithSha256]: 'ecdsa-sha256',
  [OID.ecdsaWithSha384]: 'ecdsa-sha384',
  [OID.ecdsaWithSha512]: 'ecdsa-sha512',
  [OID.ed25519]: 'ed25519',
  [OID.sha256WithRsa]: 'rsa-pkcs1-sha256',
  [OID.sha384WithRsa]: 'rsa-pkcs1-sha384',
  [OID.sha512WithRsa]: 'rsa-pkcs1-sha512',
};

const HASH_OIDS: Readonly<Partial<Record<string, HashAlgorithm>>> = {
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

/** Object identifier of an AlgorithmIdentifier whose parameters are absent or NULL; anything else is refused. */
export function parseAlgorithmOid(element: DerElement): string {
  const [oid, parameters, ...rest] = element.sequence('an AlgorithmIdentifier');
  if (oid === undefined || rest.length > 0) return element.fail('an AlgorithmIdentifier of another shape');
  if (parameters !== undefined && (parameters.tag !== TAG.null || parameters.content.length > 0)) {
    element.fail('algorithm parameters that are not supported');
  }
  return oid.oid();
}

/** @returns undefined for an algorithm that is not supported (SHA-1, MD5, RSA-PSS among them) */
export function signatureSchemeOf(oid: string): SignatureScheme | undefined {
  return SIGNATURE_OIDS[oid];
}

export function hashOfOid(oid: string): HashAlgorithm | undefined {
  return HASH_OIDS[oid];
}

export function encodeSignatureAlgorithm(scheme: SignatureScheme): Uint8Array {
  const found = Object.entries(SIGNATURE_OIDS).find(([, name]) => name === scheme);
  const oid = derOid(found?.[0] ?? OID.ecdsaWithSha256);
  // RFC 4055 §5 wants NULL parameters for RSA; RFC 5758 §3.2 and RFC 8410 §3 want none for the others.
  return scheme.startsWith('rsa') ? derSequence(oid, derNull()) : derSequence(oid);
}

export function encodeHashAlgorithm(hash: HashAlgorithm): Uint8Array {
  return derSequence(derOid(OID[hash]), derNull());
}
