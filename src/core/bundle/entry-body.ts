import type { KeyDetailsName } from '../crypto/key-details.ts';
import { encodeBase64, parseBase64 } from '../encoding/base64.ts';
import { utf8 } from '../encoding/bytes.ts';
import { JsonFields } from '../encoding/json-fields.ts';
import { parseJson } from '../encoding/json.ts';
import { parsePem } from '../encoding/pem.ts';
import { parseUtf8 } from '../encoding/utf8.ts';
import { FormatError } from '../../errors.ts';
import { parseHashOutput, parseHexHash, protoHashName, type NamedDigest } from './hash-name.ts';
import type { TransparencyLogEntry } from './log-entry.ts';

/** Who is said to have signed: a certificate's or a SubjectPublicKeyInfo's DER, as logged. */
export interface LoggedVerifier {
  readonly kind: 'certificate' | 'publicKey';
  readonly der: Uint8Array;
}

/** What a log's entry says was signed, with what, by whom. It says so; nobody has checked the signature. */
export interface EntryBody {
  readonly api: 'rekor-v1' | 'rekor-v2';
  /** The entry kind of Rekor. */
  readonly kind: 'hashedrekord' | 'rekord' | 'dsse' | 'intoto';
  /** What `digest` is of: the signed bytes, an envelope's payload, or the envelope as it was uploaded. */
  readonly digestOf: 'signed bytes' | 'payload' | 'envelope';
  readonly digest: NamedDigest;
  /** Undefined where only the envelope's digest says which signature it is (intoto 0.0.1). */
  readonly signature: Uint8Array | undefined;
  readonly verifier: LoggedVerifier;
}

const CODE = 'FORMAT_LOG_ENTRY';
const LIMITS = { maxBytes: 8 << 20, maxDepth: 16 };

const PARSERS: Readonly<Record<string, (spec: JsonFields) => EntryBody>> = {
  'hashedrekord 0.0.1': hashedRekordV1,
  'rekord 0.0.1': rekordV1,
  'dsse 0.0.1': dsseV1,
  'intoto 0.0.1': intotoV001,
  'intoto 0.0.2': intotoV002,
  'hashedrekord 0.0.2': hashedRekordV2,
};

/**
 * The body of an entry, by the kind that the entry declares.
 *
 * @throws FormatError FORMAT_LOG_ENTRY for kinds that are not read, for a body of another kind than declared, and for
 *   bodies that lack a member; FORMAT_BASE64, FORMAT_PEM
 */
export function parseEntryBody(entry: Pick<TransparencyLogEntry, 'kind' | 'version' | 'body'>): EntryBody {
  const declared = `${entry.kind} ${entry.version}`;
  const parse = Object.hasOwn(PARSERS, declared) ? PARSERS[declared] : undefined;
  if (parse === undefined) {
    throw new FormatError(CODE, 'the log entry is of a kind that is not read', {
      found: declared.slice(0, 128),
      expected: Object.keys(PARSERS).join(', '),
    });
  }
  const fields = new JsonFields(parseJson(entry.body, "the log entry's body", CODE, LIMITS), 'body', CODE);
  const actual = `${fields.string('kind')} ${fields.string('apiVersion')}`;
  if (actual !== declared) {
    throw new FormatError(CODE, "the log entry's body is of another kind than the entry declares", {
      found: actual.slice(0, 128),
      expected: declared,
    });
  }
  return parse(fields.object('spec'));
}

function hashedRekordV1(spec: JsonFields): EntryBody {
  const signature = spec.object('signature');
  return {
    api: 'rekor-v1',
    kind: 'hashedrekord',
    digestOf: 'signed bytes',
    digest: parseHexHash(spec.object('data').object('hash')),
    signature: signature.bytes('content'),
    verifier: pemVerifier(signature.object('publicKey'), 'content'),
  };
}

/** What cosign's first versions logged; signatures in formats other than X.509's are not cosign's. */
function rekordV1(spec: JsonFields): EntryBody {
  const format = spec.object('signature').string('format');
  if (format === 'x509') return { ...hashedRekordV1(spec), kind: 'rekord' };
  throw new FormatError(CODE, 'the log entry is for a kind of signature that is not read', {
    found: format.slice(0, 64),
    expected: 'x509',
  });
}

