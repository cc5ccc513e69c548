import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { parseClusterImagePolicies } from '../../../src/core/policy/cluster-image/cluster-image-policy-parser.ts';
import type { ClusterImagePolicy } from '../../../src/core/policy/cluster-image/cluster-image-policy.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { SealwrightError } from '../../../src/errors.ts';

const KEY = PrivateKey.generate('ecdsa-p256').publicKey;
const PEM = JSON.stringify(KEY.toPem());
const WHO = '{issuer: "https://i.example", subject: a@example.com}';

/** A policy around a spec in flow style. */
function document(spec: string, head = 'apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy'): string {
  return `${head}\nmetadata: {name: p}\nspec: ${spec}\n`;
}

function spec(authority: string, rest = ''): string {
  return `{images: [{glob: "r.example/**"}], authorities: [${authority}]${rest}}`;
}

function parse(text: string): ClusterImagePolicy {
  const [policy, ...others] = parseClusterImagePolicies(text, 'the file');
  assert.ok(policy !== undefined && others.length === 0);
  return policy;
}

function refusal(text: string): SealwrightError {
  try {
    parseClusterImagePolicies(text, 'the file');
  } catch (error) {
    if (error instanceof SealwrightError) return error;
    throw error;
  }
  return assert.fail('accepted');
}

test('keyless: names, defaults and identities', () => {
  const policy = parse(document(spec(`{keyless: {url: "https://fulcio.example", identities: [${WHO}]}}`)));
  assert.equal(policy.name, 'p');
  assert.equal(policy.mode, 'enforce');
  assert.deepEqual(policy.match, []);
  assert.deepEqual(policy.warnings, []);
  assert.deepEqual(policy.authorities, [
    {
      kind: 'keyless',
      name: 'authority-0',
      attestations: [],
      identities: [
        {
          issuer: { kind: 'exact', value: 'https://i.example' },
          subject: { kind: 'exact', value: 'a@example.com' },
        },
      ],
      ignoresSct: false,
      namesCaCert: false,
    },
  ]);
});

test('key: a log is demanded where the authority has a ctlog, and only there', () => {
  for (const [ctlog, log] of [
    ['', undefined],
    [', ctlog: {url: "https://rekor.example"}', {}],
    [', ctlog: {}', {}],
    [', ctlog: {trustRootRef: lab}', { trustRoot: 'lab' }],
  ] as const) {
    const [authority] = parse(
      document(spec(`{name: k, key: {data: ${PEM}, hashAlgorithm: " SHA256 "}${ctlog}}`)),
    ).authorities;
    assert.ok(authority?.kind === 'key' && authority.key.kind === 'data' && authority.key.key.equals(KEY));
    assert.equal(authority.name, 'k');
    assert.deepEqual(authority.log, log);
  }
});

test('static, warn and match', () => {
  const policy = parse(
    document(
      spec(
        '{static: {action: fail, message: closed}}, {static: {action: pass}}',
        `, mode: warn, match: [{group: apps, version: "*", resource: deployments, selector: {matchLabels: {a: b},
          matchExpressions: [{key: c, operator: In, values: [d]}, {key: e, operator: Exists}]}}]`,
      ),
    ),
  );
  assert.equal(policy.mode, 'warn');
  assert.deepEqual(policy.authorities, [
    { kind: 'static', name: 'authority-0', action: 'fail', message: 'closed' },
    { kind: 'static', name: 'authority-1', action: 'pass', message: '' },
  ]);
  assert.deepEqual(policy.match, [
    {
      group: 'apps',
      version: '*',
      resource: 'deployments',
      selector: {
        matchLabels: new Map([['a', 'b']]),
        matchExpressions: [
          { key: 'c', operator: 'In', values: ['d'] },
          { key: 'e', operator: 'Exists', values: [] },
        ],
      },
    },
  ]);
});

