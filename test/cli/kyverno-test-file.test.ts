/** `sealwright policy test --kyverno-test`: the same rows as Kyverno's own `kyverno test` over the same files. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { pushLayered } from '../servers/webhook/layered-image.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { peer } from '../support/peers.ts';
import { engineExecutable } from '../support/policy-engines.ts';
import { digestName } from './running-cluster.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const OTHER = PrivateKey.generate('ecdsa-p256');
const NO_LOGS = 'rekor: {ignoreTlog: true, url: "https://rekor.example.com"}, ctlog: {ignoreSCT: true}';

interface Row {
  readonly policy: string;
  readonly rule: string;
  readonly resource: string;
  readonly result: string;
  readonly reason: string;
}

interface Lab {
  readonly sandbox: Sandbox;
  readonly host: string;
  readonly signed: string;
  readonly other: string;
  readonly unsigned: string;
  readonly run: (...args: readonly string[]) => Promise<Ended>;
}

async function open(t: TestContext, engines: string): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  writeFileSync(sandbox.path('root.json'), encodeTrustedRoot(world.instance.trustedRoot));
  const push = async (name: string, ...keys: readonly PrivateKey[]): Promise<string> =>
    digestName(
      await pushLayered(
        world,
        name,
        keys.map((key) => ['sig', { key, managed: true }] as const),
      ),
    );
  return {
    sandbox,
    host: world.host,
    signed: await push('shop/signed', KEY),
    other: await push('shop/other', OTHER),
    unsigned: await push('shop/unsigned'),
    run: (...args) =>
      sandbox.run(['policy', 'test', '--trusted-root', 'root.json', ...args], {
        environment: { SEALWRIGHT_ENGINES: engines },
      }),
  };
}

function rulePolicy(
  name: string,
  host: string,
  rules: readonly string[],
  kind = 'ClusterPolicy',
  namespace = '',
): string {
  return `apiVersion: kyverno.io/v1
kind: ${kind}
metadata: {name: ${name}${namespace === '' ? '' : `, namespace: ${namespace}`}}
spec:
  webhookConfiguration: {timeoutSeconds: 30}
  rules:
${rules.map((rule) => rule.replaceAll('HOST', host)).join('\n')}
`;
}

function keyRule(name: string, key: PrivateKey, more = '', action = 'Enforce'): string {
  const pem = JSON.stringify(key.publicKey.toPem());
  return `  - name: ${name}
    match: {any: [{resources: {kinds: [Pod]}}]}
    ${more}
    verifyImages: [{imageReferences: ["HOST/shop/*"], failureAction: ${action}, mutateDigest: ${String(action === 'Enforce')}, attestors: [{entries: [{keys: {publicKeys: ${pem}, ${NO_LOGS}}}]}]}]`;
}

function validating(name: string, host: string): string {
  const pem = JSON.stringify(KEY.publicKey.toPem());
  return `apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {name: ${name}}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]}
  matchImageReferences: [{glob: "${host}/shop/*"}]
  attestors: [{name: key, cosign: {key: {data: ${pem}}, ctlog: {insecureIgnoreTlog: true, insecureIgnoreSCT: true}}}]
  validations: [{expression: "images.containers.map(image, verifyImageSignatures(image, [attestors.key])).all(e, e > 0)", message: refused}]
`;
}

function pod(name: string, image: string, namespace = 'shop', labels = '{}'): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ${namespace}, labels: ${labels}}\nspec: {containers: [{name: c, image: "${image}"}]}\n`;
}

function deployment(name: string, image: string): string {
  return `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}, namespace: shop}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "${image}"}]}}}\n`;
}

const result = (policy: string, expected: string, resources: string, rule = 'signed', more = ''): string =>
  `- {policy: ${policy}, ${rule === '' ? '' : `rule: ${rule}, `}kind: Pod, resources: [${resources}], result: ${expected}${more}}`;

async function byKyverno(kyverno: string, dir: string): Promise<readonly Row[]> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: dir };
  const args = ['test', dir, '--registry', '--output-format', 'json', '--remove-color', '--detailed-results'];
  const { stdout } = await promisify(execFile)(kyverno, args, { env, timeout: 120_000 }).catch(
    (error: unknown): { stdout: string } => {
      const { code, stdout: printed = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
      assert.equal(code, 1, `${printed}${stderr}`);
      return { stdout: printed };
    },
  );
  const [, json] = /^(\[[^]*?^\])/m.exec(stdout) ?? [];
  assert.ok(json !== undefined, stdout);
  const rows = JSON.parse(json) as Readonly<Record<'POLICY' | 'RULE' | 'RESOURCE' | 'RESULT' | 'REASON', string>>[];
  return rows.map(({ POLICY, RULE, RESOURCE, RESULT, REASON }) => ({
    policy: POLICY,
    rule: RULE,
    resource: RESOURCE,
    result: RESULT,
    reason: REASON,
  }));
}

/** Kyverno has a row for each of its phases and images, and no order. */
function distinct(rows: readonly Row[]): readonly string[] {
  const texts = rows.map(({ policy, rule, resource, result: came, reason }) =>
    [policy, rule, resource, came, reason].join(' '),
  );
  return [...new Set(texts)].sort();
}

