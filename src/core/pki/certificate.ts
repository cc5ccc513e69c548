import { sha256 } from '../crypto/digest.ts';
import { PublicKey } from '../crypto/public-key.ts';
import { verifySignature, type SignatureScheme } from '../crypto/signature.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { DerElement, TAG } from '../encoding/der-reader.ts';
import { encodeHex } from '../encoding/hex.ts';
import { encodePem, parsePem } from '../encoding/pem.ts';
import { FormatError, LimitError } from '../../errors.ts';
import { parseAlgorithmOid, signatureSchemeOf } from './algorithm-identifier.ts';
import { parseGeneralNames, type SubjectAltName } from './general-name.ts';
import { parseName, type Name } from './name.ts';
import { OID } from './oids.ts';

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue. */
  readonly value: Uint8Array;
  /** The whole Extension element. */
  readonly raw: Uint8Array;
}

/** Bits of KeyUsage (RFC 5280 §4.2.1.3) that we act on. */
export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
}

const MAX_CERTIFICATE_BYTES = 64 << 10;
const MAX_EXTENSIONS = 64;

/** An X.509 v3 certificate (RFC 5280 §4.1), read once, strictly, and never encoded again. Untrusted by itself. */
export class Certificate {
  readonly raw: Uint8Array;
  /** DER of TBSCertificate, the signed part. */
  readonly tbs: Uint8Array;
  /** Big-endian magnitude, without leading zeros. */
  readonly serialNumber: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKey;
  readonly extensions: readonly Extension[];
  readonly subjectAltNames: readonly SubjectAltName[];
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly keyUsage: KeyUsage | undefined;
  /** Object identifiers; undefined when the extension is absent, which allows every purpose. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly #signature: Uint8Array;
  readonly #scheme: SignatureScheme | undefined;
  readonly #extensions: ReadonlyMap<string, Extension>;
  #fingerprint: string | undefined;

  private constructor(raw: Uint8Array) {
    const root: DerElement = DerElement.parse(raw, 'FORMAT_CERTIFICATE');
    const [tbs, algorithm, signature, ...rest] = root.sequence('a Certificate');
    if (tbs === undefined || algorithm === undefined || signature === undefined || rest.length > 0) {
      root.fail('not three elements in Certificate');
    }
    this.raw = raw;
    this.tbs = tbs.raw;
    this.#signature = signature.bits();
    const fields = new TbsFields(tbs);
    if (!equalBytes(fields.signatureAlgorithm.raw, algorithm.raw)) {
      algorithm.fail('a signature algorithm that differs from the one that is signed (RFC 5280 §4.1.1.2)');
    }
    this.#scheme = signatureSchemeOf(parseAlgorithmOid(algorithm));
    this.serialNumber = fields.serialNumber;
    this.issuer = fields.issuer;
    this.subject = fields.subject;
    this.notBefore = fields.notBefore;
    this.notAfter = fields.notAfter;
    this.publicKey = PublicKey.fromSpki(fields.spki);
    this.extensions = fields.extensions;
    this.#extensions = new Map(fields.extensions.map((extension) => [extension.oid, extension]));
    this.subjectAltNames = this.#read(OID.subjectAltName, parseGeneralNames) ?? [];
    const constraints = this.#read(OID.basicConstraints, parseBasicConstraints);
    this.isCa = constraints?.isCa ?? false;
    this.pathLength = constraints?.pathLength;
    this.keyUsage = this.#read(OID.keyUsage, parseKeyUsage);
    this.extendedKeyUsage = this.#read(OID.extendedKeyUsage, (element) =>
      element.sequence('ExtKeyUsageSyntax').map((purpose) => purpose.oid()),
    );
  }

  /** @throws FormatError FORMAT_CERTIFICATE or FORMAT_PUBLIC_KEY; LimitError LIMIT_SIZE */
  static parse(der: Uint8Array): Certificate {
    if (der.length > MAX_CERTIFICATE_BYTES) {
      throw new LimitError('LIMIT_SIZE', 'the certificate is too large', {
        found: `${der.length} bytes`,
        expected: `at most ${MAX_CERTIFICATE_BYTES}`,
      });
    }
    // A copy: whoever owns the buffer could change it between the signature check and the use.
    return new Certificate(Uint8Array.from(der));
  }

  /** Every `CERTIFICATE` block of a PEM text, in order. */
  static allFromPem(text: string): readonly Certificate[] {
    return parsePem(text, 'certificate').map(({ label, der }) => {
      if (label === 'CERTIFICATE') return Certificate.parse(der);
      throw new FormatError('FORMAT_CERTIFICATE', 'the PEM block is not a certificate', {
        found: label,
        expected: 'CERTIFICATE',
      });
    });
  }