test('v1alpha1, JSON, lists and several documents are read alike', () => {
  const good = spec(`{keyless: {identities: [${WHO}]}}`);
  const alpha = document(good, 'apiVersion: policy.sigstore.dev/v1alpha1\nkind: ClusterImagePolicy');
  assert.equal(parse(alpha).name, 'p');
  const json = JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: ['a', 'b'].map((name) => ({
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name, uid: 'x', labels: { l: 'm' } },
      spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }] },
      status: { conditions: [] },
    })),
  });
  const names = (text: string): string[] => parseClusterImagePolicies(text, 'file').map(({ name }) => name);
  assert.deepEqual(names(json), ['a', 'b']);
  assert.deepEqual(names(`---\n---\n${alpha}---\n${json}\n---\n# nothing\n`), ['p', 'a', 'b']);
  assert.deepEqual(names(''), []);
  const own = `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicyList\nitems: [{metadata: {name: c}, spec: ${good}}]`;
  assert.deepEqual(names(own), ['c']);
});

test('patterns match any part of the text, as in the original, and unanchored ones are pointed out', () => {
  const { authorities, warnings } = parse(
    document(spec('{keyless: {identities: [{issuerRegExp: "^https://i$", subjectRegExp: "alice"}]}}')),
  );
  assert.ok(authorities[0]?.kind === 'keyless');
  assert.deepEqual(authorities[0].identities[0]?.subject, { kind: 'regexp', source: 'alice', strict: false });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /identities\[0\]\.subjectRegExp alice matches any subject that contains it/);
});

test('strictIdentities: patterns match the whole text', () => {
  const { authorities } = parse(
    document(spec('{keyless: {identities: [{issuer: i, subjectRegExp: "alice"}]}}', ', strictIdentities: true')),
  );
  assert.ok(authorities[0]?.kind === 'keyless');
  assert.deepEqual(authorities[0].identities[0]?.subject, { kind: 'regexp', source: 'alice', strict: true });
});

test('every other field of an authority and of a policy', () => {
  const { authorities, condition, warnings } = parse(
    document(
      spec(
        `{key: {kms: "hashivault://k"}, source: [{oci: r.example/sigs, tagPrefix: x-, signaturePullSecrets: [{name: s}]}],
          rfc3161timestamp: {trustRootRef: t}, signatureFormat: bundle,
          attestations: [{name: a, predicateType: vuln, policy: {type: cue, data: "x: 1"}}]},
         {key: {secretRef: {name: s, namespace: cosign-system}, hashAlgorithm: SHA512}},
         {keyless: {identities: [${WHO}], trustRootRef: t, insecureIgnoreSCT: true}}`,
        `, policy: {type: rego, fetchConfigFile: true, includeSpec: true, includeObjectMeta: true, includeTypeMeta: true,
            remote: {url: "https://p.example/x.rego", sha256sum: ${'ab'.repeat(32)}}}`,
      ),
    ),
  );
  assert.deepEqual(authorities, [
    {
      kind: 'key',
      name: 'authority-0',
      key: { kind: 'kms', uri: 'hashivault://k' },
      hash: 'sha256',
      source: {
        repository: { registry: 'r.example', repository: 'sigs' },
        tagPrefix: 'x-',
        pullSecrets: ['s'],
      },
      timestamp: { trustRoot: 't' },
      attestations: [
        {
          name: 'a',
          predicateType: 'vuln',
          predicateUri: 'https://cosign.sigstore.dev/attestation/vuln/v1',
          program: { language: 'cue', source: { kind: 'data', text: 'x: 1' } },
        },
      ],
    },
    { kind: 'key', name: 'authority-1', key: { kind: 'secret', name: 's' }, hash: 'sha512', attestations: [] },
    {
      kind: 'keyless',
      name: 'authority-2',
      trustRoot: 't',
      ignoresSct: true,
      namesCaCert: false,
      attestations: [],
      identities: [
        { issuer: { kind: 'exact', value: 'https://i.example' }, subject: { kind: 'exact', value: 'a@example.com' } },
      ],
    },
  ]);
  assert.deepEqual(condition, {
    program: {
      language: 'rego',
      source: { kind: 'remote', url: 'https://p.example/x.rego', sha256: 'ab'.repeat(32) },
    },
    fetchConfigFile: true,
    includeSpec: true,
    includeObjectMeta: true,
    includeTypeMeta: true,
  });
  assert.match(warnings[0] ?? '', /deprecated value, please use RFC 3986 conformant values/);
});

