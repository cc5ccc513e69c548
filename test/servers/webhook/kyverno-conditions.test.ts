/**
 * Conditions of Kyverno's rules, in JMESPath: Kyverno's own command line as the oracle over each operator, and what is refused
 * here although Kyverno would go on.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import type { EnginesSource } from '../../../src/workflows/admission/policy-evaluation.ts';
import { peer } from '../../support/peers.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { applyKyvernoRules } from './kyverno-program.ts';
import { pushLayered, VULN } from './layered-image.ts';
import { ask, pod, type Answer, type ReviewInput } from './review.ts';
import { World } from './world.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const ATTESTORS = `attestors: [{entries: [{keys: {publicKeys: ${JSON.stringify(KEY.publicKey.toPem())}, rekor: {ignoreTlog: true, url: "https://rekor.example.com"}, ctlog: {ignoreSCT: true}}}]}]`;

const PREDICATES: Readonly<Record<string, JsonObject>> = {
  clean: {
    scanner: { result: 'clean', version: '1.10.0', high: 0, tags: ['nightly', 'full'] },
    finished: '2026-01-02T03:04:05Z',
    age: '36h',
    size: '1Gi',
    branch: 'main',
    counts: [1, 2, 1000000],
    isFinal: true,
  },
  dirty: {
    scanner: { result: 'dirty', version: '1.9.0', high: 12, tags: ['full', 'slow'] },
    finished: '2020-01-02T03:04:05Z',
    age: '900h',
    size: '10Mi',
    branch: 'release/2',
    counts: [7],
    isFinal: false,
  },
  other: { scanner: { result: '', version: 'x', high: 1.5, tags: [] }, age: '0', size: 7, counts: [], nothing: null },
};

const of = (key: string, operator: string, value: unknown): JsonObject => ({ key, operator, value }) as JsonObject;
const all = (...conditions: readonly JsonObject[]): JsonObject => ({ all: [...conditions] });
const any = (...conditions: readonly JsonObject[]): JsonObject => ({ any: [...conditions] });

/** Blocks of conditions on the predicate. */
const BLOCKS: readonly (readonly JsonObject[])[] = [
  ...['clean', 'd*', '', '{{ branch }}'].map((value) => [all(of('{{ scanner.result }}', 'Equals', value))]),
  ...['clean', 'd*', 7].map((value) => [all(of('{{ scanner.result }}', 'NotEquals', value))]),
  ...[0, 12, '12', '0', 1.5, 'many'].map((value) => [all(of('{{ scanner.high }}', 'Equals', value))]),
  ...[0, '12', true].map((value) => [all(of('{{ scanner.high }}', 'NotEquals', value))]),
  ...[true, 'true'].map((value) => [all(of('{{ isFinal }}', 'Equals', value))]),
  ...[{ a: 1 }, ['full', 'slow']].map((value) => [all(of('{{ scanner.tags }}', 'Equals', value))]),
  [all(of('{{ scanner.tags }}', 'NotEquals', ['full', 'slow']))],
  ...(['GreaterThan', 'GreaterThanOrEquals', 'LessThan', 'LessThanOrEquals'] as const).flatMap((operator) => [
    ...[12, '1.5', '10m'].map((value) => [all(of('{{ scanner.high }}', operator, value))]),
    ...['1.9.0', '1.10.0', '2'].map((value) => [all(of('{{ scanner.version }}', operator, value))]),
    ...['36h', '168h', 129600, '1000Mi'].map((value) => [all(of('{{ age }}', operator, value))]),
    ...['1000Mi', '1Gi', 7].map((value) => [all(of('{{ size }}', operator, value))]),
  ]),
  ...['DurationGreaterThan', 'DurationGreaterThanOrEquals', 'DurationLessThan', 'DurationLessThanOrEquals'].flatMap(
    (operator) => ['36h', 129600, 'soon'].map((value) => [all(of('{{ age }}', operator, value))]),
  ),
  ...['In', 'AnyIn', 'AllIn', 'NotIn', 'AnyNotIn', 'AllNotIn'].flatMap((operator) => [
    ...[['clean', 'dirty'], ['c*'], 'clean', '["clean"]', 'cl*', 5].map((value) => [
      all(of('{{ scanner.result }}', operator, value)),
    ]),
    ...[['full', 'nightly', 'slow'], ['full'], ['f*'], 'full', '["full","nightly"]', 5].map((value) => [
      all(of('{{ scanner.tags }}', operator, value)),
    ]),
    ...['1-20', [12], ['0', '12'], 12].map((value) => [all(of('{{ scanner.high }}', operator, value))]),
    // Kyverno's command line ends in a panic where its older operators meet a list of numbers.
    ...(operator === 'In' || operator === 'NotIn' ? [] : ['1-8', [1, 2, 1000000], ['1000000', '1', '2']]).map(
      (value) => [all(of('{{ counts }}', operator, value))],
    ),
  ]),
  [any(of('{{ branch }}', 'Equals', 'main'), of('{{ branch }}', 'Equals', 'release/*'))],
  [any(of('{{ branch || `none` }}', 'Equals', 'none'))],
  [{ any: [of('{{ isFinal }}', 'Equals', false)], all: [of('{{ branch }}', 'Equals', 'release/*')] }],
  [all(of('{{ branch }}', 'Equals', 'main')), all(of('{{ isFinal }}', 'Equals', true))],
  [{}],
  [all(of('{{ length(scanner.tags) }}', 'GreaterThan', 1))],
  [all(of('{{ scanner.tags[?@ == `slow`] | length(@) }}', 'Equals', 0))],
  [all(of("{{ time_since('', '{{ finished }}', '2026-01-03T03:04:05Z') }}", 'LessThanOrEquals', '24h'))],
  [all(of("{{ time_since('', '{{ finished }}', '') }}", 'GreaterThan', '1h'))],
  [all(of("{{ time_before('{{ finished }}', '{{ time_now_utc() }}') }}", 'Equals', true))],
  [all(of("{{ regex_match('^ma', '{{ branch }}') }}", 'Equals', true))],
  [all(of('on {{ branch }}, {{ scanner.high }} high', 'Equals', 'on main, 0 high'))],
  [all(of('{{ to_upper(branch) }}', 'Equals', '{{ to_upper(`main`) }}'))],
  [all(of('{{ scanner }}', 'Equals', PREDICATES['clean']!['scanner']))],
  [all(of('{{ request.object.metadata.labels.team }}', 'Equals', 'shop'))],
  [all(of('{{ request.object.metadata.labels.nobody }}', 'Equals', 'shop'))],
  [all(of('{{ nothing }}', 'NotEquals', 'x'))],
  [all(of('{{ missing }}', 'NotEquals', 'x'))],
  [all(of('{{ missing || `7` }}', 'Equals', 7))],
  [all(of('{{ scanner.result', 'Equals', 'clean'))],
  [all(of('{{ unknown_function(branch) }}', 'Equals', 'clean'))],
  [all(of('clean', 'AnyIn', '{{ scanner.result }}'))],
];

