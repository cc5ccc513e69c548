/** `sealwright revoke watch` on a real API server: pods whose statuses the test writes, budgets that refuse, rights that are missing. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import type { Revocation } from '../../src/core/revocation/revocation-statement.ts';
import { errorCode, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { Authority, reinstatement, revocation } from '../support/revocations.ts';
import { digestName, runningCluster, runs, type RunningCluster } from './running-cluster.ts';

const REVOKED = 21;

interface Copy {
  readonly namespace: string;
  readonly pod: string;
  readonly leftAlone?: string;
  readonly rungs: readonly { readonly rung: string; readonly result: string; readonly detail?: string }[];
}

interface Lab extends RunningCluster {
  readonly image: ImageReference;
  readonly people: Authority;
  /** Says what is revoked from now on. */
  readonly say: (...statements: readonly (Revocation | ReturnType<typeof reinstatement>)[]) => Promise<void>;
  readonly watch: (...args: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext): Promise<Lab | undefined> {
  const running = await runningCluster(t);
  if (running === undefined) return undefined;
  const { world, sandbox, cluster } = running;
  writeFileSync(
    sandbox.path('policy.yaml'),
    `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: signed}
spec: {images: [{glob: "**"}], authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subject: "${SUBJECT}"}]}}]}
`,
  );
  const people = new Authority(world.instance, ['ann'], { narrow: 1, broad: 1, relaxing: 1 });
  writeFileSync(sandbox.path('authority.json'), encodeRevocationAuthority(people.authority));
  const signed: ReturnType<Authority['sign']>[] = [];
  const image = await world.pushSigned('shop/app');
  return {
    ...running,
    image,
    people,
    say: async (...statements) => {
      signed.push(...statements.map((statement) => people.sign(statement, ['ann'])));
      const expires = new Date(Date.now() + 3_600_000);
      const content = { version: signed.length + 1, issuedAt: new Date(), expires, statements: signed };
      writeFileSync(sandbox.path('revocations.json'), await people.snapshot(content));
    },
    watch: (...args) =>
      sandbox.run([
        ...['revoke', 'watch', '--once', '-o', 'json', '--kubeconfig', cluster.kubeconfig, '--pull-secrets=false'],
        ...['--trusted-root', 'root.json', '--policy', 'policy.yaml', '--per-minute', '600'],
        ...['--revocations', 'revocations.json', '--revocation-authority', 'authority.json', ...args],
      ]),
  };
}

function copiesOf(ended: Ended): readonly Copy[] {
  assert.notEqual(ended.stdout, '', ended.stderr);
  return (JSON.parse(ended.stdout) as { copies: readonly Copy[] }).copies;
}

function rungsOf(ended: Ended): readonly (readonly [string, string])[] {
  return copiesOf(ended).flatMap(({ rungs }) => rungs.map(({ rung, result }) => [rung, result] as const));
}

async function runPod({ run, image }: Lab, name: string, namespace = 'shop'): Promise<void> {
  await run({
    name,
    namespace,
    spec: { containers: [{ name: 'c', image: image.atTag('1').toString() }] },
    status: { phase: 'Running', containerStatuses: [runs('c', 'x', digestName(image))] },
  });
}

async function podsIn({ cluster }: Lab, namespace = 'shop'): Promise<string> {
  return cluster.must(['get', 'pods', '-n', namespace, '-o', 'name']);
}

test('up the ladder: a report, a dry run, a label with an Event, an eviction; and a reinstatement that leaves alone', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { cluster, image, say, watch } = lab;
  await runPod(lab, 'web');
  await say();
  const clean = await watch();
  assert.deepEqual([clean.exitCode, copiesOf(clean)], [0, []]);

  await say(revocation({ digest: [image.digest!.toString()] }, { id: 'bad' }));
  const report = await watch('--dry-run=false');
  assert.deepEqual([report.exitCode, errorCode(report)], [REVOKED, 'REVOKED']);
  assert.deepEqual(
    copiesOf(report).map(({ namespace, pod, rungs }) => [namespace, pod, rungs]),
    [['shop', 'web', []]],
  );
  const dry = await watch('--level', 'evict');
  assert.deepEqual(rungsOf(dry), [
    ['label', 'would-do'],
    ['evict', 'would-do'],
  ]);
  assert.match(await podsIn(lab), /web/);
  assert.doesNotMatch(await cluster.must(['get', 'pod/web', '-n', 'shop', '-o', 'yaml']), /sealwright\.dev\/revoked/);

  assert.deepEqual(rungsOf(await watch('--level', 'label', '--dry-run=false')), [['label', 'done']]);
  assert.match(
    await cluster.must(['get', 'pods', '-n', 'shop', '-l', 'sealwright.dev/revoked=true', '-o', 'name']),
    /web/,
  );
  const events = await cluster.must(['get', 'events', '-n', 'shop', '-o', 'yaml']);
  assert.match(events, /reason: ImageRevoked/);
  assert.match(events, /ci-compromise/);

  await say(reinstatement('bad'));
  assert.deepEqual(copiesOf(await watch('--level', 'delete', '--dry-run=false')), []);
  assert.match(await podsIn(lab), /web/);

  await say(revocation({ identity: { issuer: ISSUER, subject: SUBJECT } }));
  const evicted = await watch('--level', 'evict', '--dry-run=false');
  assert.deepEqual(rungsOf(evicted), [
    ['label', 'done'],
    ['evict', 'done'],
  ]);
  assert.equal(evicted.exitCode, 0, evicted.stderr);
  assert.equal(await podsIn(lab), '');
});