test('no authorities: only where that is allowed', () => {
  const text = document('{images: [{glob: "**"}]}');
  assert.match(refusal(text).facts.found ?? '', /missing field\(s\): spec\.authorities/);
  assert.deepEqual(parseClusterImagePolicies(text, 'file', { mayBeEmpty: true })[0]?.authorities, []);
});

test("a Secret in another namespace than the controller's is refused where that is known", () => {
  const text = document(spec('{key: {secretRef: {name: s, namespace: shop}}}'));
  assert.equal(parseClusterImagePolicies(text, 'file').length, 1);
  assert.throws(() => parseClusterImagePolicies(text, 'file', { systemNamespace: 'cosign-system' }), {
    code: 'FORMAT_POLICY',
  });
});

const ANCHORED: readonly (readonly [source: string, isAnchored: boolean])[] = [
  ['^a$', true],
  [String.raw`\Aa\z`, true],
  ['^(a|b)$', true],
  ['^((a|b)|c)$', true],
  ['^[|]$', true],
  [String.raw`^a\|b$`, true],
  [String.raw`^a\\$`, true],
  ['^a|b$', false],
  ['^(a)|(b)$', false],
  ['a', false],
  ['^a', false],
  ['a$', false],
  [String.raw`^a\$`, false],
  ['.*', false],
];

for (const [source, isAnchored] of ANCHORED) {
  test(`${source} is ${isAnchored ? '' : 'not '}anchored`, () => {
    const identity = `{issuer: i, subjectRegExp: ${JSON.stringify(source)}}`;
    const { warnings } = parse(document(spec(`{keyless: {identities: [${identity}]}}`)));
    assert.equal(warnings.length, isAnchored ? 0 : 1);
  });
}

test('a glob that can never match at admission is pointed out', () => {
  const policy = parse(document('{images: [{glob: "r.example/a:1"}], authorities: [{static: {action: pass}}]}'));
  assert.match(policy.warnings[0] ?? '', /spec\.images\[0\]\.glob r\.example\/a:1 can match no image/);
});

const GOOD = `{keyless: {identities: [${WHO}]}}`;