function dsseV1(spec: JsonFields): EntryBody {
  const signature = onlySignature(spec);
  return {
    api: 'rekor-v1',
    kind: 'dsse',
    digestOf: 'payload',
    digest: parseHexHash(spec.object('payloadHash')),
    signature: signature.bytes('signature'),
    verifier: pemVerifier(signature, 'verifier'),
  };
}

/** Holds the envelope's digest and the key, and no signature. */
function intotoV001(spec: JsonFields): EntryBody {
  return {
    api: 'rekor-v1',
    kind: 'intoto',
    digestOf: 'envelope',
    digest: parseHexHash(spec.object('content').object('hash')),
    signature: undefined,
    verifier: pemVerifier(spec, 'publicKey'),
  };
}

function intotoV002(spec: JsonFields): EntryBody {
  const content = spec.object('content');
  const signature = onlySignature(content.object('envelope'));
  // This kind holds the envelope's base64 in base64.
  const inner = parseUtf8(signature.bytes('sig'), CODE, `${signature.path}.sig`);
  return {
    api: 'rekor-v1',
    kind: 'intoto',
    digestOf: 'payload',
    digest: parseHexHash(content.object('payloadHash')),
    signature: parseBase64(inner, `${signature.path}.sig`),
    verifier: pemVerifier(signature, 'publicKey'),
  };
}

function hashedRekordV2(spec: JsonFields): EntryBody {
  const record = spec.object('hashedRekordV002');
  const signature = record.object('signature');
  const verifier = signature.object('verifier');
  const certificate = verifier.optionalObject('x509Certificate');
  const key = certificate ?? verifier.object('publicKey');
  return {
    api: 'rekor-v2',
    kind: 'hashedrekord',
    digestOf: 'signed bytes',
    digest: parseHashOutput(record.object('data')),
    signature: signature.bytes('content'),
    verifier: { kind: certificate === undefined ? 'publicKey' : 'certificate', der: key.bytes('rawBytes') },
  };
}

/** A bundle's envelope has exactly one signature, so its entry has too. */
function onlySignature(fields: JsonFields): JsonFields {
  const [only, ...others] = fields.objects('signatures', 16);
  if (only !== undefined && others.length === 0) return only;
  throw new FormatError(CODE, `${fields.path}.signatures is not one signature`, {
    found: String(others.length + (only === undefined ? 0 : 1)),
    expected: '1',
  });
}

/** base64 of PEM; of a chain, the first block is the signer's. */
function pemVerifier(fields: JsonFields, name: string): LoggedVerifier {
  const path = `${fields.path}.${name}`;
  const [block] = parsePem(parseUtf8(fields.bytes(name), CODE, path), path);
  if (block?.label === 'CERTIFICATE') return { kind: 'certificate', der: block.der };
  if (block?.label === 'PUBLIC KEY') return { kind: 'publicKey', der: block.der };
  throw new FormatError(CODE, `${path} is neither a certificate nor a public key`, {
    found: block?.label ?? 'nothing',
  });
}

/** What Rekor v2 needs to write its entry, and what a verifier needs to write it again. */
export interface HashedRekordInput {
  readonly digest: NamedDigest;
  readonly signature: Uint8Array;
  readonly verifier: LoggedVerifier;
  readonly keyDetails: KeyDetailsName;
}

/**
 * The canonical body of hashedrekord 0.0.2: RFC 8785 order, and no character that JSON would escape. Byte-exact, because
 * a verifier hashes its own writing of it instead of believing the one in the bundle.
 */
export function encodeHashedRekordBody({ digest, signature, verifier, keyDetails }: HashedRekordInput): Uint8Array {
  const member = verifier.kind === 'certificate' ? 'x509Certificate' : 'publicKey';
  return utf8(
    `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{` +
      `"data":{"algorithm":"${protoHashName(digest.algorithm)}","digest":"${encodeBase64(digest.digest)}"},` +
      `"signature":{"content":"${encodeBase64(signature)}","verifier":{"keyDetails":"${keyDetails}",` +
      `"${member}":{"rawBytes":"${encodeBase64(verifier.der)}"}}}}}}`,
  );
}
