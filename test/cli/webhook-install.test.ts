/** `sealwright webhook install|uninstall|status`: what is printed and refused without a cluster, and the chart beside it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { EXCEPTION_DEFINITIONS } from '../../src/core/policy/definitions/exception-definitions.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import { Sandbox, errorCode } from '../support/command-line.ts';
import { FakeInstance } from '../support/instance.ts';
import { peer } from '../support/peers.ts';
import { Authority } from '../support/revocations.ts';

interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [member: string]: unknown;
}

const IMAGE = `registry.example/sealwright@sha256:${'d'.repeat(64)}`;
const sandbox = new Sandbox();
const ROOT = sandbox.path('trusted_root.json');
const instance = new FakeInstance();
writeFileSync(ROOT, encodeTrustedRoot(instance.trustedRoot));
const POLICY = sandbox.path('policy.yaml');
writeFileSync(
  POLICY,
  'apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec: {images: [{glob: "**"}], authorities: [{static: {action: pass}}]}\n',
);
const AUTHORITY = sandbox.path('authority.json');
const { authority: AUTHORITY_VALUE } = new Authority(instance, ['alice'], { narrow: 1, broad: 1, relaxing: 1 });
writeFileSync(AUTHORITY, encodeRevocationAuthority(AUTHORITY_VALUE));
after(() => {
  sandbox.remove();
});
const REVOCATIONS = ['--revocations', 'https://trust.example/revocations.json', '--revocation-authority', AUTHORITY];
const BASE = ['webhook', 'install', '--image', IMAGE, '--trusted-root', ROOT];

function objectsOf(yaml: string): readonly KubeObject[] {
  return parseAllDocuments(yaml).flatMap((document) => (document.toJS() as KubeObject | null) ?? []);
}

async function dryRun(...flags: readonly string[]): Promise<readonly KubeObject[]> {
  const { exitCode, stdout, stderr } = await sandbox.run([...BASE, '--dry-run', ...flags]);
  assert.equal(exitCode, 0, stderr);
  return objectsOf(stdout);
}

const find = (objects: readonly KubeObject[], kind: string): KubeObject => {
  const found = objects.find((object) => object.kind === kind);
  assert.ok(found !== undefined, kind);
  return found;
};

test('--dry-run prints every object, the configurations last, and touches no cluster', async () => {
  const objects = await dryRun();
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    [
      'Namespace',
      ...[...POLICY_DEFINITIONS, ...EXCEPTION_DEFINITIONS].map(() => 'CustomResourceDefinition'),
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'Secret',
      'ConfigMap',
      'Service',
      'PodDisruptionBudget',
      'NetworkPolicy',
      'Deployment',
      'MutatingWebhookConfiguration',
      'ValidatingWebhookConfiguration',
    ],
  );
});

test('pods run without root and rights, on a read-only file system, two of them, one always there', async () => {
  const objects = await dryRun();
  const { spec } = find(objects, 'Deployment') as unknown as {
    spec: {
      replicas: number;
      strategy: { rollingUpdate: { maxUnavailable: number } };
      template: {
        spec: { securityContext: Record<string, unknown>; containers: { securityContext: object; args: string[] }[] };
      };
    };
  };
  assert.equal(spec.replicas, 2);
  assert.equal(spec.strategy.rollingUpdate.maxUnavailable, 0);
  assert.equal(spec.template.spec.securityContext['runAsNonRoot'], true);
  assert.deepEqual(spec.template.spec.containers[0]?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const budget = find(objects, 'PodDisruptionBudget') as unknown as { spec: { minAvailable: number } };
  assert.equal(budget.spec.minAvailable, 1);
});

test('its own image is pulled with the Secrets that are named, by the webhook and by the watch, and otherwise with none', async () => {
  const secretsOf = async (...flags: readonly string[]): Promise<readonly unknown[]> =>
    (await dryRun('--watch', 'report', ...REVOCATIONS, ...flags))
      .filter(({ kind }) => kind === 'Deployment')
      .map(
        (object) =>
          (object as unknown as { spec: { template: { spec: { imagePullSecrets: unknown } } } }).spec.template.spec
            .imagePullSecrets,
      );
  assert.deepEqual(await secretsOf(), [[], []]);
  const named = [{ name: 'one' }, { name: 'two' }];
  assert.deepEqual(await secretsOf('--image-pull-secret', 'one', '--image-pull-secret', 'two'), [named, named]);
});

test('the least that it needs: nothing is listed but policies, exceptions and what runs, nothing written but Events, its certificate and two configurations', async () => {
  const objects = await dryRun();
  const rules = ['ClusterRole', 'Role'].flatMap(
    (kind) => find(objects, kind)['rules'] as { resources: string[]; verbs: string[]; resourceNames?: string[] }[],
  );
  for (const { resources, verbs, resourceNames } of rules) {
    assert.ok(![...resources, ...verbs].includes('*'));
    const kinds = [
      ...['clusterimagepolicies', 'imageexceptions', 'imagepolicies', 'breakglasses', 'pods', 'replicasets'],
      // Kyverno's.
      ...[
        'clusterpolicies',
        'policies',
        'policyexceptions',
        'imagevalidatingpolicies',
        'namespacedimagevalidatingpolicies',
      ],
    ];
    if (verbs.includes('list') || verbs.includes('watch')) {
      assert.deepEqual(
        resources.filter((resource) => !kinds.includes(resource)),
        [],
      );
    }
    const isTelling = resources.join() === 'events' && verbs.join() === 'create';
    if (!isTelling && verbs.some((verb) => !['get', 'list', 'watch'].includes(verb))) {
      assert.equal(resourceNames?.length, 1);
    }
  }
  const written = rules
    .filter(({ resourceNames }) => resourceNames !== undefined)
    .map(({ resourceNames }) => resourceNames);
  assert.deepEqual(written, [['sealwright'], ['sealwright-webhook-tls']]);
});

test('what its flags say is in the objects', async () => {
  const objects = await dryRun(
    '--namespaces',
    'opt-out',
    '--exempt-namespace',
    'registry',
    '--replicas',
    '3',
    '--failure-policy',
    'Ignore',
    '--review-timeout',
    '20',
    '--api-server',
    '10.0.0.1/32',
    '--pod-template',
    'rollouts.argoproj.io=spec.template',
    '--system-namespace',
    'guards',
  );
  const { webhooks } = find(objects, 'ValidatingWebhookConfiguration') as unknown as {
    webhooks: {
      failurePolicy: string;
      timeoutSeconds: number;
      namespaceSelector?: object;
      rules: { apiGroups: string[] }[];
      clientConfig: { service: object };
    }[];
  };
  const [images, policies] = webhooks;
  assert.deepEqual(images?.namespaceSelector, {
    matchExpressions: [
      {
        key: 'kubernetes.io/metadata.name',
        operator: 'NotIn',
        values: ['kube-system', 'kube-node-lease', 'guards', 'registry'],
      },
      { key: 'policy.sigstore.dev/exclude', operator: 'DoesNotExist' },
    ],
  });
  assert.deepEqual([images.failurePolicy, images.timeoutSeconds], ['Ignore', 20]);
  assert.deepEqual(images.rules.at(-1)?.apiGroups, ['argoproj.io']);
  assert.deepEqual(images.clientConfig.service, {
    namespace: 'guards',
    name: 'sealwright-webhook',
    path: '/validate',
    port: 443,
  });
  assert.deepEqual([policies?.failurePolicy, policies?.namespaceSelector], ['Fail', undefined]);
  const text = JSON.stringify(objects);
  for (const expected of [
    '"replicas":3',
    '--namespaces=opt-out',
    '--exempt-namespace=registry',
    '--pod-template=rollouts.argoproj.io=spec.template',
    '"from":[{"ipBlock":{"cidr":"10.0.0.1/32"}}]',
    'sealwright-webhook.guards.svc',
  ]) {
    assert.ok(text.includes(expected), expected);
  }
});

test('a database for evidence: its URL in the arguments, its password in a Secret', async () => {
  const url = 'postgres://app@db.example/evidence';
  const text = JSON.stringify(find(await dryRun('--evidence', url, '--evidence-secret', 'database'), 'Deployment'));
  for (const expected of [
    `"--evidence=${url}","--evidence-password-file=/etc/sealwright/evidence/password"`,
    '{"name":"evidence","secret":{"secretName":"database","optional":true}}',
    '{"name":"evidence","mountPath":"/etc/sealwright/evidence","readOnly":true}',
  ]) {
    assert.ok(text.includes(expected), expected);
  }
  const own = JSON.stringify(find(await dryRun(), 'Deployment'));
  assert.ok(own.includes('"--evidence=/var/lib/sealwright/evidence.db","--evidence-password-file="'), own);
});

test('revocations: where they come from in the arguments, who may revoke in the ConfigMap of whom to trust', async () => {
  const objects = await dryRun(...REVOCATIONS, '--stale-revocations', 'enforce', '--revocations-max-age', '168h');
  const text = JSON.stringify(find(objects, 'Deployment'));
  const expected =
    '"--revocations=https://trust.example/revocations.json","--revocation-authority=/etc/sealwright/trust/revocation-authority.json",' +
    '"--stale-revocations=enforce","--revocations-max-age=168h"';
  assert.ok(text.includes(expected), text);
  const { data } = find(objects, 'ConfigMap') as unknown as { data: Record<string, string> };
  assert.equal(data['revocation-authority.json'], readFileSync(AUTHORITY, 'utf8'));
  assert.ok(!text.includes(JSON.stringify(readFileSync(AUTHORITY, 'utf8')).slice(1, 40)), 'in an argument');
  assert.ok(!JSON.stringify(find(await dryRun(), 'Deployment')).includes('--revocation'));
});

test('a ConfigMap of another namespace: a right to get that one, for who decides and nobody else', async () => {
  const flags = ['--config-map', 'trust/keys', '--watch', 'report', ...REVOCATIONS];
  const granted = (await dryRun(...flags)).filter(({ metadata }) => metadata.namespace === 'trust');
  assert.deepEqual(
    granted.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ['Role sealwright-webhook-keys', 'RoleBinding sealwright-webhook-keys'],
  );
  assert.deepEqual(granted[0]?.['rules'], [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get'], resourceNames: ['keys'] },
  ]);
  assert.deepEqual(
    granted[1]?.['subjects'],
    ['sealwright-webhook', 'sealwright-watch'].map((name) => ({
      kind: 'ServiceAccount',
      name,
      namespace: 'cosign-system',
    })),
  );
  assert.ok(!JSON.stringify(await dryRun()).includes('sealwright.dev/grant'));
  assert.ok(!JSON.stringify(await dryRun(...flags)).includes('installed-with'), 'manifests remember nothing');
});

test('cert-manager: its objects, its annotation, its Secret in the pods, and fewer rights of ours', async () => {
  const objects = await dryRun('--cert-manager');
  const ofKind = (kind: string): readonly string[] =>
    objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
  assert.deepEqual(ofKind('Issuer'), ['sealwright-webhook-root', 'sealwright-webhook-ca']);
  assert.deepEqual(ofKind('Certificate'), ['sealwright-webhook-ca', 'sealwright-webhook']);
  assert.deepEqual(ofKind('Secret'), []);
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    const { annotations } = find(objects, kind).metadata as unknown as { annotations: object };
    assert.deepEqual(annotations, { 'cert-manager.io/inject-ca-from': 'cosign-system/sealwright-webhook' });
  }
  const text = JSON.stringify(find(objects, 'Deployment'));
  for (const expected of [
    '"--tls-cert=/etc/sealwright/certificate/tls.crt","--tls-key=/etc/sealwright/certificate/tls.key"',
    '{"name":"certificate","secret":{"secretName":"sealwright-webhook-certificate"}}',
    '{"name":"certificate","mountPath":"/etc/sealwright/certificate","readOnly":true}',
  ]) {
    assert.ok(text.includes(expected), expected);
  }
  const rights = JSON.stringify([find(objects, 'ClusterRole')['rules'], find(objects, 'Role')['rules']]);
  assert.ok(!/"(update|patch|delete)"/.test(rights), rights);
  // Somebody else's issuer: nothing else of cert-manager's is made.
  const named = await dryRun('--cert-manager', '--issuer', 'ClusterIssuer/corporate');
  assert.deepEqual(
    named.filter(({ kind }) => kind === 'Issuer' || kind === 'Certificate').map(({ metadata }) => metadata.name),
    ['sealwright-webhook'],
  );
  const { spec } = find(named, 'Certificate') as unknown as { spec: { issuerRef: object; dnsNames: string[] } };
  assert.deepEqual(spec.issuerRef, { group: 'cert-manager.io', kind: 'ClusterIssuer', name: 'corporate' });
  assert.deepEqual(spec.dnsNames, ['sealwright-webhook.cosign-system.svc']);
});

for (const more of [[], REVOCATIONS, ['--cert-manager']]) {
  test(`the arguments of the Deployment are arguments of this program ${more[0] ?? ''}`, async () => {
    const objects = await dryRun(
      ...more,
      '--exempt-namespace',
      'registry',
      '--pod-template',
      'rollouts.argoproj.io=spec.template',
    );
    const { spec } = find(objects, 'Deployment') as unknown as {
      spec: { template: { spec: { containers: { args: string[] }[] } } };
    };
    const args = spec.template.spec.containers[0]?.args ?? [];
    const here: Readonly<Record<string, string>> = { 'trusted-root': ROOT, 'revocation-authority': AUTHORITY };
    const own = args.map((arg) => {
      const name = /^--([^=]+)=/.exec(arg)?.[1] ?? '';
      return here[name] === undefined ? arg : `--${name}=${here[name]}`;
    });
    // Everything is understood; what is missing is the pod.
    const { exitCode, stderr } = await sandbox.run(own);
    assert.equal(exitCode, 1);
    assert.match(stderr, /USAGE_BAD_CONFIG {2}this process does not run in a pod/);
  });
}

for (const [what, flags, code] of [
  [
    'an image by tag',
    ['webhook', 'install', '--image', 'registry.example/sealwright:1', '--trusted-root', ROOT],
    'USAGE_BAD_FLAG',
  ],
  ['no image', ['webhook', 'install', '--dry-run', '--trusted-root', ROOT], 'USAGE_BAD_FLAG'],
  ['no trusted root', ['webhook', 'install', '--dry-run', '--image', IMAGE], 'USAGE_BAD_FLAG'],
  [
    'a trusted root that is none',
    ['webhook', 'install', '--image', IMAGE, '--trusted-root', join(import.meta.dirname, 'x.json')],
    'USAGE_FILE',
  ],
  ['no replica', [...BASE, '--replicas', '0'], 'USAGE_BAD_FLAG'],
  ['too short a patience', [...BASE, '--review-timeout', '2'], 'USAGE_BAD_FLAG'],
  ['more patience than the API server has', [...BASE, '--review-timeout', '31'], 'USAGE_BAD_FLAG'],
  ['another failure policy', [...BASE, '--failure-policy', 'Maybe'], 'USAGE_BAD_FLAG'],
  ['a declaration that is none', [...BASE, '--pod-template', 'rollouts'], 'USAGE_BAD_FLAG'],
  ['a password in the arguments', [...BASE, '--dry-run', '--evidence', 'postgres://u:secret@h/d'], 'USAGE_BAD_FLAG'],
  ['a file for all replicas', [...BASE, '--dry-run', '--evidence', '/var/evidence.db'], 'USAGE_BAD_FLAG'],
  [
    'a password for a file',
    [
      ...['webhook', '--policy', POLICY, '--trusted-root', ROOT, '--self-signed', 'tls'],
      ...['--evidence', 'x.db', '--evidence-password-file', 'x'],
    ],
    'USAGE_BAD_FLAG',
  ],
  [
    'a database that is not known',
    ['webhook', '--policy', POLICY, '--trusted-root', ROOT, '--self-signed', 'tls', '--evidence', 'mysql://u@h/d'],
    'USAGE_BAD_FLAG',
  ],
  [
    'a file of revocations, which would never be news',
    [...BASE, '--dry-run', '--revocations', ROOT, '--revocation-authority', AUTHORITY],
    'USAGE_BAD_FLAG',
  ],
  [
    'a password in the URL of revocations',
    [...BASE, '--dry-run', '--revocations', 'https://u:secret@h/r.json', '--revocation-authority', AUTHORITY],
    'USAGE_BAD_FLAG',
  ],
  ['revocations by nobody', [...BASE, '--dry-run', '--revocations', 'https://h/r.json'], 'USAGE_BAD_FLAG'],
  ['an authority alone', [...BASE, '--dry-run', '--revocation-authority', AUTHORITY], 'USAGE_BAD_FLAG'],
  [
    'an authority that is none',
    [...BASE, '--dry-run', '--revocations', 'https://h/r.json', '--revocation-authority', ROOT],
    'FORMAT_REVOCATION',
  ],
  ['staleness of nothing', [...BASE, '--dry-run', '--stale-revocations', 'enforce'], 'USAGE_BAD_FLAG'],
  ['an age that is none', [...BASE, '--dry-run', ...REVOCATIONS, '--revocations-max-age', 'soon'], 'USAGE_BAD_FLAG'],
  ['an issuer without cert-manager', [...BASE, '--dry-run', '--issuer', 'Issuer/ca'], 'USAGE_BAD_FLAG'],
  ...['ca', 'Vault/ca', 'Issuer/', 'Issuer/a/b', 'Issuer/A B'].map(
    (issuer) =>
      [`the issuer ${issuer}`, [...BASE, '--dry-run', '--cert-manager', '--issuer', issuer], 'USAGE_BAD_FLAG'] as const,
  ),
  ...['keys', 'trust/', '/keys', 'trust/keys/x', 'Trust/keys', 'trust/ke ys', 'trust/*'].map(
    (name) => [`the ConfigMap ${name}`, [...BASE, '--dry-run', '--config-map', name], 'USAGE_BAD_FLAG'] as const,
  ),
  ...['--unset=replicas', '--reset'].map(
    (flag) => [`${flag} where no cluster remembers`, [...BASE, '--dry-run', flag], 'USAGE_BAD_FLAG'] as const,
  ),
  ['a chart and a dry run', [...BASE, '--dry-run', '--chart', 'x'], 'USAGE_BAD_FLAG'],
  [
    'a shared certificate without a cluster',
    ['webhook', '--policy', POLICY, '--trusted-root', ROOT, '--certificate-secret', 's'],
    'USAGE_BAD_FLAG',
  ],
  [
    'some namespaces without a cluster',
    ['webhook', '--policy', POLICY, '--trusted-root', ROOT, '--self-signed', 'tls', '--namespaces', 'opt-in'],
    'USAGE_BAD_FLAG',
  ],
  ...['0', 'none', '1.5', '1000001'].map(
    (number) =>
      [
        `a budget of ${number} requests`,
        [
          ...['webhook', '--policy', POLICY, '--trusted-root', ROOT, '--self-signed', 'tls'],
          ...['--registry-budget', number],
        ],
        'USAGE_BAD_FLAG',
      ] as const,
  ),
] as const) {
  test(`${what} is refused`, async () => {
    const ended = await sandbox.run(flags);
    assert.notEqual(ended.exitCode, 0);
    assert.equal(errorCode(ended), code);
  });
}

test('uninstall --dry-run says what goes, the configurations first', async () => {
  const { stdout } = await sandbox.run(['webhook', 'uninstall', '--dry-run', '--purge']);
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(lines.slice(0, 2), [
    'MutatingWebhookConfiguration sealwright',
    'ValidatingWebhookConfiguration sealwright',
  ]);
  assert.equal(lines.at(-1), 'Namespace cosign-system');
  const kept = await sandbox.run(['webhook', 'uninstall', '--dry-run']);
  assert.ok(!/CustomResourceDefinition|Namespace/.test(kept.stdout));
});

const CHOICES: readonly (readonly string[])[] = [
  [],
  ['--namespaces', 'opt-out', '--failure-policy', 'Ignore', '--replicas', '5', '--review-timeout', '30'],
  [
    '--namespaces',
    'all',
    '--api-server',
    '10.0.0.0/8',
    '--api-server',
    '192.0.2.1/32',
    '--exempt-namespace',
    'registry',
  ],
  ['--pod-template', 'rollouts.argoproj.io=spec.template'],
  [
    '--evidence',
    'postgres://app@db.example/evidence?sslrootcert=/etc/sealwright/evidence/ca.crt',
    '--evidence-secret',
    'database',
  ],
  [...REVOCATIONS, '--stale-revocations', 'warn'],
  ['--allow-http-registry'],
  ['--config-map', 'trust/keys', '--config-map', 'bank/signers.v1', '--watch', 'report', ...REVOCATIONS],
  ['--cert-manager'],
  ['--cert-manager', '--issuer', 'Issuer/corporate'],
];

test('Helm makes of the chart what --dry-run prints', async (t) => {
  const helm = peer(t, 'helm');
  if (helm === undefined) return;
  const render = (chart: string, ...more: readonly string[]): readonly KubeObject[] =>
    objectsOf(
      execFileSync(
        helm,
        ['template', 'sealwright', chart, '-n', 'cosign-system', '--kube-version', '1.35.4', ...more],
        {
          encoding: 'utf8',
          stdio: 'pipe',
          env: { PATH: '', HOME: sandbox.folder },
        },
      ),
    );
  const byName = (objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> =>
    new Map(objects.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
  for (const [index, flags] of CHOICES.entries()) {
    const chart = sandbox.path(`chart-${index}`);
    const written = await sandbox.run([...BASE, '--chart', chart, ...flags]);
    assert.equal(written.exitCode, 0, written.stderr);
    execFileSync(helm, ['lint', '--strict', chart], { stdio: 'pipe', env: { PATH: '', HOME: sandbox.folder } });
    const expected = (await dryRun(...flags)).filter(
      ({ kind }) => kind !== 'Namespace' && kind !== 'CustomResourceDefinition',
    );
    assert.deepEqual(byName(render(chart)), byName(expected), flags.join(' '));
    assert.deepEqual(objectsOf(readFileSync(join(chart, 'crds/policies.yaml'), 'utf8')), [
      ...POLICY_DEFINITIONS,
      ...EXCEPTION_DEFINITIONS,
    ]);
  }
  // What the chart's user sets is what the flag would have said.
  const chart = sandbox.path('chart-0');
  const database = 'postgres://app@db.example/evidence';
  assert.deepEqual(
    byName(render(chart, '--set', `evidence=${database}`)),
    byName(
      (await dryRun('--evidence', database)).filter(
        ({ kind }) => kind !== 'Namespace' && kind !== 'CustomResourceDefinition',
      ),
    ),
  );
  // The same for revocations; half of it is refused.
  const authority = ['--set-file', `revocationAuthority=${AUTHORITY}`];
  const revocations = ['--set', 'revocations=https://trust.example/revocations.json'];
  assert.deepEqual(
    byName(render(chart, ...revocations, ...authority)),
    byName(
      (await dryRun(...REVOCATIONS)).filter(({ kind }) => kind !== 'Namespace' && kind !== 'CustomResourceDefinition'),
    ),
  );
  assert.throws(() => render(chart, ...revocations), /revocationAuthority is the text that revoke init has written/);
  assert.throws(() => render(chart, ...authority), /revocations is the URL of the snapshot/);
  assert.deepEqual(
    byName(render(chart, '--set', 'allowHttpRegistry=true')),
    byName(
      (await dryRun('--allow-http-registry')).filter(
        ({ kind }) => kind !== 'Namespace' && kind !== 'CustomResourceDefinition',
      ),
    ),
  );
  assert.deepEqual(
    byName(render(chart, '--set', 'imagePullSecrets[0].name=pull')),
    byName(
      (await dryRun('--image-pull-secret', 'pull')).filter(
        ({ kind }) => kind !== 'Namespace' && kind !== 'CustomResourceDefinition',
      ),
    ),
  );
  const set = ['--set', 'namespaces=opt-out,failurePolicy=Ignore,replicas=5,timeoutSeconds=30'];
  const same = (await dryRun(...CHOICES[1]!)).filter(
    ({ kind }) => kind !== 'Namespace' && kind !== 'CustomResourceDefinition',
  );
  assert.deepEqual(byName(render(chart, ...set)), byName(same));
  for (const wrong of ['namespaces=everything', 'trustedRoot=']) {
    assert.throws(() => render(chart, '--set', wrong), /namespaces is opt-in, opt-out, all|trustedRoot is the text/);
  }
});
