import { parseEnvelope } from '../attestation/dsse.ts';
import { encodeBase64, parseBase64 } from '../encoding/base64.ts';
import { equalBytes } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { encodePem, parsePem } from '../encoding/pem.ts';
import { Certificate } from '../pki/certificate.ts';
import { FormatError, InvariantError } from '../../errors.ts';
import type { BundleContent, BundleMaterial, UnverifiedBundle } from './bundle.ts';
import type { TransparencyLogEntry } from './log-entry.ts';
import { parseRekorBundle, rekorBundleJson } from './rekor-bundle.ts';
import { parseSimpleSigning } from './simple-signing.ts';

/** Names of the annotations in which cosign kept a signature's parts before bundles (cosign.md §3.2). */
export const LAYER_ANNOTATIONS = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  rekorBundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
  predicateType: 'predicateType',
} as const;

type Annotations = Readonly<Record<string, string>>;

/**
 * Which certificates of the chain beside a layer's own may lead to a root: all that are none (the default), or as few as cosign
 * takes, for which the last one is the root whatever it is, and none counts where intermediates are known otherwise.
 */
export type LayerChain = 'intermediates' | 'all-but-last' | 'none';

/** How strictly a layer is read. */
export interface LayerReading {
  readonly chain?: LayerChain;
  /** As cosign: a log entry that cannot be read is as good as none, where none is demanded; otherwise the whole layer is refused. */
  readonly dropsUnreadableEntry?: boolean;
}

const CODE = 'FORMAT_SIGNATURE_LAYER';
const MAX_CHAIN = 10;
const TIMESTAMP_LIMITS = { maxBytes: 1 << 20, maxDepth: 4 };

/**
 * A layer of a `.sig` tag as a signed entity: the payload is what was signed, everything else is in the annotations.
 *
 * @param payload     the layer's content, byte for byte
 * @param annotations of the layer's descriptor
 * @throws FormatError FORMAT_SIGNATURE_LAYER, FORMAT_SIMPLE_SIGNING, FORMAT_BASE64, FORMAT_PEM, FORMAT_CERTIFICATE,
 *   FORMAT_LOG_ENTRY; LimitError
 */
export function readSignatureLayer(
  payload: Uint8Array,
  annotations: Annotations,
  reading: LayerReading = {},
): UnverifiedBundle {
  const signature = signatureOf(annotations);
  if (signature.length === 0) {
    throw new FormatError(CODE, 'the layer has no signature', {
      found: `an empty annotation ${LAYER_ANNOTATIONS.signature}`,
      expected: 'the signature in base64',
    });
  }
  return {
    ...partsOf(annotations, reading),
    content: { kind: 'simpleSigning', payload: parseSimpleSigning(payload), signed: payload, signature },
  };
}

/**
 * A layer of an `.att` tag as a signed entity: the content is a DSSE envelope, which has its signature inside.
 *
 * @throws FormatError as {@link readSignatureLayer}, and FORMAT_ENVELOPE; LimitError
 */
export function readAttestationLayer(
  envelope: Uint8Array,
  annotations: Annotations,
  reading: LayerReading = {},
): UnverifiedBundle {
  signatureOf(annotations);
  return { ...partsOf(annotations, reading), content: storedEnvelope(envelope) };
}

/** An envelope that is stored by itself, its signature's other parts elsewhere. @throws FormatError; LimitError */
export function storedEnvelope(stored: Uint8Array): BundleContent {
  const envelope = parseEnvelope(stored);
  // Several signatures would leave open which of them the certificate, the log and the timestamps speak of.
  if (envelope.signatures.length === 1) return { kind: 'dsse', envelope, stored };
  throw new FormatError(CODE, 'the envelope has not one signature', {
    found: String(envelope.signatures.length),
    expected: '1',
  });
}

/** What a writer has gathered for one layer. */
export interface LayerParts {
  /** Undefined for attestations, which carry it in the envelope. */
  readonly signature: Uint8Array | undefined;
  readonly certificate?: Pick<Certificate, 'raw'>;
  /** Issuing authority first; nothing is written without a certificate. */
  readonly chain?: readonly Pick<Certificate, 'raw'>[];
  /** With a promise: a proof cannot be kept there. */
  readonly entry?: TransparencyLogEntry;
  /** DER TimeStampResp. */
  readonly timestamp?: Uint8Array;
  readonly predicateType?: string;
}

