import { envelopeFrom, type Envelope } from '../attestation/dsse.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { Certificate } from '../pki/certificate.ts';
import type { Sct } from '../pki/sct.ts';
import { FormatError } from '../../errors.ts';
import { bundleVersion, type BundleVersion } from './bundle-version.ts';
import { parseHashOutput, type NamedDigest } from './hash-name.ts';
import { logEntryFrom, type TransparencyLogEntry } from './log-entry.ts';
import type { SimpleSigning } from './simple-signing.ts';

/** Whose key made the signature, as the bundle claims. */
export type BundleMaterial =
  | {
      readonly kind: 'certificate';
      readonly certificate: Certificate;
      /** Whatever the bundle adds to it; never a source of trust. */
      readonly intermediates: readonly Certificate[];
      /** Handed over beside a certificate that has none inside; as Fulcio once issued them. */
      readonly scts?: readonly Sct[];
    }
  | { readonly kind: 'publicKey'; readonly hint: string };

export type BundleContent =
  | {
      readonly kind: 'message';
      /** A hint of the signer's, which nobody signed. */
      readonly digest?: NamedDigest;
      readonly signature: Uint8Array;
    }
  | {
      readonly kind: 'dsse';
      /** With exactly one signature. */
      readonly envelope: Envelope;
      /** Where cosign stored the envelope by itself, its bytes: some log entries and timestamps are about those. */
      readonly stored?: Uint8Array;
    }
  | {
      /** cosign's signature of an image before bundles. */
      readonly kind: 'simpleSigning';
      readonly payload: SimpleSigning;
      /** The payload's bytes, which were signed. */
      readonly signed: Uint8Array;
      readonly signature: Uint8Array;
    };

/**
 * A bundle that parses and keeps the rules of its version, or what cosign stored in another way, read into the same shape.
 * Nothing in it is proven.
 */
export interface UnverifiedBundle {
  /** Empty for what is no bundle. */
  readonly mediaType: string;
  /** Undefined for what is no bundle. */
  readonly version: BundleVersion | undefined;
  readonly material: BundleMaterial;
  readonly tlogEntries: readonly TransparencyLogEntry[];
  /** DER TimeStampResp (RFC 3161). */
  readonly timestamps: readonly Uint8Array[];
  readonly content: BundleContent;
}

const CODE = 'FORMAT_BUNDLE';
/** An envelope may hold an SBOM; nothing larger is worth verifying in memory. */
const LIMITS = { maxBytes: 64 << 20, maxDepth: 12 };
const MAX_ENTRIES = 32;
const MAX_TIMESTAMPS = 32;
const MAX_CHAIN = 10;
const MAX_HINT_LENGTH = 1024;

export interface BundleParserOptions {
  /** Version 0.3 has no room for a chain; cosign writes one for certificates of people's own (`--allow-certificate-chain`). */
  readonly allowCertificateChain?: boolean;
}

/**
 * @throws FormatError FORMAT_BUNDLE_VERSION, FORMAT_BUNDLE (JSON, members, version rules), FORMAT_LOG_ENTRY,
 *   FORMAT_BASE64, FORMAT_CERTIFICATE or FORMAT_PUBLIC_KEY; LimitError
 */
export function parseBundle(input: Uint8Array | string, options: BundleParserOptions = {}): UnverifiedBundle {
  const fields = new JsonFields(parseJson(input, 'the bundle', CODE, LIMITS), 'bundle', CODE);
  const mediaType = fields.string('mediaType');
  // Before the members are judged: another version may have others.
  const version = bundleVersion(mediaType);
  fields.only('mediaType', 'verificationMaterial', 'messageSignature', 'dsseEnvelope');
  const material = fields.object('verificationMaterial');
  material.only('publicKey', 'x509CertificateChain', 'certificate', 'tlogEntries', 'timestampVerificationData');
  const bundle: UnverifiedBundle & { version: BundleVersion } = {
    mediaType,
    version,
    material: parseMaterial(material, version !== '0.3' || options.allowCertificateChain === true),
    tlogEntries: material.objects('tlogEntries', MAX_ENTRIES).map((entry) => parseEntry(entry, version)),
    timestamps: parseTimestamps(material),
    content: parseContent(fields),
  };
  checkKeyId(bundle);
  return bundle;
}

