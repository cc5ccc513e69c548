/** Every parser of untrusted bytes, with samples to damage and the families of error that it may answer with. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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
import { encodeBase64, parseBase64, parseBase64Url, parseProtoBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { DerElement } from '../../src/core/encoding/der-reader.ts';
import { encodeHex, parseHex } from '../../src/core/encoding/hex.ts';
import { JsonFields } from '../../src/core/encoding/json-fields.ts';
import { canonicalJson, parseJson, type JsonValue } from '../../src/core/encoding/json.ts';
import { encodePem, parsePem } from '../../src/core/encoding/pem.ts';
import { parseUtf8 } from '../../src/core/encoding/utf8.ts';
import { parseIdentityToken } from '../../src/core/identity/identity-token.ts';
import { principalFromClaims } from '../../src/core/identity/principal.ts';
import { checkTokenClaims, tokenPayload } from '../../src/core/identity/token-rules.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { parseManifest } from '../../src/core/image/manifest.ts';
import { parsePlatform } from '../../src/core/image/platform.ts';
import { parseReference, parseRepository } from '../../src/core/image/reference.ts';
import { CertificateRequest } from '../../src/core/pki/certificate-request.ts';
import { Certificate } from '../../src/core/pki/certificate.ts';
import { readFulcioExtensions } from '../../src/core/pki/fulcio-extensions.ts';
import { encodeSct, encodeSctList, parseSct, parseSctList } from '../../src/core/pki/sct.ts';
import { encodeTimestampRequest, parseTimestampRequest } from '../../src/core/pki/timestamp-request.ts';
import { parseTimestampResponse } from '../../src/core/pki/timestamp-response.ts';
import { parseClusterImagePolicies } from '../../src/core/policy/cluster-image-policy-parser.ts';
import { ImageGlob } from '../../src/core/policy/image-glob.ts';
import { parsePolicyDocuments } from '../../src/core/policy/policy-document.ts';
import { readStoredPolicy } from '../../src/core/policy/stand-in-policy.ts';
import { readWorkloadImages } from '../../src/core/policy/workload-images.ts';
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts';
import { parseSignedNote } from '../../src/core/tlog/signed-note.ts';
import { CLIENT_TRUST_CONFIG_V01, parseClientTrustConfig } from '../../src/core/trust/client-trust-config.ts';
import { encodeSigningConfig, parseSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot, parseTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { VerifiedBundle } from '../../src/core/verify/verified-bundle.ts';
import { verifyBundle } from '../../src/core/verify/verify-bundle.ts';
import { parseAdmissionReview } from '../../src/core/wire/admission-review.ts';
import {
  encodeSigningCertificate,
  encodeSigningCertificateRequest,
  parseSigningCertificate,
  parseSigningCertificateRequest,
} from '../../src/core/wire/ca.ts';
import {
  encodeCreateEntryRequest,
  encodeCreateEntryResponse,
  parseCreateEntryRequest,
  parseCreateEntryResponse,
} from '../../src/core/wire/log.ts';
import { parseLogV1Entry } from '../../src/core/wire/log-v1.ts';
import { JSON_REQUEST, parseTimestampBody, TIMESTAMP_QUERY } from '../../src/core/wire/tsa.ts';
import type { ErrorFamily } from '../../src/errors.ts';
import { parseRetryAfter } from '../../src/io/net/retry-policy.ts';
import { parseAuthChallenge } from '../../src/io/registry/auth-challenge.ts';
import { DockerConfig } from '../../src/io/registry/docker-config.ts';
import { parseLegacyRequest } from '../../src/servers/ca/legacy-request.ts';
import { parseAuthorizationRequest, parseResponseTarget } from '../../src/servers/oidc/authorization-request.ts';
import { parseCodeChallenge } from '../../src/servers/oidc/code-challenge.ts';
import { Parameters } from '../../src/servers/oidc/parameters.ts';
import { parseContentRange, parseRange } from '../../src/servers/registry/byte-range.ts';
import { parseRegistryPath } from '../../src/servers/registry/registry-path.ts';
import { encodeSettings, parseSettings } from '../../src/servers/stack/settings.ts';
import { certificateRequest, legacyRequest } from '../servers/ca/lab.ts';
import { pod, review } from '../servers/webhook/review.ts';
import { ALICE, dsseV1, FakeInstance, hashedRekordV1, intotoV1, stamp, statementAbout } from '../support/instance.ts';

export interface FuzzedParser {
  /** `file under src: exported name`, by which the list is kept complete. */
  readonly name: string;
  readonly samples: readonly (Uint8Array | string)[];
  /** Parses, and touches what is read only when asked for. */
  readonly parse: (bytes: Uint8Array) => unknown;
  readonly families: readonly ErrorFamily[];
  /** How often, for what is slow by design. */
  readonly rounds?: number;
}

