import { parseBundle } from '../core/bundle/bundle.ts';
import { readAttestationLayer, readSignatureLayer } from '../core/bundle/signature-layer.ts';
import { encodeBase64 } from '../core/encoding/base64.ts';
import { JsonFields } from '../core/encoding/json-fields.ts';
import { parseJson, type JsonObject } from '../core/encoding/json.ts';
import { Digest } from '../core/image/digest.ts';
import { parseReference } from '../core/image/reference.ts';
import { FormatError } from '../errors.ts';
import type { FoundSignature, FoundSignatures } from './image-signatures.ts';

/**
 * Where what was found about images outlives the process. Believed with nothing: what comes out of it is verified like what
 * comes from a registry. Whoever can write to it can keep old evidence in use, within the age limits, and make none up.
 */
export interface EvidenceStore {
  /** The text that was put under the name last. */
  get(name: string): string | undefined;
  /** Durable on return. @param foundAt by which the oldest are forgotten */
  put(name: string, foundAt: Date, text: string): void;
  close(): void;
}

export interface StoredEvidence {
  readonly found: FoundSignatures;
  readonly foundAt: Date;
}

const VERSION = 1;
const LIMITS = { maxBytes: 256 << 20, maxDepth: 16 };
const MAX_SIGNATURES = 10_000;
const FORMATS = ['bundle', 'legacy', 'oci-1-1-experiment'] as const;

/** What could be read; what could not, or is in another format, is asked for again before anything is refused for it. */
export function encodeStoredEvidence({ found, foundAt }: StoredEvidence): string {
  return JSON.stringify({
    version: VERSION,
    foundAt: foundAt.toISOString(),
    reference: found.reference.toString(),
    digest: found.digest.toString(),
    hasAttestations: found.predicateTypes === 'any',
    signatures: found.signatures.map(signatureJson),
  });
}

function signatureJson({ format, json, layer, bundle, manifestDigest }: FoundSignature): JsonObject {
  const common = { format, manifestDigest: manifestDigest.toString() };
  if (layer === undefined) return { ...common, json: json ?? '' };
  return {
    ...common,
    isAttestation: bundle.content.kind === 'dsse',
    content: encodeBase64(layer.content),
    annotations: { ...layer.annotations },
    layerDigest: layer.layerDigest.toString(),
  };
}

/**
 * @param predicateTypes that count as signatures where attestations were not fetched
 * @throws FormatError FORMAT_JSON, or with the code of the part that is damaged; LimitError
 */
export function parseStoredEvidence(text: Uint8Array | string, predicateTypes: readonly string[]): StoredEvidence {
  const fields = new JsonFields(parseJson(text, 'the evidence', 'FORMAT_JSON', LIMITS), 'evidence', 'FORMAT_JSON');
  fields.only('version', 'foundAt', 'reference', 'digest', 'hasAttestations', 'signatures');
  const foundAt = new Date(fields.string('foundAt'));
  if (fields.integer('version') !== VERSION || Number.isNaN(foundAt.getTime())) {
    throw new FormatError('FORMAT_JSON', 'the evidence is of another version', { expected: String(VERSION) });
  }
  return {
    foundAt,
    found: {
      reference: parseReference(fields.string('reference')),
      digest: Digest.parse(fields.string('digest')),
      isTagResolved: false,
      predicateTypes: fields.optionalBoolean('hasAttestations') === true ? 'any' : predicateTypes,
      signatures: fields.objects('signatures', MAX_SIGNATURES).map(parseSignature),
      otherPredicateTypes: [],
      unreadFormats: [],
      unusable: [],
    },
  };
}

function parseSignature(fields: JsonFields): FoundSignature {
  const name = fields.string('format');
  const format = FORMATS.find((known) => known === name);
  if (format === undefined) {
    throw new FormatError('FORMAT_JSON', `${fields.path}.format is unknown`, { found: name.slice(0, 50) });
  }
  const manifestDigest = Digest.parse(fields.string('manifestDigest'));
  if (format === 'bundle') {
    const json = fields.string('json');
    return { format, bundle: parseBundle(json), json, manifestDigest };
  }
  const content = fields.bytes('content');
  const given = fields.object('annotations');
  const annotations = Object.fromEntries(given.names().map((key) => [key, given.string(key)]));
  const read = fields.optionalBoolean('isAttestation') === true ? readAttestationLayer : readSignatureLayer;
  const layer = { content, annotations, layerDigest: Digest.parse(fields.string('layerDigest')), manifestDigest };
  return { format, bundle: read(content, annotations), layer, manifestDigest };
}
