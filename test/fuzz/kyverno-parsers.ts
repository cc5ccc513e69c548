/** Parsers of Kyverno's documents, and what they are fuzzed with. */
import { parsePolicyObjects } from '../../src/core/policy/objects/policy-objects.ts';
import { readStoredKyvernoPolicy } from '../../src/core/policy/kyverno-judgement/stored-kyverno-policy.ts';
import { KindSelector } from '../../src/core/policy/kyverno/kind-selector.ts';
import { Wildcard } from '../../src/core/policy/kyverno/wildcard.ts';
import {
  parseKyvernoTest,
  parseKyvernoTestUser,
  parseKyvernoTestValues,
} from '../../src/core/policy/kyverno/test-file-parser.ts';
import { parseJson, type JsonObject } from '../../src/core/encoding/json.ts';
import { FORMAT, INSTANCE, json, text, type FuzzedParser } from './samples.ts';

const CERTIFICATE = INSTANCE.root.certificate.toPem();
const PEM = INSTANCE.logV1.instance.publicKey.toPem();

const RULES = {
  apiVersion: 'kyverno.io/v1',
  kind: 'ClusterPolicy',
  metadata: { name: 'p' },
  spec: {
    rules: [
      {
        name: 'r',
        match: { any: [{ resources: { kinds: ['Pod'], names: ['a*'], selector: { matchLabels: { a: 'b' } } } }] },
        exclude: { any: [{ subjects: [{ kind: 'User', name: 'u' }] }] },
        verifyImages: [
          {
            imageReferences: ['ghcr.io/*'],
            failureAction: 'Enforce',
            attestors: [
              {
                count: 1,
                entries: [
                  { keys: { publicKeys: PEM, rekor: { url: 'https://r', pubkey: PEM } } },
                  { certificates: { certChain: CERTIFICATE } },
                  { keyless: { subject: 'a', issuerRegExp: 'b', roots: CERTIFICATE } },
                ],
              },
            ],
          },
        ],
      },
    ],
  },
};
const VALIDATING = {
  apiVersion: 'policies.kyverno.io/v1',
  kind: 'ImageValidatingPolicy',
  metadata: { name: 'p' },
  spec: {
    matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] },
    matchImageReferences: [{ glob: 'ghcr.io/*' }],
    attestors: [{ name: 'a', cosign: { keyless: { identities: [{ issuer: 'i', subjectRegExp: 's' }] } } }],
    attestations: [{ name: 't', intoto: { type: 'https://x' } }],
    validations: [{ expression: 'true', message: 'm' }],
  },
};
const EXCEPTION = {
  apiVersion: 'kyverno.io/v2',
  kind: 'PolicyException',
  metadata: { name: 'e', namespace: 'n' },
  spec: {
    match: { any: [{ resources: { kinds: ['Pod'] } }] },
    exceptions: [{ policyName: 'p', ruleNames: ['r'] }],
  },
};

const CLI = 'cli.kyverno.io/v1alpha1';
const TEST = {
  apiVersion: CLI,
  kind: 'Test',
  metadata: { name: 't' },
  policies: ['p.yaml'],
  resources: ['r.yaml'],
  exceptions: ['e.yaml'],
  values: { namespaceSelector: [{ name: 'n', labels: { a: 'b' } }] },
  results: [
    { policy: 'p', rule: 'r', kind: 'Pod', resources: ['n/a'], result: 'pass', operation: 'UPDATE' },
    { policy: 'p', resourceSpecs: [{ group: 'apps', version: 'v1', kind: 'Deployment', name: 'd' }], result: 'skip' },
  ],
};
const VALUES = {
  apiVersion: CLI,
  kind: 'Values',
  globalValues: { 'request.operation': 'UPDATE' },
  namespaces: [{ metadata: { name: 'n', labels: { a: 'b' } } }],
};
const USER = { apiVersion: CLI, kind: 'UserInfo', userInfo: { username: 'u', groups: ['g'] } };

export const KYVERNO_PARSERS: readonly FuzzedParser[] = [
  {
    name: 'core/policy/kyverno/test-file-parser.ts: parseKyvernoTest',
    families: FORMAT,
    parse: (bytes) => parseKyvernoTest(text(bytes), 'it'),
    samples: json(TEST),
  },
  {
    name: 'core/policy/kyverno/test-file-parser.ts: parseKyvernoTestValues',
    families: FORMAT,
    parse: (bytes) => parseKyvernoTestValues(text(bytes), 'it'),
    samples: json(VALUES),
  },
  {
    name: 'core/policy/kyverno/test-file-parser.ts: parseKyvernoTestUser',
    families: FORMAT,
    parse: (bytes) => parseKyvernoTestUser(text(bytes), 'it'),
    samples: json(USER),
  },
  {
    name: 'core/policy/kyverno/cluster-policy-parser.ts: parseKyvernoPolicy',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parsePolicyObjects(text(bytes), 'it'),
    samples: json(RULES),
  },
  {
    name: 'core/policy/kyverno/image-validating-policy-parser.ts: parseImageValidatingPolicy',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parsePolicyObjects(text(bytes), 'it'),
    samples: json(VALIDATING),
  },
  {
    name: 'core/policy/kyverno/policy-exception-parser.ts: parsePolicyException',
    families: ['usage', ...FORMAT],
    parse: (bytes) => parsePolicyObjects(text(bytes), 'it'),
    samples: json(EXCEPTION),
  },
  {
    name: 'core/policy/kyverno/wildcard.ts: parse',
    families: ['usage', ...FORMAT],
    parse: (bytes) => Wildcard.parse(text(bytes)).matches('ghcr.io/a/b:1'),
    samples: ['ghcr.io/*/b?1', '*'],
  },
  {
    name: 'core/policy/kyverno/kind-selector.ts: parse',
    families: ['usage', ...FORMAT],
    parse: (bytes) => KindSelector.parse(text(bytes)),
    samples: ['apps/v1/Deployment', 'Pod/ephemeralcontainers'],
  },
  {
    name: 'core/policy/kyverno-judgement/stored-kyverno-policy.ts: readStoredKyvernoPolicy',
    families: FORMAT,
    parse: (bytes) => readStoredKyvernoPolicy(parseJson(bytes, 'it', 'FORMAT_POLICY') as JsonObject),
    samples: json(RULES),
  },
];