const FORMAT: readonly ErrorFamily[] = ['format', 'limit'];
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const VECTORS = resolve(import.meta.dirname, '../vectors');
const vectors = (folder: string, ending: string): readonly Uint8Array[] =>
  readdirSync(join(VECTORS, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(VECTORS, folder, name)));

const INSTANCE = new FakeInstance();
const ARTIFACT = utf8('the artifact');
const KEY = PrivateKey.generate('ecdsa-p256');
const DRAFTS = [
  INSTANCE.signMessage(ARTIFACT),
  INSTANCE.signMessage(ARTIFACT, { log: INSTANCE.logV1 }),
  INSTANCE.signStatement(ARTIFACT),
  INSTANCE.signStatement(ARTIFACT, { managed: true, log: INSTANCE.logV1 }),
];
const BUNDLES = [
  ...DRAFTS.map(encodeBundle),
  JSON.stringify(INSTANCE.olderJson(DRAFTS[1]!, '0.1')),
  JSON.stringify(INSTANCE.olderJson(DRAFTS[1]!, '0.2')),
];
const ENTRIES = DRAFTS.map(({ tlogEntries }) => tlogEntries[0]!);
const LEAF = DRAFTS[0]!.certificate!;
const PEMS = [LEAF.toPem() + INSTANCE.root.certificate.toPem(), ...vectors('pki', '.pem')];
const CERTIFICATES = [
  LEAF.raw,
  INSTANCE.root.certificate.raw,
  ...vectors('pki', '.pem').map((pem) => parsePem(text(pem))[0]!.der),
];
const CSR = certificateRequest(KEY);
const LOGGED = {
  digest: { algorithm: 'sha256', digest: new Uint8Array(32) },
  signature: KEY.sign(ARTIFACT),
  verifier: { kind: 'publicKey', der: KEY.publicKey.spki },
} as const;
const SCT = INSTANCE.sct(LEAF.tbs, INSTANCE.intermediate.certificate);
const STAMPS = [stamp(ARTIFACT, INSTANCE.tsa), stamp(ARTIFACT, INSTANCE.tsa, { embed: false, hash: 'sha512' })];
const TIMESTAMP_REQUEST = encodeTimestampRequest({
  messageImprint: { hashAlgorithm: 'sha256', hashedMessage: new Uint8Array(32) },
  policy: '1.3.6.1.4.1.57264.2',
  nonce: Uint8Array.of(1, 2, 3),
  wantsCertificate: true,
});
const CHECKPOINTS = [INSTANCE.logV2.checkpoint(), INSTANCE.logV1.checkpoint()];
const ROOT = encodeTrustedRoot(INSTANCE.trustedRoot);
const SERVICE = {
  url: 'https://ca.example.org',
  majorApiVersion: 1,
  validFor: { start: new Date('2026-01-01T00:00:00Z') },
  operator: 'example.org',
};
const CONFIG = encodeSigningConfig({
  caUrls: [SERVICE],
  oidcUrls: [SERVICE],
  rekorTlogUrls: [SERVICE],
  rekorTlogConfig: { selector: 'ANY' },
  tsaUrls: [SERVICE],
  tsaConfig: { selector: 'EXACT', count: 1 },
});
const CLAIMS = {
  iss: 'https://issuer.example.org',
  sub: '1',
  aud: 'sigstore',
  exp: 1e10,
  email: 'alice@example.com',
  email_verified: true,
  federated_claims: { connector_id: 'x' },
  'kubernetes.io': { namespace: 'a', serviceaccount: { name: 'b' } },
};
const TOKEN = ['{"alg":"ES256"}', JSON.stringify(CLAIMS), 'signature']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const MANIFEST = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: DIGEST, size: 2, data: 'e30=' },
  layers: [{ mediaType: 'application/octet-stream', digest: DIGEST, size: 3, annotations: { a: 'b' } }],
  subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: DIGEST, size: 4 },
  annotations: { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' },
};
const INDEX = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    { mediaType: MANIFEST.mediaType, digest: DIGEST, size: 5, platform: { os: 'linux', architecture: 'amd64' } },
  ],
};
/** Those that ask for nothing unsupported. */
const POLICIES = vectors('policy-controller/valid', '.yaml').filter((yaml) => {
  try {
    return parseClusterImagePolicies(text(yaml), 'it').length > 0;
  } catch {
    return false;
  }
});
const QUERY =
  'client_id=sigstore&redirect_uri=http://127.0.0.1:1/callback&state=s&response_type=code&scope=openid+email&nonce=n' +
  `&code_challenge_method=S256&code_challenge=${'a'.repeat(43)}`;

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

