/** Documents and texts: tokens, images, trust, policies. */
import { parseSigningAlgorithm } from '../../src/core/crypto/signing-algorithm.ts';
import { JsonFields } from '../../src/core/encoding/json-fields.ts';
import { parseJson, type JsonValue } from '../../src/core/encoding/json.ts';
import { parseIdentityToken } from '../../src/core/identity/identity-token.ts';
import { principalFromClaims } from '../../src/core/identity/principal.ts';
import { checkTokenClaims, tokenPayload } from '../../src/core/identity/token-rules.ts';
import { Digest } from '../../src/core/image/digest.ts';
import { parseManifest } from '../../src/core/image/manifest.ts';
import { parsePlatform } from '../../src/core/image/platform.ts';
import { parseReference, parseRepository } from '../../src/core/image/reference.ts';
import { parsePolicyObjects } from '../../src/core/policy/objects/policy-objects.ts';
import { parseClusterImagePolicies } from '../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import { parseGrantedConfigMap } from '../../src/core/installation/config-map-grant.ts';
import { parseInstalledWith } from '../../src/core/installation/installation-memory.ts';
import { parsePodTemplateRule } from '../../src/core/installation/pod-template-rule.ts';
import { ImageGlob } from '../../src/core/policy/document/image-glob.ts';
import { parsePolicyDocuments } from '../../src/core/policy/document/policy-document.ts';
import { readStoredPolicy } from '../../src/core/policy/cluster-image/stand-in-policy.ts';
import { readWorkloadImages } from '../../src/core/policy/workload/workload-images.ts';
import { CLIENT_TRUST_CONFIG_V01, parseClientTrustConfig } from '../../src/core/trust/client-trust-config.ts';
import { parseServiceFlag, parseServiceSelection, parseServiceSpec } from '../../src/core/trust/service-spec.ts';
import { parseTime } from '../../src/core/trust/validity-window.ts';
import { encodeSigningConfig, parseSigningConfig } from '../../src/core/trust/signing-config.ts';
import { encodeTrustedRoot, parseTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { parseKeyReference } from '../../src/io/keys/key-reference.ts';
import { parsePinnedInstance } from '../../src/io/tuf/pinned-trust.ts';
import { parseTokenResponse } from '../../src/io/oidc/spiffe-message.ts';
import { readSignatureLayer } from '../../src/core/bundle/signature-layer.ts';
import { parseDecisionRecord } from '../../src/workflows/admission/decision-record-parser.ts';
import { parsePostgresUrl } from '../../src/cli/choices/postgres-url.ts';
import { encodeStoredEvidence, parseStoredEvidence } from '../../src/workflows/admission/stored-evidence.ts';
import { signedLayer } from '../support/signature-layers.ts';
import { decisionOf } from '../servers/webhook/decision.ts';
import { pod } from '../servers/webhook/review.ts';
import { trustRoot } from '../servers/webhook/trust-root-document.ts';
import { FORMAT, text, vectors, INSTANCE, CLAIMS, TOKEN, DIGEST, json, type FuzzedParser } from './samples.ts';

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

const POLICIES = vectors('policy-controller/valid', '.yaml');

const POLICY_REFERENCES = [
  'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: AAAA}\nstringData: {l: m}\n',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n',
  'apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: r}\nspec: {remote: {root: eyJzaWduYXR1cmVzIjpbXX0=, mirror: "https://m"}}\n',
  trustRoot(INSTANCE),
];

const LAYER = signedLayer(INSTANCE, Digest.parse(DIGEST));

const STORED_EVIDENCE = encodeStoredEvidence('it', {
  foundAt: new Date('2026-01-01T00:00:00Z'),
  found: {
    reference: parseReference(`r.example/a@${DIGEST}`),
    digest: Digest.parse(DIGEST),
    isTagResolved: false,
    predicateTypes: 'any',
    signatures: [
      {
        format: 'legacy',
        bundle: readSignatureLayer(LAYER.content, LAYER.annotations),
        layer: { ...LAYER, layerDigest: Digest.of(LAYER.content), manifestDigest: Digest.parse(DIGEST) },
        manifestDigest: Digest.parse(DIGEST),
      },
    ],
    otherPredicateTypes: [],
    unreadFormats: [],
    unusable: [],
  },
});

const claimsOf = (bytes: Uint8Array): JsonFields =>
  new JsonFields(parseJson(bytes, 'claims', 'FORMAT_TOKEN'), 'token', 'FORMAT_TOKEN');

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

export const DOCUMENT_PARSERS: readonly FuzzedParser[] = [
  {
    name: 'core/crypto/signing-algorithm.ts: parseSigningAlgorithm',
    families: ['usage'],
    parse: (bytes) => parseSigningAlgorithm(Buffer.from(bytes).toString('latin1')),
    samples: ['ecdsa-sha2-256-nistp256', 'rsa-sign-pss-2048-sha256'],
  },
  {
    name: 'core/trust/service-spec.ts: parseServiceSpec',
    families: ['usage'],
    parse: (bytes) =>
      parseServiceSpec('fulcio', Buffer.from(bytes).toString('latin1'), { required: ['url'], optional: ['end-time'] }),
    samples: ['url=https://a.example', ' url = https://a.example , end-time=2030-01-01T00:00:00Z'],
  },
  {
    name: 'core/trust/service-spec.ts: parseServiceFlag',
    families: ['usage'],
    parse: (bytes) => parseServiceFlag('rekor', Buffer.from(bytes).toString('latin1')),
    samples: [
      'url=https://a.example,api-version=2,start-time=2024-01-01T00:00:00Z,operator=a,end-time=2030-01-01T00:00:00Z',
    ],
  },
  {
    name: 'core/trust/service-spec.ts: parseServiceSelection',
    families: ['usage'],
    parse: (bytes) => parseServiceSelection('rekor-config', Buffer.from(bytes).toString('latin1')),
    samples: ['ANY', 'ALL', 'EXACT:2'],
  },
  {
    name: 'core/trust/validity-window.ts: parseTime',
    families: [],
    parse: (bytes) => parseTime(Buffer.from(bytes).toString('latin1')),
    samples: ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.123456789+02:00'],
  },
  {
    name: 'io/oidc/spiffe-message.ts: parseTokenResponse',
    families: FORMAT,
    parse: (bytes) => parseTokenResponse(bytes),
    // Field 1 { 1: "spiffe://a/b", 2: "a.b.c" } in gRPC's framing.
    samples: [Buffer.from('00000000170a150a0c7370696666653a2f2f612f621205612e622e63', 'hex')],
  },
  {
    name: 'io/tuf/pinned-trust.ts: parsePinnedInstance',
    families: ['usage'],
    parse: (bytes) => parsePinnedInstance(text(bytes)),
    samples: [`https://tuf.example/root#${'ab'.repeat(32)}`, `file:///srv/tuf#sha256:${'CD'.repeat(32)}`],
  },
  {
    name: 'io/keys/key-reference.ts: parseKeyReference',
    families: ['usage'],
    parse: (bytes) => parseKeyReference(Buffer.from(bytes).toString('latin1')),
    samples: [
      'env://KEY',
      'https://example.com/k',
      'k8s://ns/name',
      'gitlab://group/app',
      'awskms:///alias/x',
      'a.key',
    ],
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
    name: 'core/policy/cluster-image/cluster-image-policy-parser.ts: parseClusterImagePolicies',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parseClusterImagePolicies(text(bytes), 'it'),
    samples: POLICIES,
    rounds: 400,
  },
  {
    name: 'cli/choices/postgres-url.ts: parsePostgresUrl',
    families: ['usage'],
    parse: (bytes) => parsePostgresUrl(text(bytes), 'evidence'),
    samples: [
      'postgres://u%40x@db.example:6432/d%20e?sslmode=verify-ca&sslrootcert=ca.pem',
      'postgres:///d?host=/run&user=u',
    ],
  },
  {
    name: 'workflows/admission/stored-evidence.ts: parseStoredEvidence',
    families: FORMAT,
    parse: (bytes) => parseStoredEvidence('it', text(bytes), ['https://sigstore.dev/cosign/sign/v1']),
    samples: [STORED_EVIDENCE],
    rounds: 400,
  },
  {
    name: 'workflows/admission/decision-record-parser.ts: parseDecisionRecord',
    families: FORMAT,
    parse: (bytes) => parseDecisionRecord(text(bytes)),
    samples: json(decisionOf()),
  },
  {
    name: 'core/installation/installation-memory.ts: parseInstalledWith',
    families: ['format'],
    parse: (bytes) => parseInstalledWith(text(bytes)),
    samples: ['["--image=registry.example/sealwright@sha256:ab","--namespaces=all","--config-map=trust/keys"]', '[]'],
  },
  {
    name: 'core/installation/config-map-grant.ts: parseGrantedConfigMap',
    families: ['usage'],
    parse: (bytes) => parseGrantedConfigMap(text(bytes), 'config-map'),
    samples: ['trust/keys', 'trust/keys.v1'],
  },
  {
    name: 'core/installation/pod-template-rule.ts: parsePodTemplateRule',
    families: ['usage'],
    parse: (bytes) => parsePodTemplateRule(text(bytes), 'pod-template'),
    samples: ['rollouts.argoproj.io=spec.template'],
  },
  {
    name: 'core/policy/document/image-glob.ts: parse',
    families: ['usage', ...FORMAT],
    parse: (bytes) => ImageGlob.parse(text(bytes)),
    samples: ['ghcr.io/org/**', 'index.docker.io/library/*:1.0'],
  },
  {
    name: 'core/policy/document/policy-document.ts: parsePolicyDocuments',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parsePolicyDocuments(text(bytes), 'it'),
    samples: POLICIES,
    rounds: 400,
  },
  {
    name: 'core/policy/objects/policy-objects.ts: parsePolicyObjects',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parsePolicyObjects(text(bytes), 'it'),
    samples: [...POLICIES.slice(0, 1), ...POLICY_REFERENCES],
    rounds: 400,
  },
  {
    name: 'core/policy/cluster-image/stand-in-policy.ts: readStoredPolicy',
    families: FORMAT,
    parse: (bytes) => readStoredPolicy('p', parseJson(bytes, 'it', 'FORMAT_POLICY')),
    samples: json(policyObject()),
  },
  {
    name: 'core/policy/workload/workload-images.ts: readWorkloadImages',
    families: FORMAT,
    parse: (bytes) =>
      readWorkloadImages('', 'pods', new JsonFields(parseJson(bytes, 'it'), 'object', 'FORMAT_ADMISSION_REVIEW')),
    samples: json(pod('a', 'b:1')),
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
];