test('left alone: kube-system unless it is named, another namespace, an exception, a quarantine, a warning', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { cluster, sandbox, image, say, watch } = lab;
  await cluster.kubectl(['create', 'serviceaccount', 'default', '-n', 'kube-system']);
  await runPod(lab, 'dns', 'kube-system');
  await runPod(lab, 'web', 'shop');
  await runPod(lab, 'teller', 'bank');
  const about = { digest: [image.digest!.toString()] };
  const end = ['--level', 'delete', '--dry-run=false'];
  await say(revocation(about, { id: 'weak', action: 'warn' }));
  assert.deepEqual(copiesOf(await watch(...end)), []);

  await say(revocation(about, { id: 'quarantine', action: 'quarantine', supersedes: 'weak' }));
  const kept = await watch(...end, '-n', 'shop');
  assert.deepEqual(rungsOf(kept), [['label', 'done']]);
  assert.match(copiesOf(kept)[0]?.leftAlone ?? '', /quarantine/);

  await say(revocation(about, { id: 'bad', supersedes: 'quarantine' }));
  const system = await watch(...end, '-n', 'kube-system');
  assert.deepEqual(rungsOf(system), []);
  assert.match(copiesOf(system)[0]?.leftAlone ?? '', /--force-namespace kube-system/);
  assert.equal(system.exitCode, REVOKED);

  const hour = (hours: number): string => `${new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 19)}Z`;
  writeFileSync(
    sandbox.path('exception.yaml'),
    JSON.stringify({
      apiVersion: 'sealwright.dev/v1alpha1',
      kind: 'BreakGlass',
      metadata: { name: 'glass', namespace: 'bank' },
      spec: { digests: about.digest, owner: 'o', reason: 'r', ticket: 'T-1', from: hour(0), expires: hour(1) },
    }),
  );
  const excepted = await watch(...end, '--policy', 'exception.yaml', '-n', 'bank', '-n', 'shop');
  assert.deepEqual(
    copiesOf(excepted).map(({ pod }) => pod),
    ['web'],
  );
  assert.match(await podsIn(lab, 'bank'), /teller/);
  assert.match(await podsIn(lab, 'kube-system'), /dns/);
  assert.equal(await podsIn(lab), '');
  const forced = await watch(...end, '-n', 'kube-system', '--force-namespace', 'kube-system');
  assert.deepEqual(rungsOf(forced).at(-1), ['evict', 'done']);
});

test('a disruption budget refuses: asked again, told, and only deletion goes past it', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { cluster, image, say, watch } = lab;
  await runPod(lab, 'web');
  await cluster.create({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'all', namespace: 'shop' },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'web' } } },
  });
  const ready = JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  await cluster.must(['patch', 'pod/web', '-n', 'shop', '--subresource=status', '--type=merge', '-p', ready]);
  await say(revocation({ digest: [image.digest!.toString()] }));
  const dry = await watch('--level', 'delete');
  assert.deepEqual(rungsOf(dry), [
    ['label', 'would-do'],
    ['evict', 'budget'],
    ['delete', 'would-do'],
  ]);
  const refused = await watch('--level', 'evict', '--dry-run=false');
  assert.deepEqual(rungsOf(refused), [
    ['label', 'done'],
    ['evict', 'budget'],
  ]);
  assert.equal(errorCode(refused), 'REVOKED');
  assert.match(await podsIn(lab), /web/);
  assert.deepEqual(rungsOf(await watch('--level', 'delete', '--dry-run=false')).at(-1), ['delete', 'done']);
  assert.equal(await podsIn(lab), '');
});

test('rights that are missing: said at the rung, and the copy stays on the one below', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { cluster, sandbox, image, say, watch } = lab;
  await runPod(lab, 'web');
  await say(revocation({ digest: [image.digest!.toString()] }));
  const as = async (name: string, ...rules: readonly (readonly string[])[]): Promise<string> => {
    await cluster.must(['create', 'serviceaccount', name, '-n', 'shop']);
    for (const [index, rule] of [['--verb=list', '--resource=pods'], ...rules].entries()) {
      const role = `${name}-${index}`;
      await cluster.must(['create', 'role', role, '-n', 'shop', ...rule]);
      const account = `--serviceaccount=shop:${name}`;
      await cluster.must(['create', 'rolebinding', role, '-n', 'shop', `--role=${role}`, account]);
    }
    const token = await cluster.must(['create', 'token', name, '-n', 'shop']);
    const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
    const path = sandbox.path(`${name}.kubeconfig`);
    const users = [{ name: config.users[0]?.name, user: { token: token.trim() } }];
    writeFileSync(path, stringify({ ...config, users }));
    return path;
  };
  const patch = ['--verb=patch', '--resource=pods'];
  const event = ['--verb=create', '--resource=events'];
  const reader = await as('reader');
  const labeller = await as('labeller', patch, event);
  const end = ['-n', 'shop', '--level', 'delete', '--dry-run=false', '--kubeconfig'];
  const none = await watch(...end, reader);
  assert.deepEqual(rungsOf(none), [['label', 'forbidden']]);
  assert.match(copiesOf(none)[0]?.rungs[0]?.detail ?? '', /403/);
  const some = await watch(...end, labeller);
  assert.deepEqual(rungsOf(some), [
    ['label', 'done'],
    ['evict', 'forbidden'],
  ]);
  assert.match(await podsIn(lab), /web/);
});

test('refused: an interval in which nobody would be found in time, a rung that is none', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  for (const args of [
    ['--interval', '3m'],
    ['--level', 'shoot'],
    ['--per-minute', '0'],
    ['--interval', 'x'],
  ]) {
    assert.equal(errorCode(await lab.watch(...args)), 'USAGE_BAD_FLAG', args.join(' '));
  }
});