/** In a folder of its own: the parser reads a file. */
async function readDockerConfig(bytes: Uint8Array): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-fuzz-'));
  try {
    writeFileSync(join(folder, 'config.json'), bytes);
    // An empty PATH: no helper that the damage names is ever run.
    const config = new DockerConfig({ DOCKER_CONFIG: folder, HOME: folder, PATH: '' });
    return await config.lookup({ registry: 'registry.example.org', repository: 'a/b' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const claimsOf = (bytes: Uint8Array): JsonFields =>
  new JsonFields(parseJson(bytes, 'claims', 'FORMAT_TOKEN'), 'token', 'FORMAT_TOKEN');
const parameters = (bytes: Uint8Array): Parameters => new Parameters(new URLSearchParams(text(bytes)));
const json = (...values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value));

export const PARSERS: readonly FuzzedParser[] = [
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
  { name: 'core/bundle/bundle.ts: parseBundle', families: FORMAT, parse: parseBundle, samples: BUNDLES },
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
  { name: 'core/encoding/pem.ts: parsePem', families: FORMAT, parse: (bytes) => parsePem(text(bytes)), samples: PEMS },
  {
    name: 'core/encoding/utf8.ts: parseUtf8',
    families: FORMAT,
    parse: (bytes) => parseUtf8(bytes, 'FORMAT_JSON', 'it'),
    samples: ['grüße \u{1f600}'],
  },
  {
    name: 'core/identity/identity-token.ts: parseIdentityToken',
    families: [...FORMAT, 'auth'],
    parse: (bytes) => parseIdentityToken(text(bytes)),
    samples: [TOKEN],
  },
  {
    name: 'core/identity/token-rules.ts: tokenPayload',
    families: [...FORMAT, 'auth'],
    parse: (bytes) => tokenPayload(text(bytes)),
    samples: [TOKEN],
  },
  {
    name: 'core/identity/principal.ts: principalFromClaims',
    families: [...FORMAT, 'auth'],
    samples: json(CLAIMS),
    parse: (bytes) => {
      const claims = claimsOf(bytes);
      const base = { issuerUrl: CLAIMS.iss, clientId: 'sigstore' };
      checkTokenClaims({ ...base, type: 'email' }, claims, new Date());
      return [
        principalFromClaims({ ...base, type: 'email' }, claims),
        principalFromClaims({ ...base, type: 'kubernetes' }, claims),
      ];
    },
  },
  {
    name: 'core/image/digest.ts: parse',
    families: FORMAT,
    parse: (bytes) => Digest.parse(text(bytes)),
    samples: [DIGEST],
  },
  {
    name: 'core/image/manifest.ts: parseManifest',
    families: FORMAT,
    parse: (bytes) => parseManifest(bytes),
    samples: json(MANIFEST, INDEX),
  },
  {
    name: 'core/image/platform.ts: parsePlatform',
    families: FORMAT,
    parse: (bytes) => parsePlatform(text(bytes)),
    samples: ['linux/arm64/v8'],
  },
  {
    name: 'core/image/reference.ts: parseReference',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parseReference(text(bytes)),
    samples: [`localhost:5080/shop/app:1.0@${DIGEST}`, 'alpine', 'ghcr.io/a/b_c--d'],
  },
  {
    name: 'core/image/reference.ts: parseRepository',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parseRepository(text(bytes)),
    samples: ['localhost:5080/shop/app', 'a'],
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
  { name: 'core/pki/sct.ts: parseSct', families: FORMAT, parse: parseSct, samples: [encodeSct(SCT)] },
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
    name: 'core/policy/cluster-image-policy-parser.ts: parseClusterImagePolicies',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parseClusterImagePolicies(text(bytes), 'it'),
    samples: POLICIES,
    rounds: 400,
  },
  {
    name: 'core/policy/image-glob.ts: parse',
    families: ['usage', ...FORMAT],
    parse: (bytes) => ImageGlob.parse(text(bytes)),
    samples: ['ghcr.io/org/**', 'index.docker.io/library/*:1.0'],
  },
  {
    name: 'core/policy/policy-document.ts: parsePolicyDocuments',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parsePolicyDocuments(text(bytes), 'it'),
    samples: POLICIES,
    rounds: 400,
  },
  {
    name: 'core/policy/stand-in-policy.ts: readStoredPolicy',
    families: FORMAT,
    parse: (bytes) => readStoredPolicy('p', parseJson(bytes, 'it', 'FORMAT_POLICY')),
    samples: json(policyObject()),
  },
  {
    name: 'core/policy/workload-images.ts: readWorkloadImages',
    families: FORMAT,
    parse: (bytes) =>
      readWorkloadImages('', 'pods', new JsonFields(parseJson(bytes, 'it'), 'object', 'FORMAT_ADMISSION_REVIEW')),
    samples: json(pod('a', 'b:1')),
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
    name: 'core/trust/client-trust-config.ts: parseClientTrustConfig',
    families: FORMAT,
    parse: parseClientTrustConfig,
    samples: json({
      mediaType: CLIENT_TRUST_CONFIG_V01,
      trustedRoot: JSON.parse(ROOT) as unknown,
      signingConfig: JSON.parse(CONFIG) as unknown,
    }),
  },
  {
    name: 'core/trust/signing-config.ts: parseSigningConfig',
    families: FORMAT,
    parse: parseSigningConfig,
    samples: [CONFIG],
  },
  { name: 'core/trust/trusted-root.ts: parseTrustedRoot', families: FORMAT, parse: parseTrustedRoot, samples: [ROOT] },
  {
    name: 'core/verify/verify-bundle.ts: verifyBundle',
    families: [...FORMAT, 'verification'],
    parse: verifyDamaged,
    samples: BUNDLES.slice(0, 3),
  },
  {
    name: 'core/wire/admission-review.ts: parseAdmissionReview',
    families: FORMAT,
    parse: parseAdmissionReview,
    samples: json(review({ object: pod('a') })),
  },
  {
    name: 'core/wire/ca.ts: parseSigningCertificateRequest',
    families: FORMAT,
    parse: parseSigningCertificateRequest,
    samples: [encodeSigningCertificateRequest(TOKEN, KEY.publicKey.toPem(), LOGGED.signature)],
  },
  {
    name: 'core/wire/ca.ts: parseSigningCertificate',
    families: FORMAT,
    parse: parseSigningCertificate,
    samples: json(encodeSigningCertificate([LEAF, INSTANCE.root.certificate])),
  },
  {
    name: 'core/wire/log-v1.ts: parseLogV1Entry',
    families: FORMAT,
    parse: parseLogV1Entry,
    samples: json(logV1Answer()),
  },
  {
    name: 'core/wire/log.ts: parseCreateEntryRequest',
    families: FORMAT,
    parse: parseCreateEntryRequest,
    samples: [encodeCreateEntryRequest({ ...LOGGED, keyDetails: 'PKIX_ECDSA_P256_SHA_256' })],
  },
  {
    name: 'core/wire/log.ts: parseCreateEntryResponse',
    families: FORMAT,
    parse: parseCreateEntryResponse,
    samples: [encodeCreateEntryResponse(ENTRIES[0]!)],
  },
  {
    name: 'core/wire/tsa.ts: parseTimestampBody',
    families: FORMAT,
    parse: (bytes) => parseTimestampBody(bytes, JSON_REQUEST),
    samples: json({
      artifactHash: 'AAAA',
      hashAlgorithm: 'sha256',
      certificates: true,
      nonce: 12345678901234567890n.toString(),
      tsaPolicyOID: '1.2.3',
    }).map((line) => line.replace(/"(\d{20})"/, '$1').replace('AAAA', Buffer.alloc(32).toString('base64'))),
  },
  {
    name: 'core/wire/tsa.ts: parseTimestampBody',
    families: FORMAT,
    parse: (bytes) => parseTimestampBody(bytes, TIMESTAMP_QUERY),
    samples: [TIMESTAMP_REQUEST],
  },
  {
    name: 'io/net/retry-policy.ts: parseRetryAfter',
    families: [],
    parse: (bytes) => parseRetryAfter(text(bytes), new Date()),
    samples: ['120', 'Wed, 25 Nov 2026 15:00:00 GMT'],
  },
  {
    name: 'io/registry/auth-challenge.ts: parseAuthChallenge',
    families: [],
    parse: (bytes) => parseAuthChallenge(text(bytes)),
    samples: [
      'Bearer realm="https://auth.example.org/token",service="r",scope="repository:a/b:pull"',
      'Basic realm="x", Bearer realm=y',
    ],
  },
  {
    name: 'io/registry/docker-config.ts: DockerConfig',
    families: ['usage'],
    parse: readDockerConfig,
    samples: json(
      { auths: { 'registry.example.org': { auth: 'YTpi' } }, credHelpers: { 'other.example.org': 'x' } },
      { auths: { 'registry.example.org/a': { identitytoken: 't' } } },
    ),
    rounds: 200,
  },
  {
    name: 'servers/ca/legacy-request.ts: parseLegacyRequest',
    families: FORMAT,
    parse: parseLegacyRequest,
    samples: json(legacyRequest(KEY)),
  },
  {
    name: 'servers/oidc/authorization-request.ts: parseResponseTarget',
    families: ['auth'],
    parse: (bytes) => parseResponseTarget(parameters(bytes)),
    samples: [QUERY],
  },
  {
    name: 'servers/oidc/authorization-request.ts: parseAuthorizationRequest',
    families: ['auth'],
    parse: (bytes) =>
      parseAuthorizationRequest(parameters(bytes), { redirectUri: 'http://127.0.0.1/', state: undefined }),
    samples: [QUERY],
  },
  {
    name: 'servers/oidc/code-challenge.ts: parseCodeChallenge',
    families: ['auth'],
    parse: (bytes) => parseCodeChallenge(parameters(bytes)),
    samples: [QUERY],
  },
  {
    name: 'servers/registry/byte-range.ts: parseRange',
    families: [],
    parse: (bytes) => parseRange(text(bytes), 1000),
    samples: ['bytes=0-9', 'bytes=-5', 'bytes=5-'],
  },
  {
    name: 'servers/registry/byte-range.ts: parseContentRange',
    families: FORMAT,
    parse: (bytes) => parseContentRange(text(bytes)),
    samples: ['0-9', 'bytes 0-9/10'],
  },
  {
    name: 'servers/registry/registry-path.ts: parseRegistryPath',
    families: [...FORMAT, 'not-found'],
    parse: (bytes) => parseRegistryPath(text(bytes)),
    samples: [
      `/v2/a/b/manifests/latest`,
      `/v2/a/blobs/${DIGEST}`,
      '/v2/a/blobs/uploads/01234567-89ab-cdef-0123-456789abcdef',
    ],
  },
  {
    name: 'servers/stack/settings.ts: parseSettings',
    families: [...FORMAT, 'integrity'],
    parse: (bytes) => encodeSettings(parseSettings(text(bytes))),
    samples: [encodeSettings({ host: '127.0.0.1', port: 5080, createdAt: new Date() })],
  },
];

function logV1Answer(): object {
  const { body, integratedTime, logIndex, logId, inclusionPromise, inclusionProof } = ENTRIES[1]!;
  return {
    '24296fb24b8ad77a': {
      body: encodeBase64(body),
      integratedTime: Number(integratedTime),
      logID: encodeHex(logId),
      logIndex: Number(logIndex),
      verification: {
        signedEntryTimestamp: encodeBase64(inclusionPromise!),
        inclusionProof: {
          checkpoint: inclusionProof!.checkpoint,
          hashes: inclusionProof!.hashes.map(encodeHex),
          logIndex: Number(inclusionProof!.logIndex),
          rootHash: encodeHex(inclusionProof!.rootHash),
          treeSize: Number(inclusionProof!.treeSize),
        },
      },
    },
  };
}

function policyObject(): JsonValue {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'p' },
    spec: {
      images: [{ glob: 'ghcr.io/org/**' }],
      authorities: [{ keyless: { url: 'https://ca.example.org', identities: [{ issuer: 'i', subjectRegExp: '.*' }] } }],
    },
  };
}