  /** The first certificate of a PEM text. */
  static fromPem(text: string): Certificate {
    const [first] = Certificate.allFromPem(text);
    if (first === undefined) throw new FormatError('FORMAT_CERTIFICATE', 'no certificate in the PEM text');
    return first;
  }

  /** Lower-case hexadecimal SHA-256 of the whole certificate. */
  get fingerprint(): string {
    this.#fingerprint ??= encodeHex(sha256(this.raw));
    return this.#fingerprint;
  }

  extension(oid: string): Extension | undefined {
    return this.#extensions.get(oid);
  }

  /** Whether `issuer`'s name and key stand behind the signature. Says nothing about whether it may issue. */
  isSignedBy(issuer: Certificate): boolean {
    return (
      this.#scheme !== undefined &&
      equalBytes(this.issuer.raw, issuer.subject.raw) &&
      verifySignature(issuer.publicKey, this.#scheme, this.tbs, this.#signature)
    );
  }

  /** Both ends included (RFC 5280 §4.1.2.5). */
  isValidAt(time: Date): boolean {
    return this.notBefore <= time && time <= this.notAfter;
  }

  toPem(): string {
    return encodePem('CERTIFICATE', this.raw);
  }

  equals(other: Certificate): boolean {
    return equalBytes(this.raw, other.raw);
  }

  #read<Value>(oid: string, parse: (element: DerElement) => Value): Value | undefined {
    const extension = this.extension(oid);
    return extension === undefined ? undefined : parse(DerElement.parse(extension.value, 'FORMAT_CERTIFICATE'));
  }
}

/** The members of TBSCertificate in their order (RFC 5280 §4.1). */
class TbsFields {
  readonly serialNumber: Uint8Array;
  readonly signatureAlgorithm: DerElement;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];

  constructor(tbs: DerElement) {
    const members = tbs.sequence('a TBSCertificate');
    const next = (): DerElement => members.shift() ?? tbs.fail('too few elements in TBSCertificate');
    const version = next();
    if (!version.isContext(0) || version.inner().smallInteger() !== 2) version.fail('a version other than 3');
    const serial = next().integerBytes();
    if ((serial[0] ?? 0) >= 0x80) tbs.fail('a negative serial number');
    this.serialNumber = serial[0] === 0 && serial.length > 1 ? serial.subarray(1) : serial;
    this.signatureAlgorithm = next();
    this.issuer = parseName(next());
    const validity: DerElement = next();
    const [notBefore, notAfter, ...more] = validity.sequence('Validity');
    if (notBefore === undefined || notAfter === undefined || more.length > 0) validity.fail('a malformed Validity');
    this.notBefore = notBefore.time();
    this.notAfter = notAfter.time();
    this.subject = parseName(next());
    this.spki = next().raw;
    // Unique identifiers [1] and [2] must not be used by conforming CAs; extensions [3] come last.
    const last = members.shift();
    if (last !== undefined && !last.isContext(3)) last.fail('an element that v3 certificates must not have');
    if (members.length > 0) tbs.fail('too many elements in TBSCertificate');
    this.extensions = last === undefined ? [] : parseExtensions(last.inner());
  }
}

export function parseExtensions(element: DerElement): readonly Extension[] {
  const extensions = element.sequence('Extensions').map(parseExtension);
  if (extensions.length > MAX_EXTENSIONS) element.fail('too many extensions');
  const oids = new Set(extensions.map(({ oid }) => oid));
  // RFC 5280 §4.2: more than one instance of an extension is not allowed; two readers could pick different ones.
  if (oids.size !== extensions.length) element.fail('an extension that occurs twice');
  return extensions;
}

function parseExtension(element: DerElement): Extension {
  const [oid, second, third, ...rest] = element.sequence('an Extension');
  if (oid === undefined || second === undefined || rest.length > 0) return element.fail('a malformed Extension');
  if (third === undefined) return { oid: oid.oid(), critical: false, value: second.octets(), raw: element.raw };
  // X.690 §11.5: a default value (FALSE) is not encoded.
  if (!second.boolean()) second.fail('an encoded default value');
  return { oid: oid.oid(), critical: true, value: third.octets(), raw: element.raw };
}

function parseBasicConstraints(element: DerElement): { isCa: boolean; pathLength: number | undefined } {
  const members = element.sequence('BasicConstraints');
  const isCa = members[0]?.tag === TAG.boolean ? (members.shift()?.boolean() ?? false) : false;
  const pathLength = members.shift()?.smallInteger();
  if (members.length > 0) element.fail('a malformed BasicConstraints');
  return { isCa, pathLength };
}

function parseKeyUsage(element: DerElement): KeyUsage {
  const bits = element.namedBits();
  return { digitalSignature: bits[0] === true, keyCertSign: bits[5] === true };
}
