import { PublicKey } from '../crypto/public-key.ts';
import { verifySignature, type SignatureScheme } from '../crypto/signature.ts';
import { DerElement } from '../encoding/der-reader.ts';
import { parsePem } from '../encoding/pem.ts';
import { FormatError, LimitError } from '../../errors.ts';
import { parseAlgorithmOid, signatureSchemeOf } from './algorithm-identifier.ts';

const MAX_REQUEST_BYTES = 16 << 10;
const PEM_LABELS: readonly string[] = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

/** A PKCS#10 certificate request (RFC 2986), of which Fulcio's API uses the key and the signature only. */
export class CertificateRequest {
  readonly publicKey: PublicKey;
  /** undefined for an algorithm that is not supported. */
  readonly scheme: SignatureScheme | undefined;
  readonly #signed: Uint8Array;
  readonly #signature: Uint8Array;

  private constructor(
    publicKey: PublicKey,
    scheme: SignatureScheme | undefined,
    signed: Uint8Array,
    signature: Uint8Array,
  ) {
    this.publicKey = publicKey;
    this.scheme = scheme;
    this.#signed = signed;
    this.#signature = signature;
  }

  static #parse(der: Uint8Array): CertificateRequest {
    const root = DerElement.parse(der, 'FORMAT_CERTIFICATE_REQUEST');
    const [info, algorithm, signature, ...rest] = root.sequence('a CertificationRequest');
    if (info === undefined || algorithm === undefined || signature === undefined || rest.length > 0) {
      return root.fail('not three elements in CertificationRequest');
    }
    const [version, subject, spki, attributes, ...more] = info.sequence('a CertificationRequestInfo');
    if (subject === undefined || spki === undefined || more.length > 0 || version?.smallInteger() !== 0) {
      return info.fail('a malformed CertificationRequestInfo');
    }
    if (attributes?.isContext(0) === false) return attributes.fail('malformed attributes');
    const scheme = signatureSchemeOf(parseAlgorithmOid(algorithm));
    return new CertificateRequest(PublicKey.fromSpki(spki.raw), scheme, info.raw, signature.bits());
  }

  /** @throws FormatError FORMAT_CERTIFICATE_REQUEST, FORMAT_PUBLIC_KEY or FORMAT_PEM; LimitError LIMIT_SIZE */
  static fromPem(text: string): CertificateRequest {
    const [block] = parsePem(text, 'certificate request');
    if (block === undefined || !PEM_LABELS.includes(block.label)) {
      throw new FormatError('FORMAT_CERTIFICATE_REQUEST', 'the PEM block is not a certificate request', {
        found: block?.label ?? 'nothing',
        expected: PEM_LABELS.join(' or '),
      });
    }
    if (block.der.length > MAX_REQUEST_BYTES) {
      throw new LimitError('LIMIT_SIZE', 'the certificate request is too large', {
        found: `${block.der.length} bytes`,
      });
    }
    return CertificateRequest.#parse(block.der);
  }

  /** Whether the request was signed by the key in it. */
  isSignedByItsKey(): boolean {
    return this.scheme !== undefined && verifySignature(this.publicKey, this.scheme, this.#signed, this.#signature);
  }
}