function parseMaterial(fields: JsonFields, isChainAllowed: boolean): BundleMaterial {
  const chain = fields.optionalObject('x509CertificateChain');
  const single = fields.optionalObject('certificate');
  const key = fields.optionalObject('publicKey');
  exactlyOne(fields.path, { x509CertificateChain: chain, certificate: single, publicKey: key });
  if (key !== undefined) {
    const hint = key.only('hint').optionalString('hint') ?? '';
    if (hint.length > MAX_HINT_LENGTH) throw broken(`${key.path}.hint is too long`, `${hint.length} characters`);
    return { kind: 'publicKey', hint };
  }
  if (chain === undefined) {
    const der = single?.only('rawBytes').bytes('rawBytes') ?? new Uint8Array(0);
    return { kind: 'certificate', certificate: Certificate.parse(der), intermediates: [] };
  }
  if (!isChainAllowed) throw broken(`${chain.path} is not allowed in bundle v0.3`, 'a chain', 'a single certificate');
  return parseChain(chain);
}

function parseChain(fields: JsonFields): BundleMaterial {
  const [certificate, ...intermediates] = fields
    .only('certificates')
    .objects('certificates', MAX_CHAIN)
    .map((element) => Certificate.parse(element.only('rawBytes').bytes('rawBytes')));
  if (certificate === undefined) throw broken(`${fields.path} is empty`, 'no certificate', 'at least the leaf');
  // A root that travels with what it should prove invites verifiers to believe it (client specification, signing).
  const root = intermediates.find(({ subject, issuer }) => equalBytes(subject.raw, issuer.raw));
  if (root !== undefined) {
    throw broken(`${fields.path} holds a root certificate`, root.subject.commonName ?? 'a self-issued certificate');
  }
  return { kind: 'certificate', certificate, intermediates };
}

function parseEntry(fields: JsonFields, version: BundleVersion): TransparencyLogEntry {
  const entry = logEntryFrom(fields);
  if (version === '0.1' && entry.inclusionPromise === undefined) {
    throw broken(`${fields.path} has no inclusion promise`, 'bundle v0.1', 'a signed entry timestamp in every entry');
  }
  if (version !== '0.1' && entry.inclusionProof === undefined) {
    throw broken(`${fields.path} has no inclusion proof`, `bundle v${version}`, 'an inclusion proof in every entry');
  }
  return entry;
}

function parseTimestamps(material: JsonFields): readonly Uint8Array[] {
  const data = material.optionalObject('timestampVerificationData')?.only('rfc3161Timestamps');
  return (data?.objects('rfc3161Timestamps', MAX_TIMESTAMPS) ?? []).map((timestamp) =>
    timestamp.only('signedTimestamp').bytes('signedTimestamp'),
  );
}

function parseContent(fields: JsonFields): BundleContent {
  const message = fields.optionalObject('messageSignature');
  const envelope = fields.optionalObject('dsseEnvelope');
  exactlyOne(fields.path, { messageSignature: message, dsseEnvelope: envelope });
  if (message !== undefined) {
    const digest = message.only('messageDigest', 'signature').optionalObject('messageDigest');
    const signature = message.bytes('signature');
    if (signature.length === 0) throw broken(`${message.path}.signature is empty`, 'no bytes');
    return { kind: 'message', signature, ...(digest === undefined ? {} : { digest: parseHashOutput(digest) }) };
  }
  const parsed = envelopeFrom(envelope ?? fields.object('dsseEnvelope'));
  // Several signatures would leave open which of them the certificate, the log and the timestamps speak of.
  if (parsed.signatures.length !== 1) {
    throw broken('bundle.dsseEnvelope.signatures is not one signature', String(parsed.signatures.length), '1');
  }
  return { kind: 'dsse', envelope: parsed };
}

/** An envelope's key id, where it has one, names the same key as the bundle's hint. cosign leaves it empty. */
function checkKeyId({ material, content }: UnverifiedBundle): void {
  if (material.kind !== 'publicKey' || content.kind !== 'dsse' || material.hint === '') return;
  const keyId = content.envelope.signatures[0]?.keyId ?? '';
  if (keyId === '' || keyId === material.hint) return;
  throw broken("the envelope's key id differs from the bundle's key hint", keyId.slice(0, 128), material.hint);
}

function exactlyOne(path: string, members: Readonly<Record<string, JsonFields | undefined>>): void {
  const present = Object.keys(members).filter((name) => members[name] !== undefined);
  if (present.length === 1) return;
  throw broken(
    `${path} has ${present.length === 0 ? 'none' : 'more than one'} of its alternatives`,
    present.length === 0 ? 'none' : present.join(', '),
    `exactly one of ${Object.keys(members).join(', ')}`,
  );
}

function broken(message: string, found: string, expected?: string): FormatError {
  return new FormatError(CODE, message, { found, ...(expected === undefined ? {} : { expected }) });
}