/** By their policies: with several about one object, Kyverno's second phase takes for unverified what its first has verified. */
function cases(host: string): readonly (readonly [name: string, policy: string, results: readonly string[]])[] {
  const stage =
    'preconditions: {all: [{key: "{{ request.object.metadata.labels.stage || \'\' }}", operator: Equals, value: prod}]}';
  const guarded = '{kinds: [Pod], namespaceSelector: {matchLabels: {guarded: "yes"}}}';
  const isIn = ', isImageValidatingPolicy: true';
  return [
    [
      'by-key',
      rulePolicy('by-key', host, [keyRule('signed', KEY)]),
      [
        result('by-key', 'pass', 'good'),
        result('by-key', 'fail', 'bad, foreign'),
        result('by-key', 'pass', 'bad'),
        result('by-key', 'skip', 'let-off'),
        result('by-key', 'fail', 'let-off'),
        result('by-key', 'pass', 'elsewhere'),
        result('by-key', 'pass', 'shop/good'),
        result('by-key', 'pass', 'good-deployment'),
        result('by-key', 'fail', 'bad-deployment'),
        result('by-key', 'fail', 'bad', ''),
        result('by-key', 'pass', 'good', 'another'),
        result('nobody', 'pass', 'good'),
        '- {policy: by-key, rule: signed, kind: Pod, result: pass}',
      ],
    ],
    [
      'a rule for one stage',
      rulePolicy('staged', host, [keyRule('signed', OTHER, stage)]),
      [result('staged', 'pass', 'foreign'), result('staged', 'skip', 'bad'), result('staged', 'fail', 'good')],
    ],
    [
      'audited',
      rulePolicy('audited', host, [keyRule('signed', KEY, '', 'Audit')]),
      [result('audited', 'fail', 'bad'), result('audited', 'pass', 'good'), result('audited', 'warn', 'bad')],
    ],
    [
      'by labels of namespaces',
      rulePolicy('by-label', host, [keyRule('signed', KEY).replace('{kinds: [Pod]}', guarded)]),
      [result('by-label', 'fail', 'other-namespace'), result('by-label', 'pass', 'bad')],
    ],
    [
      'on updates',
      rulePolicy('on-update', host, [
        keyRule('signed', KEY).replace('{kinds: [Pod]}', '{kinds: [Pod], operations: [UPDATE]}'),
      ]),
      [result('on-update', 'fail', 'bad', 'signed', ', operation: UPDATE'), result('on-update', 'fail', 'bad')],
    ],
    [
      'of a namespace',
      rulePolicy('own', host, [keyRule('signed', KEY)], 'Policy', 'shop'),
      [result('own', 'fail', 'bad'), result('shop/own', 'fail', 'bad'), result('own', 'pass', 'other-namespace')],
    ],
    [
      'in CEL',
      validating('in-cel', host),
      [
        result('in-cel', 'pass', 'good', '', isIn),
        result('in-cel', 'fail', 'bad', '', isIn),
        result('in-cel', 'pass', 'bad', 'any-rule', isIn),
        result('in-cel', 'skip', 'let-off', '', isIn),
        result('in-cel', 'pass', 'elsewhere', '', isIn),
        result('in-cel', 'pass', 'good-deployment', '', isIn),
        result('in-cel', 'fail', 'bad-deployment', '', isIn),
      ],
    ],
  ];
}

