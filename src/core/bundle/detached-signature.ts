import { encodeBase64, parseBase64 } from '../encoding/base64.ts';
import { equalBytes, utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { encodePem, parsePem } from '../encoding/pem.ts';
import { parseUtf8 } from '../encoding/utf8.ts';
import { Certificate } from '../pki/certificate.ts';
import type { Sct } from '../pki/sct.ts';
import { FormatError, InvariantError, LimitError } from '../../errors.ts';
import type { BundleContent, UnverifiedBundle } from './bundle.ts';
import type { LoggedVerifier } from './entry-body.ts';
import type { TransparencyLogEntry } from './log-entry.ts';
import { rekorBundleFrom, rekorBundleJson } from './rekor-bundle.ts';
import { parseTimestampAnnotation, storedEnvelope } from './signature-layer.ts';

/** What lies about a blob as files of their own, as cosign's older commands wrote them. */
export interface DetachedParts {
  /** Over the blob, or a DSSE envelope. */
  readonly content: BundleContent;
  readonly certificate?: Certificate;
  /** Handed over with the certificate; never a source of trust. */
  readonly intermediates?: readonly Certificate[];
  readonly entry?: TransparencyLogEntry;
  /** DER TimeStampResp. */
  readonly timestamp?: Uint8Array;
  /** Of the certificate, where it has none inside. */
  readonly scts?: readonly Sct[];
}

/** Loose parts as one signed entity. Nothing in it is proven. */
export function detachedBundle(parts: DetachedParts): UnverifiedBundle {
  const { content, certificate, intermediates = [], entry, timestamp, scts = [] } = parts;
  return {
    mediaType: '',
    version: undefined,
    material:
      certificate === undefined
        ? { kind: 'publicKey', hint: '' }
        : {
            kind: 'certificate',
            certificate,
            intermediates: intermediates.filter(({ subject, issuer }) => !equalBytes(subject.raw, issuer.raw)),
            ...(scts.length === 0 ? {} : { scts }),
          },
    tlogEntries: entry === undefined ? [] : [entry],
    timestamps: timestamp === undefined ? [] : [timestamp],
    content,
  };
}

const MAX_SIGNATURE_BYTES = 64 << 10;

/**
 * A signature by itself: base64, with or without line ends, or the bytes as they are (`--b64=false`).
 *
 * @throws LimitError LIMIT_SIZE; FormatError FORMAT_SIGNATURE when there is nothing
 */
export function parseDetachedSignature(input: Uint8Array): Uint8Array {
  if (input.length > MAX_SIGNATURE_BYTES) {
    throw new LimitError('LIMIT_SIZE', 'the signature is too large', {
      found: `${input.length} bytes`,
      expected: `at most ${MAX_SIGNATURE_BYTES}`,
    });
  }
  const text = Buffer.from(input).toString('latin1').replace(/\s/g, '');
  if (text === '')
    throw new FormatError('FORMAT_SIGNATURE', 'the signature is empty', { expected: 'base64, or raw bytes' });
  // No signature of any scheme is a text of these characters alone, with the length and the end of base64.
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? parseBase64(text, 'the signature') : input;
}

/**
 * An attestation by itself: its DSSE envelope as JSON, or that in base64.
 *
 * @throws FormatError FORMAT_ENVELOPE, FORMAT_BASE64, FORMAT_SIGNATURE_LAYER unless it has one signature; LimitError
 */
export function parseDetachedEnvelope(input: Uint8Array): BundleContent {
  if (/^\s*\{/.test(Buffer.from(input.subarray(0, 64)).toString('latin1'))) return storedEnvelope(input);
  const text = Buffer.from(input).toString('latin1').replace(/\s/g, '');
  return storedEnvelope(parseBase64(text, 'the attestation'));
}

const CODE = 'FORMAT_SIGNATURE_LAYER';
/** An attestation's signature is its envelope, with the statement inside. */
const LIMITS = { maxBytes: 64 << 20, maxDepth: 8 };

/** cosign's JSON bundle of before Sigstore bundles (cosign.md §3.6). */
export interface BlobBundle {
  /** Of a blob: its signature. Of an attestation: its envelope's JSON. */
  readonly signature: Uint8Array;
  /** Who is said to have signed. A public key in here is nobody's word; it has to be given to the verifier too. */
  readonly verifier: LoggedVerifier | undefined;
  readonly entry: TransparencyLogEntry | undefined;
}

/** Whether a document is of that kind, rather than a Sigstore bundle: by its members, never by what fails to parse. */
export function isBlobBundle(input: Uint8Array | string): boolean {
  const json = parseJson(input, 'the bundle', 'FORMAT_BUNDLE', LIMITS);
  const fields = new JsonFields(json, 'bundle', 'FORMAT_BUNDLE');
  return fields.has('base64Signature') && !fields.has('mediaType');
}

/** @throws FormatError FORMAT_SIGNATURE_LAYER, FORMAT_BASE64, FORMAT_PEM, FORMAT_LOG_ENTRY; LimitError */
export function parseBlobBundle(input: Uint8Array | string): BlobBundle {
  const fields = new JsonFields(parseJson(input, 'the bundle', CODE, LIMITS), 'bundle', CODE);
  fields.only('base64Signature', 'cert', 'rekorBundle');
  const cert = fields.optionalBytes('cert');
  const entry = fields.optionalObject('rekorBundle');
  const signature = fields.bytes('base64Signature');
  if (signature.length === 0)
    throw new FormatError(CODE, 'the bundle has no signature', { expected: 'base64Signature' });
  return {
    signature,
    verifier: cert === undefined || cert.length === 0 ? undefined : verifierOf(cert),
    entry: entry === undefined ? undefined : rekorBundleFrom(entry),
  };
}

export function encodeBlobBundle({ signature, verifier, entry }: BlobBundle): string {
  return JSON.stringify({
    base64Signature: encodeBase64(signature),
    ...(verifier === undefined ? {} : { cert: encodeBase64(utf8(verifierPem(verifier))) }),
    ...(entry === undefined ? {} : { rekorBundle: promiseJson(entry) }),
  });
}

/** PEM of either kind. */
export function verifierPem({ kind, der }: LoggedVerifier): string {
  return encodePem(kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY', der);
}

function promiseJson(entry: TransparencyLogEntry): object {
  const { inclusionPromise } = entry;
  if (inclusionPromise === undefined)
    throw new InvariantError('an entry without a promise was to be kept as a promise');
  return rekorBundleJson({ ...entry, inclusionPromise });
}

function verifierOf(pem: Uint8Array): LoggedVerifier {
  const [block, ...others] = parsePem(parseUtf8(pem, CODE, 'bundle.cert'), 'bundle.cert');
  const kind = { CERTIFICATE: 'certificate', 'PUBLIC KEY': 'publicKey' }[block?.label ?? ''] as
    LoggedVerifier['kind'] | undefined;
  if (block !== undefined && kind !== undefined && others.length === 0) return { kind, der: block.der };
  throw new FormatError(CODE, 'bundle.cert is neither a certificate nor a public key', {
    found: block?.label ?? 'nothing',
    expected: 'one of either, as PEM in base64',
  });
}

/**
 * A certificate file: PEM, base64 of PEM (which cosign's `sign-blob` wrote) or DER; of a chain, the first is the signer's.
 *
 * @throws FormatError FORMAT_PEM, FORMAT_BASE64, FORMAT_CERTIFICATE; LimitError
 */
export function parseCertificateFile(input: Uint8Array): readonly Certificate[] {
  const isDer = input[0] === 0x30;
  if (isDer) return [Certificate.parse(input)];
  const text = Buffer.from(input).toString('latin1');
  const pem = text.includes('-----BEGIN ')
    ? text
    : Buffer.from(parseBase64(text.replace(/\s/g, ''), 'the certificate')).toString('latin1');
  return Certificate.allFromPem(pem);
}

/** `--rfc3161-timestamp`: cosign's JSON, or the reply itself, as `openssl ts` writes it. @returns DER TimeStampResp */
export function parseTimestampFile(input: Uint8Array): Uint8Array {
  return input[0] === 0x30 ? input : parseTimestampAnnotation(input);
}
