/** Keys, certificates, timestamps, notes, bundles: what a signature is made of. */
import { parseEnvelope } from '../../src/core/attestation/dsse.ts';
import { parseStatement } from '../../src/core/attestation/statement.ts';
import { encodeBundle } from '../../src/core/bundle/bundle-encoder.ts';
import { parseBundle } from '../../src/core/bundle/bundle.ts';
import { parseEntryBody } from '../../src/core/bundle/entry-body.ts';
import { logEntryJson, parseLogEntry } from '../../src/core/bundle/log-entry.ts';
import { decryptPrivateKey, encryptPrivateKey } from '../../src/core/crypto/encrypted-key.ts';
import { parseKeyDetails } from '../../src/core/crypto/key-details.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { PublicKey } from '../../src/core/crypto/public-key.ts';
import { parseBase64, parseBase64Url, parseProtoBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { DerElement } from '../../src/core/encoding/der-reader.ts';
import { parseHex } from '../../src/core/encoding/hex.ts';
import { canonicalJson, parseJson } from '../../src/core/encoding/json.ts';
import { encodePem, parsePem } from '../../src/core/encoding/pem.ts';
import { parseUtf8 } from '../../src/core/encoding/utf8.ts';
import { CertificateRequest } from '../../src/core/pki/certificate-request.ts';
import { Certificate } from '../../src/core/pki/certificate.ts';
import { readFulcioExtensions } from '../../src/core/pki/fulcio-extensions.ts';
import { encodeSct, encodeSctList, parseSct, parseSctList } from '../../src/core/pki/sct.ts';
import { parseTimestampRequest } from '../../src/core/pki/timestamp-request.ts';
import { parseTimestampResponse } from '../../src/core/pki/timestamp-response.ts';
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts';
import { parseSignedNote } from '../../src/core/tlog/signed-note.ts';
import { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';
import { verifyBundle } from '../../src/core/verify/verify-bundle.ts';
import { certificateRequest } from '../servers/ca/lab.ts';
import { ALICE, dsseV1, hashedRekordV1, intotoV1, stamp, statementAbout } from '../support/instance.ts';
import { encodeCtTileLeaf, parseCtDataTile } from '../../src/core/tlog/ct-data-tile.ts';
import { encodeBundledEntry, parseEntryBundle } from '../../src/core/tlog/entry-bundle.ts';
import { HashTile } from '../../src/core/tlog/hash-tile.ts';
import { parseTileName } from '../../src/core/tlog/tile-name.ts';
import {
  FORMAT,
  text,
  INSTANCE,
  ARTIFACT,
  KEY,
  DRAFTS,
  ENTRIES,
  LEAF,
  CERTIFICATES,
  LOGGED,
  TIMESTAMP_REQUEST,
  CHECKPOINTS,
  CLAIMS,
  vectors,
  json,
  type FuzzedParser,
} from './samples.ts';

const BUNDLES = [
  ...DRAFTS.map(encodeBundle),
  JSON.stringify(INSTANCE.olderJson(DRAFTS[1]!, '0.1')),
  JSON.stringify(INSTANCE.olderJson(DRAFTS[1]!, '0.2')),
];

const PEMS = [LEAF.toPem() + INSTANCE.root.certificate.toPem(), ...vectors('pki', '.pem')];

const CSR = certificateRequest(KEY);

const SCT = INSTANCE.sct(LEAF.tbs, INSTANCE.intermediate.certificate);

const STAMPS = [stamp(ARTIFACT, INSTANCE.tsa), stamp(ARTIFACT, INSTANCE.tsa, { embed: false, hash: 'sha512' })];

/** Everything that is read only when asked for. */
function readCertificate(certificate: Certificate): unknown {
  return [
    certificate.fingerprint,
    certificate.isCa,
    certificate.pathLength,
    certificate.keyUsage,
    certificate.extendedKeyUsage,
    certificate.subjectAltNames,
    certificate.isSignedBy(certificate),
    certificate.isValidAt(new Date()),
    readFulcioExtensions(certificate),
  ];
}

function walkDer(element: DerElement): void {
  const readers = [
    'boolean',
    'integer',
    'oid',
    'octets',
    'bits',
    'namedBits',
    'text',
    'time',
    'fractionalTime',
  ] as const;
  for (const reader of readers) {
    try {
      element[reader]();
    } catch (error) {
      if ((error as { family?: string }).family !== 'format') throw error;
    }
  }
  if ((element.tag & 0x20) !== 0) element.children().forEach(walkDer);
}

/** A bundle that still verifies is Alice's, and over this artifact. */
function verifyDamaged(bytes: Uint8Array): void {
  const bundle = parseBundle(bytes);
  const verified = verifyBundle({
    bundle,
    artifact: { kind: 'bytes', bytes: ARTIFACT },
    trustedRoot: INSTANCE.trustedRoot,
    signer: { kind: 'identities', identities: [ALICE] },
  });
  if (!VerifiedBundle.isVerified(verified)) throw new Error('not a verified bundle');
}

const CT_TILES = [
  encodeCtTileLeaf({
    timestamp: 1n,
    leafIndex: 5n,
    entry: { kind: 'precert', issuerKeyHash: new Uint8Array(32), tbs: LEAF.tbs },
    precertificate: LEAF.raw,
    chain: [new Uint8Array(32)],
  }),
];

export const SIGNATURE_PARSERS: readonly FuzzedParser[] = [
  {
    name: 'core/attestation/dsse.ts: parseEnvelope',
    families: FORMAT,
    parse: parseEnvelope,
    samples: json(INSTANCE.json(DRAFTS[2]!)['dsseEnvelope']),
  },
  {
    name: 'core/attestation/statement.ts: parseStatement',
    families: FORMAT,
    parse: parseStatement,
    samples: [statementAbout(ARTIFACT)],
  },
  {
    name: 'core/bundle/log-entry.ts: parseLogEntry',
    families: FORMAT,
    parse: parseLogEntry,
    samples: json(...ENTRIES.map(logEntryJson)),
  },
  ...(
    [
      ['hashedrekord', '0.0.1', hashedRekordV1(LOGGED)],
      ['dsse', '0.0.1', dsseV1(LOGGED)],
      ['intoto', '0.0.2', intotoV1(LOGGED)],
      ['hashedrekord', '0.0.2', ENTRIES[0]!.body],
    ] as const
  ).map(([kind, version, sample]) => ({
    name: 'core/bundle/entry-body.ts: parseEntryBody',
    families: FORMAT,
    parse: (body: Uint8Array) => parseEntryBody({ kind, version, body }),
    samples: [sample],
  })),
  {
    name: 'core/crypto/key-details.ts: parseKeyDetails',
    families: FORMAT,
    parse: (bytes) => parseKeyDetails(text(bytes)),
    samples: ['PKIX_ED25519', 'PKIX_ECDSA_P256_SHA_256'],
  },
  {
    name: 'core/crypto/encrypted-key.ts: decryptPrivateKey',
    families: [...FORMAT, 'usage'],
    parse: (bytes) => decryptPrivateKey(text(bytes), utf8('hello')),
    samples: [encryptPrivateKey(KEY, utf8('hello')), ...vectors('keys', 'sigstore-ec.pem')],
    // scrypt takes tens of milliseconds whenever the damage left its parameters alone.
    rounds: 60,
  },
  {
    name: 'core/crypto/private-key.ts: fromPkcs8',
    families: FORMAT,
    parse: (bytes) => PrivateKey.fromPkcs8(bytes),
    samples: [KEY.toPkcs8(), PrivateKey.generate('ed25519').toPkcs8()],
  },
  {
    name: 'core/crypto/private-key.ts: fromPem',
    families: FORMAT,
    parse: (bytes) => PrivateKey.fromPem(text(bytes)),
    samples: [encodePem('PRIVATE KEY', KEY.toPkcs8())],
  },
  {
    name: 'core/crypto/public-key.ts: fromSpki',
    families: FORMAT,
    parse: (bytes) => PublicKey.fromSpki(bytes).id,
    samples: [KEY.publicKey.spki, PrivateKey.generate('rsa').publicKey.spki],
  },
  {
    name: 'core/crypto/public-key.ts: fromPkcs1',
    families: FORMAT,
    parse: (bytes) => PublicKey.fromPkcs1(bytes),
    samples: [PrivateKey.generate('rsa').publicKey.spki.subarray(24)],
  },
  {
    name: 'core/crypto/public-key.ts: fromPem',
    families: FORMAT,
    parse: (bytes) => PublicKey.fromPem(text(bytes)),
    samples: [KEY.publicKey.toPem()],
  },
  {
    name: 'core/encoding/base64.ts: parseBase64',
    families: FORMAT,
    parse: (bytes) => parseBase64(text(bytes)),
    samples: ['aGVsbG8=', 'AAAA'],
  },
  {
    name: 'core/encoding/base64.ts: parseBase64Url',
    families: FORMAT,
    parse: (bytes) => parseBase64Url(text(bytes)),
    samples: ['aGVsbG8', '-_-_'],
  },
  {
    name: 'core/encoding/base64.ts: parseProtoBase64',
    families: FORMAT,
    parse: (bytes) => parseProtoBase64(text(bytes)),
    samples: ['aGVsbG8=', '-_-_'],
  },
  {
    name: 'core/encoding/der-reader.ts: parse',
    families: FORMAT,
    parse: (bytes) => {
      walkDer(DerElement.parse(bytes));
    },
    samples: [...CERTIFICATES, ...STAMPS],
  },
  {
    name: 'core/encoding/hex.ts: parseHex',
    families: FORMAT,
    parse: (bytes) => parseHex(text(bytes)),
    samples: ['00ff', 'abcdef'],
  },
  {
    name: 'core/encoding/json.ts: parseJson',
    families: FORMAT,
    parse: (bytes) => canonicalJson(parseJson(bytes, 'it')),
    samples: [...BUNDLES, ...json(CLAIMS)],
  },
  {
    name: 'core/encoding/utf8.ts: parseUtf8',
    families: FORMAT,
    parse: (bytes) => parseUtf8(bytes, 'FORMAT_JSON', 'it'),
    samples: ['grüße \u{1f600}'],
  },
  {
    name: 'core/pki/certificate-request.ts: fromPem',
    families: FORMAT,
    parse: (bytes) => CertificateRequest.fromPem(text(bytes)).isSignedByItsKey(),
    samples: [CSR],
  },
  {
    name: 'core/pki/certificate.ts: parse',
    families: FORMAT,
    parse: (bytes) => readCertificate(Certificate.parse(bytes)),
    samples: CERTIFICATES,
  },
  {
    name: 'core/pki/certificate.ts: fromPem',
    families: FORMAT,
    parse: (bytes) => Certificate.fromPem(text(bytes)),
    samples: PEMS,
  },
  {
    name: 'core/pki/certificate.ts: allFromPem',
    families: FORMAT,
    parse: (bytes) => Certificate.allFromPem(text(bytes)),
    samples: PEMS,
  },
  {
    name: 'core/pki/sct.ts: parseSctList',
    families: FORMAT,
    parse: parseSctList,
    samples: [encodeSctList([SCT]), encodeSctList([SCT, SCT])],
  },
  {
    name: 'core/pki/timestamp-request.ts: parseTimestampRequest',
    families: FORMAT,
    parse: parseTimestampRequest,
    samples: [TIMESTAMP_REQUEST],
  },
  {
    name: 'core/pki/timestamp-response.ts: parseTimestampResponse',
    families: FORMAT,
    parse: parseTimestampResponse,
    samples: STAMPS,
  },
  {
    name: 'core/tlog/checkpoint.ts: parseCheckpoint',
    families: FORMAT,
    parse: (bytes) => parseCheckpoint(Buffer.from(bytes).toString()),
    samples: CHECKPOINTS,
  },
  {
    name: 'core/tlog/signed-note.ts: parseSignedNote',
    families: FORMAT,
    parse: (bytes) => parseSignedNote(Buffer.from(bytes).toString()),
    samples: CHECKPOINTS,
  },
  {
    name: 'core/verify/verify-bundle.ts: verifyBundle',
    families: [...FORMAT, 'verification'],
    parse: verifyDamaged,
    samples: BUNDLES.slice(0, 3),
  },
  {
    name: 'core/tlog/ct-data-tile.ts: parseCtDataTile',
    families: FORMAT,
    parse: parseCtDataTile,
    samples: CT_TILES,
  },
  {
    name: 'core/tlog/entry-bundle.ts: parseEntryBundle',
    families: FORMAT,
    parse: parseEntryBundle,
    samples: [Buffer.concat(['', 'a', 'hello'].map((entry) => encodeBundledEntry(utf8(entry))))],
  },
  {
    name: 'core/tlog/hash-tile.ts: parse',
    families: FORMAT,
    parse: (bytes) => HashTile.parse(bytes, 3),
    samples: [new Uint8Array(96)],
  },
  {
    name: 'core/tlog/tile-name.ts: parseTileName',
    families: FORMAT,
    parse: (bytes) => parseTileName(text(bytes)),
    samples: ['tile/0/x001/x234/067', 'tile/entries/x019/669', 'tile/1/000.p/8', 'tile/data/003'],
  },
  { name: 'core/bundle/bundle.ts: parseBundle', families: FORMAT, parse: parseBundle, samples: BUNDLES },
  { name: 'core/encoding/pem.ts: parsePem', families: FORMAT, parse: (bytes) => parsePem(text(bytes)), samples: PEMS },
  { name: 'core/pki/sct.ts: parseSct', families: FORMAT, parse: parseSct, samples: [encodeSct(SCT)] },
];