test('the rows of kyverno test: rules, policies in CEL, exceptions, values, operations', async (t) => {
  const kyverno = peer(t, 'kyverno');
  const engines = await engineExecutable(t);
  if (kyverno === undefined || engines === undefined) return;
  const { sandbox, host, signed, other, unsigned, run } = await open(t, engines);
  const resources = [
    pod('good', signed),
    pod('bad', unsigned),
    pod('foreign', other, 'shop', '{stage: prod}'),
    pod('elsewhere', 'ghcr.io/acme/app:1'),
    pod('let-off', unsigned),
    pod('other-namespace', unsigned, 'bank'),
    deployment('good-deployment', signed),
    deployment('bad-deployment', unsigned),
  ];
  for (const [number, [name, policy, results]] of cases(host).entries()) {
    await t.test(name, async () => {
      const dir = sandbox.path(`tests-${number}/images`);
      mkdirSync(dir, { recursive: true });
      writeFileSync(`${dir}/policies.yaml`, policy);
      writeFileSync(`${dir}/resources.yaml`, resources.join('---\n'));
      writeFileSync(`${dir}/exceptions.yaml`, EXCEPTIONS);
      writeFileSync(`${dir}/values.yaml`, VALUES);
      writeFileSync(`${dir}/kyverno-test.yaml`, testFile(results));
      const [theirs, ours] = [
        await byKyverno(kyverno, dir),
        await run('--kyverno-test', sandbox.path(`tests-${number}`), '-o', 'json'),
      ];
      assert.notEqual(ours.stdout, '', ours.stderr);
      const { tests, failed } = JSON.parse(ours.stdout) as { tests: { rows: Row[] }[]; failed: number };
      const rows = tests.flatMap((each) => each.rows);
      assert.deepEqual(distinct(rows), distinct(theirs));
      assert.equal(
        failed > 0,
        theirs.some(({ result: came }) => came === 'Fail'),
      );
      assert.deepEqual(
        [ours.exitCode, failed > 0 ? errorCode(ours) : ''],
        failed > 0 ? [20, 'POLICY_DENIED'] : [0, ''],
      );
    });
  }
});

const EXCEPTIONS = `apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: e, namespace: shop}
spec: {match: {any: [{resources: {kinds: [Pod], names: [let-off]}}]}, exceptions: [{policyName: by-key, ruleNames: [signed]}]}
---
apiVersion: policies.kyverno.io/v1
kind: PolicyException
metadata: {name: c, namespace: shop}
spec: {policyRefs: [{name: in-cel, kind: ImageValidatingPolicy}], matchConditions: [{name: a, expression: "has(object.metadata.name) && object.metadata.name == 'let-off'"}]}
`;
const VALUES = `apiVersion: cli.kyverno.io/v1alpha1
kind: Values
namespaceSelector: [{name: bank, labels: {guarded: "yes"}}]
`;

function testFile(results: readonly string[], more = 'exceptions: [exceptions.yaml]\nvariables: values.yaml'): string {
  return `apiVersion: cli.kyverno.io/v1alpha1
kind: Test
metadata: {name: images}
policies: [policies.yaml]
resources: [resources.yaml]
${more}
results:
${results.join('\n')}
`;
}