const TEAM = 'request.object.metadata.labels.team';
const variable = (name: string, more: JsonObject): JsonObject => ({ name, variable: more });
const isIn = (name: string, ...values: readonly string[]): readonly JsonObject[] => [
  all(of(`{{ ${name} }}`, 'AnyIn', values)),
];
/** `context` of a rule, and conditions that name what it says. */
const CONTEXTS: readonly (readonly [readonly JsonObject[], readonly JsonObject[]])[] = [
  [[], isIn('images.containers.c0.name', 'clean', 'other')],
  [[], isIn('images.containers.c0.path', 'clean')],
  [[], isIn('images.containers.*.digest | [0]', 'sha256:*')],
  [[], isIn('images.containers.c0.jsonPointer', '/spec/containers/0/image')],
  [[], isIn('images.containers.c0.reference', '*/clean@sha256:*')],
  [[], isIn('images.containers.c0.referenceWithTag', '*/clean:')],
  [[], isIn('images.containers.c0.tag', 'latest')],
  [[], isIn('images.initContainers.c0.name', 'clean')],
  [[], isIn('length(images.containers.*.name)', '1')],
  [[variable('wanted', { value: 'main' })], [all(of('{{ branch }}', 'Equals', '{{ wanted }}'))]],
  [[variable('wanted', { value: ['main', 'dev'] })], [all(of('{{ branch }}', 'AnyIn', '{{ wanted }}'))]],
  [[variable('wanted', { value: { branch: 'main' } })], [all(of('{{ branch }}', 'Equals', '{{ wanted.branch }}'))]],
  [[variable('team', { jmesPath: TEAM })], isIn('team', 'shop')],
  [[variable('team', { jmesPath: TEAM })], isIn('request.object.metadata.labels.team', 'shop')],
  [[variable('none', { jmesPath: 'request.object.metadata.labels.none' })], isIn('none', '*')],
  [[variable('none', { jmesPath: 'request.object.metadata.labels.none', default: 'x' })], isIn('none', 'x')],
  [[variable('none', { jmesPath: 'request.object.metadata.labels.none', default: 'x' })], isIn('none', 'y')],
  [[variable('part', { value: { a: [1, 'two'] }, jmesPath: 'a[1]' })], isIn('part', 'two')],
  [[variable('part', { value: { a: [1] }, jmesPath: 'b.c' })], isIn('part', '*')],
  [[variable('part', { value: { a: [1] }, jmesPath: 'b.c', default: 'd' })], isIn('part', 'd')],
  [[variable('a', { value: 'x-{{ request.operation }}' })], isIn('a', 'x-CREATE')],
  [[variable('a', { jmesPath: TEAM }), variable('b', { value: '{{ a }}-{{ to_upper(a) }}' })], isIn('b', 'shop-SHOP')],
  [
    [variable('label', { value: 'team' }), variable('a', { jmesPath: 'request.object.metadata.labels.{{ label }}' })],
    isIn('a', 'shop'),
  ],
  [[variable('name', { jmesPath: 'images.containers.c0.name' })], isIn('name', 'dirty')],
  [[variable('seen', { jmesPath: 'scanner.result' })], isIn('seen', 'clean')],
];
/** Kyverno finds what comes later where a predicate is judged, and not before; here it is found nowhere. */
const BACKWARDS: (typeof CONTEXTS)[number] = [
  [variable('b', { value: '{{ a }}' }), variable('a', { value: 'x' })],
  isIn('b', 'x'),
];