/** Refused, with policy-controller's text where it has one. */
const INVALID: readonly (readonly [what: string, spec: string, text: string])[] = [
  ['no images', `{authorities: [${GOOD}]}`, 'missing field(s): spec.images'],
  ['an empty glob', `{images: [{glob: ""}], authorities: [${GOOD}]}`, 'missing field(s): spec.images[0].glob'],
  [
    'a glob with a bracket',
    `{images: [{glob: "[a]"}], authorities: [${GOOD}]}`,
    'invalid value: [a]: spec.images[0].glob',
  ],
  ['no authorities', '{images: [{glob: "**"}], authorities: []}', 'missing field(s): spec.authorities'],
  ['an authority of no kind', spec('{name: x}'), 'expected exactly one, got neither: spec.authorities[0].key,'],
  [
    'an authority of two kinds',
    spec(`{static: {action: pass}, key: {data: ${PEM}}}`),
    'expected exactly one, got both: spec.authorities[0].key,',
  ],
  ['no identities', spec('{keyless: {url: "https://f"}}'), 'missing field(s): spec.authorities[0].keyless.identities'],
  [
    'no subject',
    spec('{keyless: {identities: [{issuer: i}]}}'),
    'identities[0].subject, spec.authorities[0].keyless.identities[0].subjectRegExp',
  ],
  [
    'two subjects',
    spec('{keyless: {identities: [{issuer: i, subject: s, subjectRegExp: s}]}}'),
    'expected exactly one, got both: spec.authorities[0].keyless.identities[0].subject',
  ],
  [
    'an empty issuer',
    spec('{keyless: {identities: [{issuer: "", subject: s}]}}'),
    'missing field(s): spec.authorities[0].keyless.identities[0].issuer',
  ],
  ['look-ahead', spec('{keyless: {identities: [{issuer: i, subjectRegExp: "^(?!a)$"}]}}'), 'regex is invalid'],
  [
    'an unclosed group',
    spec('{keyless: {identities: [{issuerRegExp: "(", subject: s}]}}'),
    'invalid value: (: spec.authorities[0].keyless.identities[0].issuerRegExp',
  ],
  ['a key without data', spec('{key: {}}'), 'got neither: spec.authorities[0].key.data'],
  ['a key that is no PEM', spec('{key: {data: nonsense}}'), 'invalid value: nonsense: spec.authorities[0].key.data'],
  [
    'a private key',
    spec(`{key: {data: ${JSON.stringify('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')}}}`),
    'spec.authorities[0].key.data',
  ],
  [
    'an unknown hash',
    spec(`{key: {data: ${PEM}, hashAlgorithm: md5}}`),
    'invalid value: md5: spec.authorities[0].key.hashAlgorithm',
  ],
  ['a static without action', spec('{static: {message: m}}'), 'missing field(s): spec.authorities[0].static.action'],
  ['another action', spec('{static: {action: allow}}'), 'invalid value: allow: spec.authorities[0].static.action'],
  [
    'a static with a ctlog',
    spec('{static: {action: pass}, ctlog: {url: "https://r"}}'),
    'got both: spec.authorities[0].ctlog, spec.authorities[0].static',
  ],
  [
    'a static with attestations',
    spec('{static: {action: pass}, attestations: [{name: a, predicateType: "https://p"}]}'),
    'got both: spec.authorities[0].attestations, spec.authorities[0].static',
  ],
  ['SHA-224', spec(`{key: {data: ${PEM}, hashAlgorithm: sha224}}`), 'signatures over SHA-224 are not verified'],
  [
    'two sources',
    spec(`{key: {data: ${PEM}}, source: [{oci: r.example/a}, {oci: r.example/b}]}`),
    'invalid value: source: spec.authorities[0].source\nonly single source is supported',
  ],
  [
    'a source that is no repository',
    spec(`{key: {data: ${PEM}}, source: [{oci: "r.example/A B"}]}`),
    'invalid value: r.example/A B: spec.authorities[0].source[0].oci',
  ],
  [
    'a source that is a bare registry',
    spec(`{key: {data: ${PEM}}, source: [{oci: "r.example"}]}`),
    'invalid value: r.example: spec.authorities[0].source[0].oci',
  ],
  [
    'a pull secret without name',
    spec(`{key: {data: ${PEM}}, source: [{signaturePullSecrets: [{name: ""}]}]}`),
    'missing field(s): spec.authorities[0].source[0].signaturePullSecrets[0].name',
  ],
  [
    'an attestation without name and type',
    spec(`{key: {data: ${PEM}}, attestations: [{}]}`),
    'missing field(s): spec.authorities[0].attestations.name, spec.authorities[0].attestations.predicateType',
  ],
  [
    'another language',
    spec(`{key: {data: ${PEM}}, attestations: [{name: a, predicateType: "https://p", policy: {type: cel, data: x}}]}`),
    'invalid value: cel: spec.authorities[0].attestations.policy.type\nonly [cue,rego] are supported at the moment',
  ],
  [
    'what an attestation has no use for',
    spec(
      `{key: {data: ${PEM}}, attestations: [{name: a, predicateType: "https://p", policy: {type: cue, data: x, includeSpec: true}}]}`,
    ),
    'must not set the field(s): spec.authorities[0].attestations.policy.includeSpec',
  ],
  [
    'a policy from nowhere',
    spec(GOOD, ', policy: {type: cue}'),
    'missing field(s): spec.configMapRef, spec.data, spec.remote',
  ],
  [
    'a policy from two places',
    spec(GOOD, ', policy: {type: cue, data: x, configMapRef: {name: a, key: b}}'),
    'expected exactly one, got both: spec.configMapRef, spec.data, spec.remote',
  ],
  [
    'a remote policy over HTTP',
    spec(GOOD, ', policy: {type: cue, remote: {url: "http://p.example/x", sha256sum: x}}'),
    'invalid value: http://p.example/x: spec.remote.url\nurl valid is invalid. host and https scheme are expected',
  ],
  [
    'a remote policy without digest',
    spec(GOOD, ', policy: {type: cue, remote: {url: "https://p.example/x"}}'),
    'missing field(s): spec.remote.sha256sum',
  ],
  [
    'a ConfigMap without key',
    spec(GOOD, ', policy: {type: cue, configMapRef: {name: a}}'),
    'missing field(s): spec.configMapRef.key',
  ],
  [
    'a KMS that nobody knows',
    spec('{key: {kms: "kms://x"}}'),
    'invalid value: kms://x: spec.authorities[0].key.kms\nmalformed KMS format, should be prefixed by any of the supported providers: [awskms:// azurekms:// hashivault:// gcpkms://]',
  ],
  [
    'a key that is an alias of AWS without region',
    spec('{key: {kms: "awskms:///alias/x"}}'),
    'invalid value: awskms:///alias/x: spec.authorities[0].key.kms\nfailed to parse either key or alias arn: arn: invalid prefix',
  ],
  ['another mode', spec(GOOD, ', mode: audit'), 'invalid value: audit: spec.mode'],
  ['an unknown resource', spec(GOOD, ', match: [{resource: apples}]'), 'invalid value: apples: spec.match[0].resource'],
  ['a selector without resource', spec(GOOD, ', match: [{selector: {matchLabels: {a: b}}}]'), 'spec.match[0].selector'],
  [
    'an unknown operator',
    spec(GOOD, ', match: [{resource: pods, selector: {matchExpressions: [{key: a, operator: Gt}]}}]'),
    'matchExpressions[0].operator',
  ],
  [
    'In without values',
    spec(GOOD, ', match: [{resource: pods, selector: {matchExpressions: [{key: a, operator: In}]}}]'),
    'matchExpressions[0].values',
  ],
  [
    'Exists with values',
    spec(GOOD, ', match: [{resource: pods, selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}]'),
    'matchExpressions[0].values',
  ],
];

