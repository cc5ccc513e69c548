import { parseBundle } from '../../core/bundle/bundle.ts';
import { readAttestationLayer, readSignatureLayer } from '../../core/bundle/signature-layer.ts';
import { sha256 } from '../../core/crypto/digest.ts';
import { encodeBase64 } from '../../core/encoding/base64.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson, type JsonObject } from '../../core/encoding/json.ts';
import { Digest } from '../../core/image/digest.ts';
import { parseReference } from '../../core/image/reference.ts';
import { FormatError } from '../../errors.ts';
import type { FoundSignature, FoundSignatures } from '../verify/image-signatures.ts';

/**
 * Where what was found about images outlives the process, and is found by other replicas. Believed with nothing: what comes out of
 * it is verified like what comes from a registry. Whoever can write to it can keep old evidence in use, and make none up.
 *
 * All throw SealwrightErrors alone. Nobody waits for a store for longer than about a second.
 */
export interface EvidenceStore {
  /** The text that was put under the name by whoever found it last; undefined when there is none, or nobody can tell now. */
  get(name: string): Promise<string | undefined>;
  /** Kept on return, unless something younger is there, or nothing can be kept now. @param foundAt by which the oldest are forgotten */
  put(name: string, foundAt: Date, text: string): Promise<void>;
  /** When everything that was put is kept, or cannot be. */
  close(): Promise<void>;
}

export interface StoredEvidence {
  readonly found: FoundSignatures;
  readonly foundAt: Date;
}

const VERSION = 1;
/** Hexadecimal digits of SHA-256, and the line feed after them. */
const HEAD_LENGTH = 65;
const LIMITS = { maxBytes: 256 << 20, maxDepth: 16 };
const MAX_SIGNATURES = 10_000;
const FORMATS = ['bundle', 'legacy', 'oci-1-1-experiment'] as const;

/**
 * What could be read; what could not, or is in another format, is asked for again before anything is refused for it. In front of it
 * its digest together with the name: a row that was damaged, or stands under another's name, is told from one that was not.
 */
export function encodeStoredEvidence(name: string, { found, foundAt }: StoredEvidence): string {
  const json = JSON.stringify({
    version: VERSION,
    foundAt: foundAt.toISOString(),
    reference: found.reference.toString(),
    digest: found.digest.toString(),
    hasAttestations: found.predicateTypes === 'any',
    signatures: found.signatures.map(signatureJson),
  });
  return `${digestOf(name, json)}\n${json}`;
}

function digestOf(name: string, json: string): string {
  return encodeHex(sha256(utf8(`${name}\n${json}`)));
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
 * @param name           that it was put under
 * @param predicateTypes that count as signatures where attestations were not fetched
 * @throws FormatError FORMAT_JSON, or with the code of the part that is damaged; LimitError
 */
export function parseStoredEvidence(name: string, text: string, predicateTypes: readonly string[]): StoredEvidence {
  const json = text.slice(HEAD_LENGTH);
  if (text.slice(0, HEAD_LENGTH) !== `${digestOf(name, json)}\n`) {
    throw new FormatError('FORMAT_JSON', 'stored evidence is damaged, or that of something else', {
      found: name,
      expected: 'the digest that it was stored with',
    });
  }
  const fields = new JsonFields(parseJson(json, 'the evidence', 'FORMAT_JSON', LIMITS), 'evidence', 'FORMAT_JSON');
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