/** Further members of a rule, and its conditions. */
const own = ([context, blocks]: (typeof CONTEXTS)[number]): readonly [more: string, readonly JsonObject[]] => [
  `, context: ${JSON.stringify(context)}`,
  blocks,
];

const rule = (name: string, host: string, members: string, more = ''): string =>
  `{name: ${name}, match: {any: [{resources: {kinds: [Pod]}}]}${more}, verifyImages: [{imageReferences: ["${host}/*"], failureAction: Enforce, ${members}}]}`;
const policy = (rules: readonly string[]): string => `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  webhookConfiguration: {timeoutSeconds: 30}
  rules:
${rules.map((one) => `  - ${one}\n`).join('')}`;
const attested = (blocks: readonly JsonObject[]): string =>
  `attestations: [{type: "${VULN}", ${ATTESTORS}, conditions: ${JSON.stringify(blocks)}}]`;

type Pod = JsonObject & {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: JsonObject };
};

interface Lab {
  readonly world: World;
  readonly decide: (text: string, review: JsonObject | ReviewInput, engines?: EnginesSource) => Promise<Answer>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  return {
    world,
    decide: async (text, review, engines) => {
      const { policies } = parsePolicyObjects(text, 'file');
      const webhook = createWebhook({
        policies: {
          current: () => new PolicySet(policies),
          ready: () => Promise.resolve(),
          close: () => Promise.resolve(),
        },
        registry: world.client,
        trustedRoot: world.instance.trustedRoot,
        ...(engines === undefined ? {} : { engines }),
        noMatch: 'allow',
        now: () => new Date(),
      });
      try {
        return await ask(webhook.routes, 'validate', 'object' in review ? (review as ReviewInput) : { object: review });
      } finally {
        await webhook.close();
      }
    },
  };
}