/** The annotations as cosign writes them. */
export function layerAnnotations(parts: LayerParts): Annotations {
  const { signature, certificate, chain = [], entry, timestamp, predicateType } = parts;
  return {
    [LAYER_ANNOTATIONS.signature]: signature === undefined ? '' : encodeBase64(signature),
    ...(certificate === undefined
      ? {}
      : {
          [LAYER_ANNOTATIONS.certificate]: encodePem('CERTIFICATE', certificate.raw),
          [LAYER_ANNOTATIONS.chain]: chain.map(({ raw }) => encodePem('CERTIFICATE', raw)).join(''),
        }),
    ...(entry === undefined ? {} : { [LAYER_ANNOTATIONS.rekorBundle]: promiseText(entry) }),
    ...(timestamp === undefined
      ? {}
      : { [LAYER_ANNOTATIONS.timestamp]: JSON.stringify({ SignedRFC3161Timestamp: encodeBase64(timestamp) }) }),
    ...(predicateType === undefined ? {} : { [LAYER_ANNOTATIONS.predicateType]: predicateType }),
  };
}

function promiseText(entry: TransparencyLogEntry): string {
  const { inclusionPromise } = entry;
  if (inclusionPromise === undefined) {
    throw new InvariantError('an entry without a promise was to be kept where only promises can be');
  }
  return JSON.stringify(rekorBundleJson({ ...entry, inclusionPromise }));
}

/** cosign reads no layer without this annotation; it is what makes a layer a signature. */
function signatureOf(annotations: Annotations): Uint8Array {
  const text = annotations[LAYER_ANNOTATIONS.signature];
  if (text !== undefined) return parseBase64(text, `the annotation ${LAYER_ANNOTATIONS.signature}`);
  throw new FormatError(CODE, 'the layer is no signature', {
    found: `no annotation ${LAYER_ANNOTATIONS.signature}`,
    expected: 'that annotation, empty for attestations',
  });
}

function partsOf(annotations: Annotations, reading: LayerReading): Omit<UnverifiedBundle, 'content'> {
  const rekorBundle = present(annotations, 'rekorBundle');
  const timestamp = present(annotations, 'timestamp');
  return {
    mediaType: '',
    version: undefined,
    material: materialOf(present(annotations, 'certificate'), present(annotations, 'chain'), reading.chain),
    tlogEntries: rekorBundle === undefined ? [] : entriesOf(rekorBundle, reading),
    timestamps: timestamp === undefined ? [] : [parseTimestampAnnotation(timestamp)],
  };
}

function entriesOf(rekorBundle: string, { dropsUnreadableEntry }: LayerReading): readonly TransparencyLogEntry[] {
  try {
    return [parseRekorBundle(rekorBundle)];
  } catch (error) {
    if (dropsUnreadableEntry === true && error instanceof FormatError) return [];
    throw error;
  }
}

function materialOf(
  certificate: string | undefined,
  chain: string | undefined,
  use: LayerChain = 'intermediates',
): BundleMaterial {
  if (certificate === undefined) return { kind: 'publicKey', hint: '' };
  const [leaf] = parseCertificates(certificate, LAYER_ANNOTATIONS.certificate);
  if (leaf === undefined) throw new InvariantError('PEM text without a block parsed');
  const others = chain === undefined ? [] : parseCertificates(chain, LAYER_ANNOTATIONS.chain);
  // cosign stores the root as well; that it travels with what it should prove makes nobody believe it.
  const usable = { intermediates: others, 'all-but-last': others.slice(0, -1), none: [] }[use];
  const intermediates = usable.filter(({ subject, issuer }) => !equalBytes(subject.raw, issuer.raw));
  return { kind: 'certificate', certificate: leaf, intermediates };
}

function parseCertificates(pem: string, annotation: string): readonly Certificate[] {
  const blocks = parsePem(pem, `the annotation ${annotation}`);
  const stranger = blocks.find(({ label }) => label !== 'CERTIFICATE');
  if (stranger !== undefined || blocks.length > MAX_CHAIN) {
    throw new FormatError(CODE, `the annotation ${annotation} holds something else than certificates`, {
      found: stranger?.label ?? `${blocks.length} blocks`,
      expected: `at most ${MAX_CHAIN} certificates`,
    });
  }
  return blocks.map(({ der }) => Certificate.parse(der));
}

/**
 * The annotation with a timestamp, and the file that `--rfc3161-timestamp` names in cosign's older commands.
 *
 * @returns DER TimeStampResp
 * @throws FormatError FORMAT_SIGNATURE_LAYER or FORMAT_BASE64; LimitError
 */
export function parseTimestampAnnotation(input: Uint8Array | string): Uint8Array {
  const json = parseJson(input, 'the timestamp beside the signature', CODE, TIMESTAMP_LIMITS);
  return new JsonFields(json, 'timestamp', CODE).only('SignedRFC3161Timestamp').bytes('SignedRFC3161Timestamp');
}

/** Empty is absent, as cosign has it. */
function present(annotations: Annotations, name: keyof typeof LAYER_ANNOTATIONS): string | undefined {
  const text = annotations[LAYER_ANNOTATIONS[name]];
  return text === '' ? undefined : text;
}