for (const [what, text, expected] of INVALID) {
  test(`${what}: not valid`, () => {
    const { code, facts } = refusal(document(text));
    assert.equal(code, 'FORMAT_POLICY');
    assert.ok(facts.found?.includes(expected), facts.found ?? '');
  });
}

/** Refused for its shape, before anything is made of it. */
const MALFORMED: readonly (readonly [what: string, text: string, code?: string])[] = [
  ['an unknown member of the policy', `${document(spec(GOOD))}extra: 1\n`],
  ['an unknown member of the spec', document(spec(GOOD, ', strictness: 1'))],
  ['an unknown member of an image', document(`{images: [{glob: "**", regex: a}], authorities: [${GOOD}]}`)],
  ['an unknown member of an authority', document(spec('{static: {action: pass}, rekor: {}}'))],
  ['an unknown member of keyless', document(spec('{keyless: {identities: [], issuer: i}}'))],
  ['an unknown member of an identity', document(spec('{keyless: {identities: [{issuer: i, subject: s, san: t}]}}'))],
  ['an unknown member of a key', document(spec(`{key: {data: ${PEM}, path: x}}`))],
  ['an unknown member of static', document(spec('{static: {action: pass, reason: x}}'))],
  ['an unknown member of ctlog', document(spec(`{key: {data: ${PEM}}, ctlog: {pubkey: x}}`))],
  ['an unknown member of match', document(spec(GOOD, ', match: [{kind: Pod}]'))],
  ['an unknown member of a selector', document(spec(GOOD, ', match: [{resource: pods, selector: {labels: {}}}]'))],
  ['an unknown member of metadata', document(spec(GOOD)).replace('{name: p}', '{name: p, title: q}')],
  ['no name', document(spec(GOOD)).replace('{name: p}', '{}')],
  ['a name with capitals', document(spec(GOOD)).replace('{name: p}', '{name: P}')],
  ['no spec', 'apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n'],
  ['images that are an object', document(`{images: {glob: a}, authorities: [${GOOD}]}`)],
  ['a glob that is a number', document(`{images: [{glob: 1}], authorities: [${GOOD}]}`)],
  ['a mode that YAML 1.1 would read as a boolean and we read as a text', document(spec(GOOD, ', mode: on'))],
  ['a text', '"ClusterImagePolicy"'],
  ['a list', '[1]'],
  ['a duplicate key', document(spec(GOOD)).replace('kind:', 'apiVersion: x\nkind:')],
  ['a merge key', `a: &a {kind: ClusterImagePolicy}\n<<: *a\n`],
  ['an unknown tag', `!!js/function 'x'\n`],
  ['an alias without anchor', document('*nowhere')],
  ['tabs for indentation', 'a:\n\tb: 1\n'],
  ['brackets without end', '['.repeat(100_000)],
  [
    'aliases that multiply',
    `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]\n`).join('')}`,
  ],
  ['nesting beyond the limit', `${'{a: '.repeat(80)}1${'}'.repeat(80)}`, 'LIMIT_DEPTH'],
  ['5 MiB', `# ${'x'.repeat(5 << 20)}`, 'LIMIT_SIZE'],
  ['1001 images', document(`{images: [${'{glob: "**"},'.repeat(1001)}], authorities: [${GOOD}]}`), 'LIMIT_COUNT'],
  ['101 authorities', document(spec(`${GOOD},`.repeat(101))), 'LIMIT_COUNT'],
  ['another kind', 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n', 'USAGE_BAD_CONFIG'],
  [
    'a TrustRoot',
    'apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: s}\nspec: {}\n',
    'USAGE_BAD_CONFIG',
  ],
  [
    'another version',
    document(spec(GOOD), 'apiVersion: policy.sigstore.dev/v1\nkind: ClusterImagePolicy'),
    'USAGE_BAD_CONFIG',
  ],
  [
    'another group',
    document(spec(GOOD), 'apiVersion: cosigned.sigstore.dev/v1alpha1\nkind: ClusterImagePolicy'),
    'USAGE_BAD_CONFIG',
  ],
];

for (const [what, text, code] of MALFORMED) {
  test(`${what}: refused`, () => {
    assert.equal(refusal(text).code, code ?? 'FORMAT_POLICY');
  });
}

test('all problems are named at once', () => {
  const { facts } = refusal(document('{images: [{glob: ""}], mode: x, authorities: [{key: {}}, {keyless: {}}]}'));
  for (const text of [
    'spec.images[0].glob',
    'spec.mode',
    'authorities[0].key.data',
    'authorities[1].keyless.identities',
  ]) {
    assert.ok(facts.found?.includes(text), facts.found ?? '');
  }
});

test('two policies of one name are refused', () => {
  const policy = parse(document(spec(GOOD)));
  assert.throws(() => PolicySet.ofClusterImages([policy, policy]), { code: 'FORMAT_POLICY' });
});