const podOf = (name: string, image: ImageReference, labels: JsonObject = { team: 'shop' }): Pod => {
  const { spec } = pod(`${image.context}@${image.digest!.toString()}`);
  return { apiVersion: 'v1', kind: 'Pod', spec, metadata: { name, namespace: 'shop', labels } };
};

interface ComparedRule {
  readonly members: string;
  /** Of the rule. */
  readonly more: string;
  readonly shown: string;
}

/** Asks Kyverno and the webhook about every rule and predicate. @returns how often both admitted, and both refused */
async function compare(
  t: TestContext,
  rules: readonly ComparedRule[],
): Promise<{ readonly admitted: number; readonly refused: number } | undefined> {
  const [kyverno, engines] = [peer(t, 'kyverno'), await policyEngines(t)];
  if (kyverno === undefined || engines === undefined) return undefined;
  const { world, decide } = await openLab(t);
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-kyverno-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const pods = await Promise.all(
    Object.entries(PREDICATES).map(async ([name, predicate]) =>
      podOf(name, await pushLayered(world, name, [['att', { key: KEY, managed: true }, predicate]])),
    ),
  );
  const file = join(dir, 'policy.yaml');
  writeFileSync(file, policy(rules.map(({ members, more }, index) => rule(`r${index}`, world.host, members, more))));
  const theirs = await applyKyvernoRules(kyverno, file, pods, dir);
  const counts = { admitted: 0, refused: 0 };
  for (const [index, { members, more, shown }] of rules.entries()) {
    await t.test(shown, async () => {
      for (const object of pods) {
        const verdict = theirs.get(`${object.metadata.name} r${index}`);
        const ours = await decide(policy([rule('r', world.host, members, more)]), object, () =>
          Promise.resolve(engines),
        );
        const text = `${object.metadata.name}\nKyverno: ${verdict?.text ?? 'nothing'}\nhere: ${ours.message || 'admitted'}`;
        assert.ok(verdict !== undefined, text);
        assert.equal(ours.allowed, verdict.isAdmitted, text);
        counts[verdict.isAdmitted ? 'admitted' : 'refused']++;
      }
    });
  }
  return counts;
}

const NO_ATTESTATION = `attestations: [{type: "https://example.com/none", ${ATTESTORS}}]`;

test('conditions hold where they hold for Kyverno', async (t) => {
  const preconditions = BLOCKS.filter(([block]) => JSON.stringify(block).includes('request.'));
  const counts = await compare(t, [
    ...BLOCKS.map((blocks) => ({ members: attested(blocks), more: '', shown: JSON.stringify(blocks) })),
    ...preconditions.map((blocks) => ({
      members: NO_ATTESTATION,
      more: `, preconditions: ${JSON.stringify(blocks[0])}`,
      shown: `preconditions ${JSON.stringify(blocks[0])}`,
    })),
  ]);
  if (counts === undefined) return;
  assert.ok(counts.admitted >= 100 && counts.refused >= counts.admitted, JSON.stringify(counts));
});

test('variables of a rule, and images, are what they are for Kyverno', async (t) => {
  // Preconditions see no predicate.
  const preconditions = [...CONTEXTS, BACKWARDS].filter(
    ([, [block]]) => !/branch|seen|initContainers/.test(JSON.stringify(block)),
  );
  const counts = await compare(t, [
    ...CONTEXTS.map(([context, blocks]) => ({
      members: attested(blocks),
      more: `, context: ${JSON.stringify(context)}`,
      shown: `${JSON.stringify(context)} ${JSON.stringify(blocks)}`,
    })),
    ...preconditions.map(([context, [block]]) => ({
      members: NO_ATTESTATION,
      more: `, context: ${JSON.stringify(context)}, preconditions: ${JSON.stringify(block)}`,
      shown: `preconditions with ${JSON.stringify(context)} ${JSON.stringify(block)}`,
    })),
  ]);
  if (counts === undefined) return;
  assert.ok(counts.admitted >= 30 && counts.refused >= 30, JSON.stringify(counts));
});

