import type { HashedRekordInput } from '../bundle/entry-body.ts';
import { logEntryJson, parseLogEntry, type TransparencyLogEntry } from '../bundle/log-entry.ts';
import { parseKeyDetails, type KeyDetailsName } from '../crypto/key-details.ts';
import { DIGEST_LENGTHS } from '../crypto/digest.ts';
import { hashOf } from '../crypto/signature.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { parseJson } from '../encoding/json.ts';
import { FormatError } from '../../errors.ts';
import { ProtoFields } from './proto-fields.ts';

const CODE = 'FORMAT_REQUEST';
const LIMITS = { maxBytes: 4 << 20, maxDepth: 8 };

/** Numbers in `dev.sigstore.common.v1.PublicKeyDetails` of what a hashedrekord may be signed with: protojson takes either. */
const KEY_DETAILS_BY_NUMBER: Readonly<Record<number, KeyDetailsName>> = {
  5: 'PKIX_ECDSA_P256_SHA_256',
  8: 'PKIX_ED25519_PH',
  9: 'PKIX_RSA_PKCS1V15_2048_SHA256',
  10: 'PKIX_RSA_PKCS1V15_3072_SHA256',
  11: 'PKIX_RSA_PKCS1V15_4096_SHA256',
  12: 'PKIX_ECDSA_P384_SHA_384',
  13: 'PKIX_ECDSA_P521_SHA_512',
};
const ACCEPTED_KEY_DETAILS: readonly KeyDetailsName[] = Object.values(KEY_DETAILS_BY_NUMBER);

/** Body of Rekor v2's `POST /api/v2/log/entries`. */
export function encodeCreateEntryRequest({ digest, signature, verifier, keyDetails }: HashedRekordInput): string {
  const member = verifier.kind === 'certificate' ? 'x509Certificate' : 'publicKey';
  return JSON.stringify({
    hashedRekordRequestV002: {
      digest: encodeBase64(digest.digest),
      signature: {
        content: encodeBase64(signature),
        verifier: { [member]: { rawBytes: encodeBase64(verifier.der) }, keyDetails },
      },
    },
  });
}

/**
 * `CreateEntryRequest` as rekor-tiles reads it: protojson, unknown members refused, one request type, one verifier, nothing
 * empty, an algorithm of its default list, a digest of that algorithm's length. The signature is not checked here.
 *
 * @throws FormatError FORMAT_REQUEST or FORMAT_BASE64; LimitError LIMIT_SIZE or LIMIT_DEPTH
 */
export function parseCreateEntryRequest(body: Uint8Array): HashedRekordInput {
  // grpc-gateway reads no bytes at all as an empty message.
  const request = new ProtoFields(body.length === 0 ? {} : parseJson(body, 'the request', CODE, LIMITS));
  // rekor-tiles knows the older DSSE request by name only, to say what it wants instead.
  request.only('hashedRekordRequestV002', 'dsseRequestV002');
  const hashedRekord = request.object('hashedRekordRequestV002');
  if (hashedRekord === undefined || request.value('dsseRequestV002') !== undefined) {
    throw refused(request, 'invalid type, must be hashedrekord', 'hashedRekordRequestV002');
  }
  const signature = hashedRekord.only('digest', 'signature').object('signature')?.only('content', 'verifier');
  const verifier = signature?.object('verifier')?.only('publicKey', 'x509Certificate', 'keyDetails');
  if (signature === undefined || verifier === undefined) {
    throw refused(hashedRekord, 'the request has no verifier', 'signature with content and verifier');
  }
  const keyDetails = keyDetailsOf(verifier);
  const algorithm = hashOf(parseKeyDetails(keyDetails).scheme) ?? 'sha256';
  const digest = hashedRekord.bytes('digest');
  if (digest.length !== DIGEST_LENGTHS[algorithm]) {
    const expected = `${DIGEST_LENGTHS[algorithm]} bytes, as ${keyDetails} signs`;
    throw refused(hashedRekord, 'the digest has the wrong length', expected, `${digest.length} bytes`);
  }
  const content = signature.bytes('content');
  if (content.length === 0) throw refused(signature, 'the signature is empty', 'signature.content');
  return { digest: { algorithm, digest }, signature: content, verifier: loggedVerifier(verifier), keyDetails };
}

/** The log's answer. rekor-tiles writes members that have default values as well, and clients may refuse any others. */
export function encodeCreateEntryResponse(entry: TransparencyLogEntry): string {
  return JSON.stringify({ integratedTime: '0', inclusionPromise: null, ...logEntryJson(entry) });
}

/** @throws FormatError FORMAT_LOG_ENTRY or FORMAT_BASE64; LimitError: the log's answer is not an entry with a proof */
export function parseCreateEntryResponse(body: Uint8Array): TransparencyLogEntry {
  const entry = parseLogEntry(body);
  if (entry.inclusionProof !== undefined) return entry;
  throw new FormatError('FORMAT_LOG_ENTRY', "the log's answer holds no inclusion proof", {
    expected: 'a TransparencyLogEntry with inclusionProof',
  });
}

function keyDetailsOf(verifier: ProtoFields): KeyDetailsName {
  const given = verifier.value('keyDetails');
  const name = typeof given === 'number' ? KEY_DETAILS_BY_NUMBER[given] : given;
  const known = ACCEPTED_KEY_DETAILS.find((accepted) => accepted === name);
  if (known !== undefined) return known;
  const found = typeof given === 'string' || typeof given === 'number' ? String(given).slice(0, 64) : 'nothing';
  throw refused(verifier, 'keyDetails names no accepted algorithm', ACCEPTED_KEY_DETAILS.join(', '), found);
}

function loggedVerifier(verifier: ProtoFields): HashedRekordInput['verifier'] {
  const certificate = verifier.object('x509Certificate')?.only('rawBytes').bytes('rawBytes');
  const publicKey = verifier.object('publicKey')?.only('rawBytes').bytes('rawBytes');
  const der = certificate ?? publicKey;
  if (der === undefined || der.length === 0 || (certificate !== undefined && publicKey !== undefined)) {
    throw refused(verifier, 'the verifier is not one key or one certificate', 'publicKey or x509Certificate');
  }
  return { kind: certificate === undefined ? 'publicKey' : 'certificate', der };
}

function refused(fields: ProtoFields, message: string, expected: string, found?: string): FormatError {
  return new FormatError(CODE, message, {
    found: found ?? `${fields.fields.path} with ${fields.fields.names().join(', ').slice(0, 128) || 'no members'}`,
    expected,
  });
}
