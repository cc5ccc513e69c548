import { parseProtoBase64, encodeBase64 } from '../encoding/base64.ts';
import { parseJson } from '../encoding/json.ts';
import { Certificate } from '../pki/certificate.ts';
import { FormatError } from '../../errors.ts';
import { ProtoFields } from './proto-fields.ts';

/** What a certificate is asked for with: a bare key and a proof, or a certificate request. */
export type CertificateRequestKey =
  | { readonly kind: 'publicKey'; readonly content: string; readonly proofOfPossession: Uint8Array }
  | { readonly kind: 'request'; readonly pem: string };

export interface SigningCertificateRequest {
  /** From the body; the Authorization header stands in when it is absent. */
  readonly identityToken: string | undefined;
  readonly key: CertificateRequestKey;
}

const LIMITS = { maxBytes: 256 << 10, maxDepth: 8 };
const CODE = 'FORMAT_REQUEST';

/**
 * `CreateSigningCertificateRequest` as protojson reads it: either case of name, either base64 alphabet, unknown members
 * ignored.
 *
 * @throws FormatError FORMAT_REQUEST or FORMAT_BASE64
 */
export function parseSigningCertificateRequest(body: Uint8Array): SigningCertificateRequest {
  const fields = new ProtoFields(parseJson(body, 'the request', CODE, LIMITS));
  const identityToken = fields.object('credentials')?.string('oidcIdentityToken');
  const csr = fields.string('certificateSigningRequest');
  if (csr !== undefined && csr !== '') {
    return { identityToken, key: { kind: 'request', pem: Buffer.from(parseProtoBase64(csr)).toString('latin1') } };
  }
  const publicKey = fields.object('publicKeyRequest');
  return {
    identityToken,
    key: {
      kind: 'publicKey',
      content: publicKey?.object('publicKey')?.string('content') ?? '',
      proofOfPossession: parseProtoBase64(publicKey?.string('proofOfPossession') ?? '', 'proofOfPossession'),
    },
  };
}

/** @param proof signature over the principal's name */
export function encodeSigningCertificateRequest(
  identityToken: string,
  publicKeyPem: string,
  proof: Uint8Array,
): string {
  return JSON.stringify({
    credentials: { oidcIdentityToken: identityToken },
    publicKeyRequest: {
      publicKey: { algorithm: 'PUBLIC_KEY_ALGORITHM_UNSPECIFIED', content: publicKeyPem },
      proofOfPossession: encodeBase64(proof),
    },
  });
}

/** Leaf, intermediates, root, each as PEM without surrounding white space, the SCT inside the leaf. */
export function encodeSigningCertificate(chain: readonly Certificate[]): object {
  return { signedCertificateEmbeddedSct: { chain: { certificates: chain.map(pem) } } };
}

/**
 * The chain of Fulcio's answer. A detached SCT is dropped, as no bundle can carry it: whether the certificate has one inside
 * is for whoever verifies it.
 *
 * @throws FormatError FORMAT_REQUEST when there is no chain; FORMAT_CERTIFICATE
 */
export function parseSigningCertificate(body: Uint8Array): readonly Certificate[] {
  const fields = new ProtoFields(parseJson(body, 'the answer of the certificate authority', CODE, LIMITS));
  const answer = fields.object('signedCertificateEmbeddedSct') ?? fields.object('signedCertificateDetachedSct');
  const certificates = answer?.object('chain')?.fields.strings('certificates', 16) ?? [];
  if (certificates.length === 0) {
    throw new FormatError(CODE, 'the certificate authority sent no certificate', {
      expected: 'signedCertificateEmbeddedSct or signedCertificateDetachedSct, with a chain',
    });
  }
  return certificates.map((text) => Certificate.fromPem(text));
}

export function encodeTrustBundle(chains: readonly (readonly Certificate[])[]): object {
  return { chains: chains.map((chain) => ({ certificates: chain.map(pem) })) };
}

function pem(certificate: Certificate): string {
  return certificate.toPem().trim();
}