test('conditions that Kyverno would go on with, and those that nothing can be said about', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const { world, decide } = await openLab(t);
  const push = (name: string, predicate: JsonObject): Promise<ImageReference> =>
    pushLayered(world, name, [['att', { key: KEY, managed: true }, predicate]]);
  const good = podOf('good', await push('good', PREDICATES['clean']!));
  const source = (): Promise<typeof engines> => Promise.resolve(engines);
  const about = (blocks: readonly JsonObject[], more = ''): string =>
    policy([rule('r', world.host, attested(blocks), more)]);

  await t.test('an escaped variable is text', async () => {
    const escaped = [all(of('\\{{ branch }}', 'Equals', 'main'))];
    assert.match(
      (await decide(about(escaped), good, source)).message,
      /^POLICY_DENIED .*found: +\\{{ branch }} Equals main/s,
    );
  });

  const cases: readonly (readonly [string, JsonObject, readonly JsonObject[], RegExp])[] = [
    [
      'a predicate with variables of its own',
      { branch: '{{ request.userInfo }}' },
      [all(of('{{ branch }}', 'Equals', '*'))],
      /^POLICY_EVALUATION .*holds variables itself/s,
    ],
    [
      'the same in a list',
      { tags: ['a', 'x{{ tags }}'] },
      [all(of('{{ tags }}', 'AnyIn', ['a']))],
      /^POLICY_EVALUATION .*holds variables itself/s,
    ],
    [
      'a predicate that says what the request is',
      { request: { object: {} } },
      [all(of('{{ request.object }}', 'Equals', {}))],
      /^POLICY_EVALUATION .*a member called request/s,
    ],
    [
      'randomness',
      {},
      [all(of("{{ random('[a-z]') }}", 'Equals', '*'))],
      /^POLICY_EVALUATION .*random, which asks for randomness/s,
    ],
    [
      'the network',
      {},
      [all(of("{{ is_external_url('http://127.0.0.1') }}", 'Equals', false))],
      /^POLICY_EVALUATION .*asks for the network/s,
    ],
    [
      'a reference into the policy',
      {},
      [all(of('$(./../value)', 'Equals', '*'))],
      /^POLICY_EVALUATION .*reference to another place/s,
    ],
    ['no such member', {}, [all(of('{{ missing }}', 'NotEquals', 'x'))], /^POLICY_EVALUATION .*missing/s],
    ['no JMESPath', {}, [all(of('{{ ][ }}', 'Equals', 'x'))], /^POLICY_EVALUATION .*does not compile/s],
    [
      'what does not hold',
      { branch: 'dev' },
      [all({ ...of('{{ branch }}', 'Equals', 'main'), message: 'not main but {{ branch }}' })],
      /^POLICY_DENIED .*not main but dev/s,
    ],
  ];
  for (const [what, predicate, blocks, expected] of cases) {
    await t.test(what, async () => {
      const object = podOf('bad', await push(`bad-${cases.findIndex(([name]) => name === what)}`, predicate));
      const answer = await decide(about(blocks), object, source);
      assert.equal(answer.allowed, false);
      assert.match(answer.message, expected);
    });
  }

  const clash = [variable('branch', { value: 'main' })];
  const named: readonly (readonly [string, string, readonly JsonObject[], RegExp])[] = [
    ['an entry that names a later one', ...own(BACKWARDS), /^POLICY_EVALUATION .*Unknown key "a"/s],
    [
      'an entry that the predicate has as well',
      ...own([clash, [all(of('{{ branch }}', 'Equals', 'main'))]]),
      /^POLICY_EVALUATION .*branch is the policy's own, and a member of what is judged/s,
    ],
    [
      'an entry that throws dice, although it has a default',
      ...own([[variable('dice', { jmesPath: "random('[a-z]')", default: 'a' })], isIn('dice', 'a')]),
      /^POLICY_EVALUATION .*random, which asks for randomness/s,
    ],
    [
      'an entry with what a user has written',
      ...own([[variable('user', { jmesPath: 'request.object.metadata.labels.evil' })], isIn('user', '*')]),
      /^POLICY_EVALUATION .*holds variables itself/s,
    ],
  ];
  for (const [what, more, blocks, expected] of named) {
    await t.test(what, async () => {
      const image = await push('named', PREDICATES['clean']!);
      const object = podOf('named', image, { team: 'shop', evil: '{{ request.userInfo }}' });
      const answer = await decide(about(blocks, more), object, source);
      assert.equal(answer.allowed, false);
      assert.match(answer.message, expected);
    });
  }

  await t.test('without engines nothing is admitted, and nothing is called false', async () => {
    const answer = await decide(about([all(of('{{ branch }}', 'Equals', 'main'))]), good);
    assert.equal(answer.allowed, false);
    assert.match(answer.message, /^COULD_NOT_CHECK .*POLICY_ENGINE_MISSING/s);
  });
});

