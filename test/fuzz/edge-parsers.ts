/** What comes over a wire, from a disk, or from a command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { parseJson, type JsonValue } from '../../src/core/encoding/json.ts';
import { parseDockerfileImages } from '../../src/core/image/dockerfile-images.ts';
import { parseWorkflowIdentity } from '../../src/core/identity/workflow-identity.ts';
import { parseManifestImages } from '../../src/core/policy/workload/manifest-images.ts';
import { parseManifestObjects } from '../../src/core/policy/workload/manifest-objects.ts';
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
import {
  parseAnswer,
  parseCelResult,
  parseConditionsResult,
  parseCueResult,
  parseFilledResult,
  parseImagePolicyResult,
  parseLookup,
  parseRegoResults,
} from '../../src/io/engines/engine-answer.ts';
import { parseRetryAfter } from '../../src/io/net/retry-policy.ts';
import { parseAuthChallenge } from '../../src/io/registry/auth-challenge.ts';
import { DockerConfig } from '../../src/io/registry/docker-config.ts';
import { parseLayoutIndex, parseLayoutVersion } from '../../src/io/registry/layout-format.ts';
import { parseLegacyRequest } from '../../src/servers/ca/legacy-request.ts';
import { parseAuthorizationRequest, parseResponseTarget } from '../../src/servers/oidc/authorization-request.ts';
import { parseCodeChallenge } from '../../src/servers/oidc/code-challenge.ts';
import { parseContentRange, parseRange } from '../../src/servers/registry/byte-range.ts';
import { parseRegistryPath } from '../../src/servers/registry/registry-path.ts';
import { encodeSettings, parseSettings } from '../../src/servers/stack/settings.ts';
import { legacyRequest } from '../servers/ca/lab.ts';
import { pod, review } from '../servers/webhook/review.ts';
import { parseAge, parseDuration } from '../../src/cli/terminal/duration.ts';
import { parseFlags } from '../../src/cli/grammar/flag-parser.ts';
import {
  encodeEntryBatch,
  packAttachments,
  parseAttachments,
  parseEntryBatch,
} from '../../src/servers/engine/entry-batch.ts';
import { parseAddPreChain } from '../../src/servers/log/precertificate.ts';
import { verify } from '../../src/cli/commands/verify.ts';
import {
  FORMAT,
  text,
  INSTANCE,
  KEY,
  ENTRIES,
  LEAF,
  CERTIFICATES,
  LOGGED,
  TIMESTAMP_REQUEST,
  CHECKPOINTS,
  TOKEN,
  DIGEST,
  parameters,
  json,
  type FuzzedParser,
} from './samples.ts';

const QUERY =
  'client_id=sigstore&redirect_uri=http://127.0.0.1:1/callback&state=s&response_type=code&scope=openid+email&nonce=n' +
  `&code_challenge_method=S256&code_challenge=${'a'.repeat(43)}`;

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

const STAGED = {
  submissions: [utf8('one'), utf8('two')],
  attachments: [{ name: 'issuer/ab', bytes: utf8('three') }],
};

const ENGINE_RESULTS: Readonly<Record<string, unknown>> = {
  parseRegoResults: [{ expressions: [true, { a: [1] }], bindings: { x: 'y' } }],
  parseCueResult: { valid: false, reason: 'conflicting values', details: 'policy:1:2' },
  parseCelResult: { value: true, type: 'bool' },
  parseConditionsResult: { holds: false, message: 'a Equals b' },
  parseFilledResult: { filled: { attestors: [{ entries: [] }] } },
  parseLookup: { wanted: { namespace: 'shop', name: 'keys' } },
  parseImagePolicyResult: {
    isMatched: true,
    exception: -1,
    images: ['a'],
    questions: [{ kind: 'signature', image: 'a', attestor: 'b' }],
    outcome: 'pass',
    message: '',
    verified: { a: true },
  },
};

export const EDGE_PARSERS: readonly FuzzedParser[] = [
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
    name: 'core/image/dockerfile-images.ts: parseDockerfileImages',
    families: FORMAT,
    parse: (bytes) => parseDockerfileImages(text(bytes), { V: '1' }),
    samples: [
      'ARG V=1\nFROM --platform=linux/amd64 a:${V:-2} AS b\nRUN --mount=type=bind,from=c <<EOF\nx\nEOF\nCOPY --from=d / /',
    ],
  },
  {
    name: 'core/policy/workload/manifest-objects.ts: parseManifestObjects',
    families: FORMAT,
    parse: (bytes) => parseManifestObjects(text(bytes), 'the manifest'),
    samples: json(
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p', labels: { a: 'b' } },
        spec: { containers: [{ image: 'a' }] },
      },
      {
        apiVersion: 'v1',
        kind: 'List',
        items: [
          { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { template: { spec: {} } } },
        ],
      },
    ),
    rounds: 400,
  },
  {
    name: 'core/identity/workflow-identity.ts: parseWorkflowIdentity',
    families: [],
    parse: (bytes) => parseWorkflowIdentity(text(bytes)),
    samples: [
      'https://github.com/acme/pay/.github/workflows/release.yml@refs/heads/main',
      'https://gitlab.com/acme/pay//.gitlab-ci.yml@refs/tags/v1',
    ],
  },
  {
    name: 'core/policy/workload/manifest-images.ts: parseManifestImages',
    families: FORMAT,
    parse: (bytes) => parseManifestImages(text(bytes), 'the manifest'),
    samples: json(
      { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ image: 'a' }] } },
      { kind: 'Rollout', spec: { template: { spec: { initContainers: [{ image: 'a' }] } } } },
    ),
  },
  {
    name: 'io/registry/layout-format.ts: parseLayoutVersion',
    families: FORMAT,
    parse: parseLayoutVersion,
    samples: json({ imageLayoutVersion: '1.0.0' }),
  },
  {
    name: 'io/registry/layout-format.ts: parseLayoutIndex',
    families: FORMAT,
    parse: parseLayoutIndex,
    samples: json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', digest: DIGEST, size: 1 }],
    }),
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
  {
    name: 'servers/engine/entry-batch.ts: parseEntryBatch',
    families: ['integrity'],
    parse: parseEntryBatch,
    samples: [encodeEntryBatch({ previous: CHECKPOINTS[0]!, checkpoint: CHECKPOINTS[0]!, ...STAGED })],
  },
  {
    name: 'servers/engine/entry-batch.ts: parseAttachments',
    families: ['integrity'],
    parse: parseAttachments,
    samples: [packAttachments(STAGED.attachments)],
  },
  {
    name: 'servers/log/precertificate.ts: parseAddPreChain',
    families: FORMAT,
    parse: parseAddPreChain,
    samples: json({ chain: CERTIFICATES.slice(0, 2).map(encodeBase64) }),
  },
  {
    name: 'cli/terminal/duration.ts: parseAge',
    families: ['usage'],
    parse: (bytes) => parseAge(text(bytes), 'ledger-max-age'),
    samples: ['2160h', '87600h0m0s'],
  },
  {
    name: 'cli/terminal/duration.ts: parseDuration',
    families: ['usage'],
    parse: (bytes) => parseDuration(text(bytes), 'timeout'),
    samples: ['3m0s', '1.5h', '200ms'],
  },
  {
    name: 'cli/grammar/flag-parser.ts: parseFlags',
    families: ['usage'],
    parse: (bytes) => parseFlags(verify.flags, { arguments: text(bytes).split('\n'), environment: {} }),
    samples: ['--certificate-identity\na\n--certificate-oidc-issuer=b\n-a\nc=d\nimage', '--key\nk\n--\n-x'],
  },
  ...Object.entries({
    parseRegoResults,
    parseCueResult,
    parseCelResult,
    parseConditionsResult,
    parseFilledResult,
    parseImagePolicyResult,
    parseLookup: (result: JsonValue) => parseLookup(result, parseFilledResult),
  }).map(([reader, parse]) => ({
    name: `io/engines/engine-answer.ts: ${reader}`,
    families: FORMAT,
    parse: (bytes: Uint8Array): unknown => parse(parseJson(bytes, 'the result')),
    samples: json(ENGINE_RESULTS[reader]),
  })),
  {
    name: 'io/engines/engine-answer.ts: parseAnswer',
    // A result that makes no sense is the engine's failure, never a verdict.
    families: ['format', 'policy', 'remote'],
    parse: (bytes) => parseAnswer(bytes, parseCueResult),
    samples: json({ result: ENGINE_RESULTS['parseCueResult'] }),
  },
];