test('what a test file asks for and is not done is refused by name; what is not there fails', async (t) => {
  const engines = await engineExecutable(t);
  if (engines === undefined) return;
  const { sandbox, host, signed, unsigned, run } = await open(t, engines);
  mkdirSync(sandbox.path('tests'));
  const write = (text: string): void => {
    writeFileSync(sandbox.path('tests/kyverno-test.yaml'), text);
  };
  const rule = keyRule('signed', KEY).replace('{kinds: [Pod]}}', '{kinds: [Pod]}, subjects: [{kind: User, name: ci}]}');
  writeFileSync(sandbox.path('tests/policies.yaml'), rulePolicy('by-key', host, [rule]));
  writeFileSync(sandbox.path('tests/resources.yaml'), [pod('good', signed), pod('bad', unsigned)].join('---\n'));
  writeFileSync(
    sandbox.path('tests/user.yaml'),
    'apiVersion: cli.kyverno.io/v1alpha1\nkind: UserInfo\nuserInfo: {username: ci, groups: [builders]}\n',
  );
  writeFileSync(
    sandbox.path('tests/roles.yaml'),
    'apiVersion: cli.kyverno.io/v1alpha1\nkind: UserInfo\nroles: [a]\nuserInfo: {username: ci}\n',
  );
  writeFileSync(
    sandbox.path('tests/values.yaml'),
    'apiVersion: cli.kyverno.io/v1alpha1\nkind: Values\nglobalValues: {team: shop}\n',
  );
  const bad = [result('by-key', 'fail', 'bad')];
  for (const [more, named] of [
    ['variables: values.yaml', 'globalValues.team'],
    ['values: {policies: [{name: p, resources: [{name: r, values: {a: b}}]}]}', 'values.policies[0]'],
    ['userinfo: roles.yaml', 'roles'],
    ['context: context.yaml', 'context'],
    ['jsonPayloads: [a.json]', 'jsonPayloads'],
    ['apiCallResponses: [{url: "https://a.b", response: {body: {}}}]', 'apiCallResponses'],
  ] as const) {
    write(testFile(bad, more));
    const ended = await run('--kyverno-test', 'tests');
    assert.deepEqual([errorCode(ended), ended.stdout], ['FORMAT_POLICY', ''], more);
    assert.ok(ended.stderr.includes(`${named} is not supported: `), ended.stderr);
  }
  for (const [more, named] of [
    [', patchedResources: a.yaml', 'results[0].patchedResources'],
    [', isValidatingPolicy: true', 'results[0].isValidatingPolicy'],
    [', operation: DELETE', 'results[0].operation'],
  ] as const) {
    write(testFile([result('by-key', 'fail', 'bad', 'signed', more)], ''));
    const ended = await run('--kyverno-test', 'tests');
    assert.equal(errorCode(ended), 'FORMAT_POLICY', more);
    assert.ok(ended.stderr.includes(`${named} is not supported: `), ended.stderr);
  }
  for (const text of ['a: 1', testFile(bad, '').replace('kind: Test', 'kind: Tests'), testFile(bad, 'strange: 1')]) {
    write(text);
    assert.equal(errorCode(await run('--kyverno-test', 'tests')), 'FORMAT_POLICY', text);
  }
  assert.equal(errorCode(await run('--kyverno-test', 'nowhere')), 'USAGE_FILE');
  mkdirSync(sandbox.path('empty'));
  assert.equal(errorCode(await run('--kyverno-test', 'empty')), 'USAGE_FILE');

  const reasons = async (results: readonly string[], more: string): Promise<readonly string[]> => {
    write(testFile(results, more));
    const ended = await run('--kyverno-test', sandbox.path('tests/kyverno-test.yaml'), '-o', 'json');
    const { tests } = JSON.parse(ended.stdout) as { tests: { rows: Row[] }[] };
    return tests.flatMap(({ rows }) => rows.map(({ result: came, reason }) => `${came} ${reason}`));
  };
  // The rule is about what one user makes: Kyverno's command line knows nobody until it is told.
  assert.deepEqual(await reasons(bad, ''), ['Pass Excluded']);
  assert.deepEqual(await reasons(bad, 'userinfo: user.yaml'), ['Pass Ok']);
  const typed = '- {policy: by-key, rule: signed, kind: Pod, result: fail, resources: [bed]}';
  assert.deepEqual(await reasons([typed], 'userinfo: user.yaml'), ['Fail Not found']);
  const spec =
    '- {policy: by-key, rule: signed, kind: Pod, result: pass, resourceSpecs: [{version: v1, kind: Pod, namespace: shop, name: good}]}';
  assert.deepEqual(await reasons([spec], 'userinfo: user.yaml'), ['Pass Ok']);

  const table = await run('--kyverno-test', 'tests', '-o', 'table');
  assert.match(
    table.stdout,
    /^ID +POLICY +RULE +RESOURCE +RESULT +REASON\n1 +by-key +signed +v1\/Pod\/shop\/good +Pass +Ok/,
  );
  write(testFile([result('by-key', 'pass', 'bad')], 'userinfo: user.yaml'));
  const junit = await run('--kyverno-test', 'tests', '-o', 'junit');
  assert.match(junit.stdout, /<failure type="POLICY_DENIED" message="Want pass, got fail">NO_SIGNATURE /);
});