test('a rule is skipped where its preconditions do not hold, and refuses where nobody can tell', async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const { world, decide } = await openLab(t);
  const image = await world.push('unsigned');
  const source = (): Promise<typeof engines> => Promise.resolve(engines);
  const about = (preconditions: unknown): string =>
    policy([rule('r', world.host, ATTESTORS, `, preconditions: ${JSON.stringify(preconditions)}`)]);
  const team = '{{ request.object.metadata.labels.team }}';
  const held = podOf('p', image);
  const message = async (preconditions: unknown, object: JsonObject | ReviewInput): Promise<string> =>
    (await decide(about(preconditions), object, source)).message;

  assert.match(await message(all(of(team, 'Equals', 'shop')), held), /^NO_SIGNATURE /);
  assert.equal(await message(all(of(team, 'Equals', 'bank')), held), '');
  assert.equal(await message([of(team, 'Equals', 'bank')], held), '');
  assert.match(await message([of(team, 'Equals', 'shop')], held), /^NO_SIGNATURE /);
  assert.match(
    await message(all(of('{{ request.object.metadata.labels.none }}', 'Equals', 'x')), held),
    /^POLICY_EVALUATION /,
  );
  assert.match(
    await message(all(of('{{ request.object.spec.containers[0].nothing }}', 'Equals', 'x')), held),
    /^POLICY_EVALUATION /,
  );

  const spec = held['spec']!;
  const template = (labels: JsonObject): JsonObject => ({ metadata: { labels }, spec });
  const deployment = (labels: JsonObject): ReviewInput => ({
    ...{ group: 'apps', resource: 'deployments', kind: 'Deployment' },
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { template: template(labels) },
    },
  });
  const cronJob = (labels: JsonObject): ReviewInput => ({
    ...{ group: 'batch', resource: 'cronjobs', kind: 'CronJob' },
    object: {
      ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'c' } },
      spec: { jobTemplate: { spec: { template: template(labels) } } },
    },
  });
  // A rule on pods is rewritten for what makes pods: its metadata is that of the template.
  for (const made of [deployment, cronJob]) {
    assert.match(await message(all(of(team, 'Equals', 'shop')), made({ team: 'shop' })), /^NO_SIGNATURE /);
    assert.equal(await message(all(of(team, 'Equals', 'shop')), made({ team: 'bank' })), '');
    assert.match(await message(all(of(team, 'Equals', 'shop')), made({})), /^POLICY_EVALUATION /);
    // So are the rule's own variables; images are those of the object as it is.
    const context = [
      variable('team', { jmesPath: 'request.object.metadata.labels.team' }),
      variable('name', { jmesPath: 'images.containers.c0.name' }),
    ];
    const more = (wanted: string): string =>
      `, context: ${JSON.stringify(context)}, preconditions: ${JSON.stringify(all(of('{{ team }}/{{ name }}', 'Equals', wanted)))}`;
    const asked = async (wanted: string): Promise<string> =>
      (await decide(policy([rule('r', world.host, ATTESTORS, more(wanted))]), made({ team: 'shop' }), source)).message;
    assert.match(await asked('shop/unsigned'), /^NO_SIGNATURE /);
    assert.equal(await asked('bank/unsigned'), '');
  }
});
