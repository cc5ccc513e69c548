/** `sealwright policy plan`: every state an image that runs can be in, at a real API server, and the gate that follows from them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeManifest } from '../../src/core/image/manifest.ts';
import { OCI_INDEX } from '../../src/core/image/media-types.ts';
import { POLICY_DEFINITIONS } from '../../src/core/policy/definitions/policy-definitions.ts';
import type { PlanDocument, WorkloadDocument } from '../../src/cli/report/plan-document.ts';
import { errorCode } from '../support/command-line.ts';
import { ISSUER, SUBJECT, type DraftInput } from '../support/instance.ts';
import { digestName, owned, runningCluster, runs } from './running-cluster.ts';

const BOB: DraftInput = { leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } } };
const NOWHERE = `127.0.0.1:1/shop/lost@sha256:${'a'.repeat(64)}`;

test('everything that runs is judged by its running digest, as if all policies enforced', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { cluster, world, sandbox, run, policy, asReader } = running;
  const container = (image: string): object => ({ containers: [{ name: 'c', image }] });
  const status = (imageID: string): object => ({ phase: 'Running', containerStatuses: [runs('c', 'x', imageID)] });

  for (const name of ['web', 'moved']) {
    await cluster.create({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: `${name}-1`, namespace: 'shop', ...owned(`Deployment ${name}`) },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: container('x') },
      },
    });
    const image = await world.pushSigned(`shop/${name}`);
    for (const pod of ['a', 'b']) {
      await run({
        name: `${name}-1-${pod}`,
        owner: `ReplicaSet ${name}-1`,
        spec: container(image.atTag('1').toString()),
        status: status(digestName(image)),
      });
    }
  }
  // A runtime that reports the manifest of its platform, where the tag stands for a signed index.
  const part = await world.push('shop/index', 'part');
  const { digest, size, mediaType } = await world.client.resolve(part);
  const index = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: [{ digest, size, mediaType }] });
  const whole = await world.client.putManifest(part, 'whole', index, OCI_INDEX);
  await world.sign(part.atDigest(whole.digest));
  await run({ name: 'platform', spec: container(part.atTag('whole').toString()), status: status(digestName(part)) });

  const later = await world.push('shop/moved', '1', { later: true });
  const unsigned = await world.push('bank/side');
  await run({ name: 'side', namespace: 'bank', spec: container(digestName(unsigned)) });
  const byBob = await world.push('bank/bob');
  await world.sign(byBob, BOB);
  await run({ name: 'bob', namespace: 'bank', spec: container(digestName(byBob)) });
  const closed = await world.pushSigned('closed/app');
  await run({ name: 'closed', namespace: 'bank', spec: container(digestName(closed)) });
  const strange = await world.pushSigned('strange/app');
  await run({ name: 'strange', namespace: 'bank', spec: container(digestName(strange)) });
  const excepted = await world.push('shop/old');
  await run({ name: 'old', spec: container(digestName(excepted)) });
  await run({ name: 'lost', spec: container(NOWHERE) });
  await run({ name: 'gone', spec: container(digestName(unsigned)), status: { phase: 'Succeeded' } });
  const system = digestName(unsigned);
  await cluster.kubectl(['create', 'serviceaccount', 'default', '-n', 'kube-system']);
  await run({ name: 'dns', namespace: 'kube-system', spec: container(system) });
  const nightly = await world.pushSigned('shop/nightly');
  const template = { spec: { ...container(digestName(nightly)), restartPolicy: 'Never' } };
  await cluster.create({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly', namespace: 'shop' },
    spec: { schedule: '0 0 * * *', jobTemplate: { spec: { template } } },
  });

  const alice = `{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}`;
  const draft = (
    name: string,
    globs: readonly string[],
    rest: string,
  ): string => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ${name}}
spec: {images: [${globs.map((glob) => `{glob: "${glob}"}`).join(', ')}], ${rest}}
`;
  const soon = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z`;
  const drafts = [
    draft(
      'signed',
      [`${world.host}/shop/**`, `${world.host}/bank/**`, '127.0.0.1:1/**'],
      `mode: warn, authorities: [${alice}]`,
    ),
    draft('closed', [`${world.host}/closed/**`], 'authorities: [{static: {action: fail, message: closed}}]'),
    `apiVersion: sealwright.dev/v1alpha1
kind: ImageException
metadata: {name: old, namespace: shop}
spec: {digests: ["${excepted.digest!.toString()}"], owner: team, reason: moving, ticket: T-1, from: "2025-12-01T00:00:00Z", expires: "${soon}"}
`,
  ];
  writeFileSync(sandbox.path('drafts.yaml'), drafts.join('---\n'));
  const args = ['plan', '--policy', 'drafts.yaml', '--pull-secrets=false'];

  const ended = await policy(...args, '-o', 'json');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [20, 'POLICY_DENIED'], ended.stderr);
  const plan = JSON.parse(ended.stdout) as PlanDocument;
  const of = (owner: string): WorkloadDocument => {
    const found = plan.workloads.find((workload) => workload.owner === owner);
    assert.ok(found !== undefined, owner);
    return found;
  };
  assert.deepEqual(
    plan.workloads.map(({ namespace, owner, state, pods }) => [`${namespace} ${owner}`, state, pods.length]),
    [
      ['bank Pod bob', 'refused', 1],
      ['bank Pod closed', 'refused', 1],
      ['bank Pod side', 'refused', 1],
      ['bank Pod strange', 'refused', 1],
      ['shop CronJob nightly', 'passes', 0],
      ['shop Deployment moved', 'refused', 2],
      ['shop Deployment web', 'passes', 2],
      ['shop Pod lost', 'unknown', 1],
      ['shop Pod old', 'excepted', 1],
      ['shop Pod platform', 'passes', 1],
    ],
  );
  const codes = (owner: string): readonly string[] =>
    of(owner).images.flatMap(({ errors }) => errors.map(({ code }) => code));
  assert.deepEqual(codes('Pod bob'), ['IDENTITY_MISMATCH']);
  assert.deepEqual(codes('Pod closed'), ['POLICY_DENIED']);
  assert.deepEqual(codes('Pod side'), ['NO_SIGNATURE']);
  assert.deepEqual(codes('Pod strange'), ['POLICY_NO_MATCH']);
  assert.deepEqual(codes('Pod lost'), ['COULD_NOT_CHECK']);
  const [moved] = of('Deployment moved').images;
  assert.equal(moved?.state, 'passes');
  assert.deepEqual(moved.moved, { image: digestName(later), state: 'refused' });
  assert.equal(of('Deployment web').images.length, 1);
  assert.match(of('Deployment web').images[0]?.signer ?? '', new RegExp(`^${SUBJECT}`));

  // What mends each, and it does.
  const kinds = (owner: string): readonly string[] =>
    of(owner).images.flatMap(({ mends }) => mends.map(({ kind }) => kind));
  assert.deepEqual(kinds('Pod bob'), ['accept-signer']);
  assert.deepEqual(kinds('Pod closed'), ['except']);
  assert.deepEqual(kinds('Pod side'), ['sign']);
  assert.deepEqual(kinds('Pod strange'), ['cover']);
  assert.deepEqual(kinds('Pod lost'), ['try-again']);
  assert.deepEqual(kinds('Deployment moved'), ['pin']);
  const accepted = of('Pod bob').images[0]?.mends[0]?.yaml?.join('\n') ?? '';
  assert.match(accepted, /issuer: https:\/\/accounts\.example\.com\n.*subject: bob@example\.com/);

  const { totals, evidence, byNamespace, byRegistry, notGuarded, notLookedAt } = plan;
  assert.deepEqual(totals, {
    workloads: 10,
    pods: 11,
    images: 10,
    passes: 3,
    uncovered: 0,
    excepted: 1,
    unknown: 1,
    refused: 5,
  });
  assert.deepEqual(evidence, { status: 3, spec: 7, tag: 0 });
  assert.deepEqual(
    byNamespace.map(({ name, images, covered, refused }) => [name, images, covered, refused]),
    [
      ['bank', 4, 3, 4],
      ['shop', 6, 6, 1],
    ],
  );
  assert.deepEqual(
    byRegistry.map(({ name, images }) => [name, images]),
    [
      ['127.0.0.1:1', 1],
      [world.host, 9],
    ],
  );
  assert.deepEqual(notGuarded, [{ namespace: 'kube-system', workloads: 1 }]);
  assert.deepEqual(notLookedAt, []);

  const text = await policy(...args);
  assert.match(
    text.stdout,
    /^10 workloads with 11 pods and 10 images: 3 pass, 5 would be refused, 1 could not be checked, 1 excepted, 0 with no policy$/m,
  );
  assert.match(text.stdout, /^ {2}digests: 3 by the pods' statuses, 7 by their specs, 0 by tags as they are now$/m);
  assert.match(
    text.stdout,
    /^ {2}Deployment shop\/moved {2}\(moved-1-a, moved-1-b\)\n.*\n {6}its tag stands for .* now: refused$/m,
  );
  assert.match(
    text.stdout,
    /^Enforcing now would refuse 5 of 10 workloads when they are made again \(\+1 unknown\)\.$/m,
  );
  const markdown = await policy(...args, '-o', 'markdown');
  assert.match(markdown.stdout, /^## Enforcing now: 5 of 10 workloads would be refused, 1 unknown$/m);
  assert.match(markdown.stdout, /^\| `Pod bank\/bob` \| `.*` \| IDENTITY/m);

  // The gate: what is unknown keeps it shut, with another answer; what passes opens it.
  writeFileSync(sandbox.path('drafts.yaml'), [drafts[0], drafts[2]].join('---\n'));
  for (const pod of ['bob', 'closed', 'side', 'strange'])
    await cluster.must(['delete', `pod/${pod}`, '-n', 'bank', '--force', '--grace-period=0']);
  for (const pod of ['a', 'b'])
    await cluster.must(['delete', `pod/moved-1-${pod}`, '-n', 'shop', '--force', '--grace-period=0']);
  const unknown = await policy(...args);
  assert.deepEqual([unknown.exitCode, errorCode(unknown)], [23, 'COULD_NOT_CHECK'], unknown.stdout);
  await cluster.must(['delete', 'pod/lost', '-n', 'shop', '--force', '--grace-period=0']);
  const open = await policy(...args);
  assert.deepEqual([open.exitCode, open.stderr.includes('POLICY')], [0, false], `${open.stdout}${open.stderr}`);
  assert.match(open.stdout, /^Enforcing now would refuse nothing of what runs\.$/m);

  // Partial leave is an answer of its own, never a pass.
  const partial = await asReader(...args, '-n', 'shop');
  assert.deepEqual([partial.exitCode, errorCode(partial)], [23, 'COULD_NOT_CHECK'], partial.stdout);
  assert.match(partial.stdout, /^Not looked at:\n {2}cronjobs in the namespace shop: REMOTE_STATUS/m);

  // Without drafts: the cluster's own policies, their warnings as if they enforced.
  for (const definition of POLICY_DEFINITIONS) await cluster.create(definition);
  await cluster.must(['wait', '--for=condition=Established', 'crd/clusterimagepolicies.policy.sigstore.dev']);
  const stored = draft('stored', ['**'], 'mode: warn, authorities: [{static: {action: fail, message: closed}}]');
  await cluster.must(['apply', '-f', '-'], stored);
  const own = await policy('plan', '--pull-secrets=false', '-o', 'json');
  assert.equal(own.exitCode, 20, own.stderr);
  const { policies, totals: ownTotals } = JSON.parse(own.stdout) as PlanDocument;
  assert.deepEqual(
    policies.inForce.map(({ name, mode }) => [name, mode]),
    [['stored', 'warn']],
  );
  assert.equal(ownTotals.refused, ownTotals.workloads);
});

test('an image that its registry does not have is unknown, neither unsigned nor fine', async (t) => {
  const running = await runningCluster(t);
  if (running === undefined) return;
  const { world, sandbox, run, policy } = running;
  const absent = `${world.host}/shop/app@sha256:${'a'.repeat(64)}`;
  await run({ name: 'web', spec: { containers: [{ name: 'c', image: absent }] } });
  const keyless = `{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}]}}`;
  writeFileSync(
    sandbox.path('drafts.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec: {images: [{glob: "${world.host}/**"}], authorities: [${keyless}]}
`,
  );
  const ended = await policy('plan', '--policy', 'drafts.yaml', '--pull-secrets=false', '-o', 'json');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'COULD_NOT_CHECK'], ended.stderr);
  const { workloads } = JSON.parse(ended.stdout) as PlanDocument;
  const [error] = workloads[0]?.images[0]?.errors ?? [];
  assert.deepEqual([workloads.length, workloads[0]?.state, error?.code], [1, 'unknown', 'COULD_NOT_CHECK']);
  assert.match(error?.message ?? '', /does not have the image, nor a signature of it/);
});
