/** `sealwright revoke watch` on a real API server: pods whose statuses the test writes, budgets that refuse, rights that are missing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import type { ImageReference } from '../../src/core/image/reference.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import type { Revocation } from '../../src/core/revocation/revocation-statement.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { errorCode, SEALWRIGHT, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { defineKinds } from '../support/drill-site.ts';
import { Authority, reinstatement, revocation } from '../support/revocations.ts';
import { digestName, runningCluster, runs, type RunningCluster } from './running-cluster.ts';

const REVOKED = 21;
const LOOKS = 40;
const MAX_GROWTH_BYTES = 6 << 20;

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

/** A budget that allows no eviction of the pod. */
async function keepBusy({ cluster }: Lab): Promise<void> {
  await cluster.create({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'all', namespace: 'shop' },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'web' } } },
  });
  const ready = JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  await cluster.must(['patch', 'pod/web', '-n', 'shop', '--subresource=status', '--type=merge', '-p', ready]);
}

test('a disruption budget refuses: asked again, told, and only deletion goes past it', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { image, say, watch } = lab;
  await runPod(lab, 'web');
  await keepBusy(lab);
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
  const evict = ['--verb=create', '--resource=pods/eviction'];
  const reader = await as('reader');
  const labeller = await as('labeller', patch, event);
  const evicter = await as('evicter', patch, event, evict);
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
  await keepBusy(lab);
  const most = await watch(...end, evicter);
  assert.deepEqual(rungsOf(most), [
    ['label', 'done'],
    ['evict', 'budget'],
    ['delete', 'forbidden'],
  ]);
  assert.equal(errorCode(most), 'REVOKED');
  assert.match(await podsIn(lab), /web/);
});

test("the account of an installation may do what its rung needs, by the cluster's own policies, and no more", async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { cluster, sandbox, image, say } = lab;
  await defineKinds(cluster);
  await cluster.must(['apply', '-f', '-'], readFileSync(sandbox.path('policy.yaml'), 'utf8'));
  await cluster.must(['create', 'namespace', 'cosign-system']);
  await say(revocation({ digest: [image.digest!.toString()] }));
  const rungs = {
    report: ['label forbidden'],
    label: ['label done', 'evict forbidden'],
    evict: ['label done', 'evict budget', 'delete forbidden'],
    delete: ['label done', 'evict budget', 'delete done'],
  };
  await runPod(lab, 'web');
  await keepBusy(lab);
  const install = ['webhook', 'install', '--dry-run', '--image', `r.test/s@sha256:${'a'.repeat(64)}`];
  const trust = [
    '--trusted-root',
    'root.json',
    '--revocations',
    'https://r.test/r',
    '--revocation-authority',
    'authority.json',
  ];
  const unnamed = await sandbox.run([...install, '--trusted-root', 'root.json', '--watch', 'label']);
  assert.equal(errorCode(unnamed), 'USAGE_BAD_FLAG');
  for (const [level, expected] of Object.entries(rungs)) {
    const printed = await sandbox.run([...install, ...trust, '--watch', level]);
    const own = printed.stdout.split(/^---$/m).filter((one) => /^ {2}name: sealwright-watch$/m.test(one));
    const applied = own.filter((one) => !one.includes('kind: Deployment')).join('---');
    await cluster.must(['apply', '-f', '-'], applied);
    const token = await cluster.must(['create', 'token', 'sealwright-watch', '-n', 'cosign-system']);
    const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
    const users = [{ name: config.users[0]?.name, user: { token: token.trim() } }];
    writeFileSync(sandbox.path('watch.kubeconfig'), stringify({ ...config, users }));
    const ended = await sandbox.run([
      ...['revoke', 'watch', '--once', '-o', 'json', '--kubeconfig', 'watch.kubeconfig', '--level', 'delete'],
      ...['--dry-run=false', '--trusted-root', 'root.json', '--revocations', 'revocations.json'],
      ...['--revocation-authority', 'authority.json'],
    ]);
    const { notLookedAt } = JSON.parse(ended.stdout) as { notLookedAt: unknown };
    assert.deepEqual(notLookedAt, [], level);
    assert.deepEqual(
      rungsOf(ended).map((pair) => pair.join(' ')),
      expected,
      level,
    );
    const deployment = own.find((one) => one.includes('kind: Deployment')) ?? '';
    assert.match(deployment, new RegExp(`- --level=${level}$`, 'm'));
  }
  assert.equal(await podsIn(lab), '');
});

test('nothing is revoked: the API server is asked for nothing, not even for leave', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { sandbox, cluster, image, say, watch } = lab;
  await runPod(lab, 'web');
  await say();
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  const asked: string[] = [];
  const silent = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => silent.close());
  for (const { cluster: one } of config.clusters) {
    one.server = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  }
  writeFileSync(sandbox.path('silent.kubeconfig'), stringify(config));
  const nothing = await watch('--kubeconfig', 'silent.kubeconfig');
  assert.deepEqual([nothing.exitCode, copiesOf(nothing), asked], [0, [], []]);
  await say(revocation({ digest: [image.digest!.toString()] }));
  const something = await watch('--kubeconfig', 'silent.kubeconfig');
  assert.notEqual(something.exitCode, 0);
  assert.ok(asked.length > 0, 'now there is something to look for');
});

test('a watch outlives its API server: a look that sees nothing is told and counted, and a later one finds the copy', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { sandbox, cluster, image, say } = lab;
  await runPod(lab, 'web');
  await say(revocation({ digest: [image.digest!.toString()] }));
  const place = ['--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', '--trusted-root', 'root.json'];
  const told = ['--revocations', 'revocations.json', '--revocation-authority', 'authority.json'];
  const child = spawn(
    SEALWRIGHT,
    ['revoke', 'watch', '--interval', '200ms', '--metrics-port', '0', '--policy', 'policy.yaml', ...place, ...told],
    {
      cwd: sandbox.path('.'),
      env: { PATH: process.env['PATH'], HOME: sandbox.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) {
      assert.equal(child.exitCode, null, `${what}\n${output}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const found = (): number => output.split('1 run what is revoked').length - 1;
  await until('the first look', () => found() > 0);
  const [url = ''] = /http:\S+\/metrics/.exec(output) ?? [];
  const http = new HttpClient();
  t.after(() => {
    http.close();
  });
  const metrics = async (): Promise<string> => Buffer.from((await http.request({ url })).body).toString();
  assert.match(await metrics(), /^sealwright_watch_looks_total\{result="complete"\} [1-9]/m);
  assert.match(await metrics(), /^sealwright_watch_copies 1$/m);
  assert.match(await metrics(), /^sealwright_watch_looks_total\{result="failed"\} 0$/m);
  await cluster.halt();
  const blind = /^sealwright_watch_looks_total\{result="(partial|failed)"\} [1-9]/m;
  await until('a look that sees nothing', async () => blind.test(await metrics()));
  assert.match(output, /not looked at: |looking again in /);
  await cluster.resume();
  const before = found();
  await until('a look behind the restart', () => found() > before);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0, output);
});

test('a watch that goes on for ever keeps its memory: five times as many looks leave as much behind', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { sandbox, cluster, image, say } = lab;
  await runPod(lab, 'web');
  await say(revocation({ digest: [image.digest!.toString()] }));
  const place = ['--kubeconfig', cluster.kubeconfig, '--pull-secrets=false', '--trusted-root', 'root.json'];
  const told = ['--revocations', 'revocations.json', '--revocation-authority', 'authority.json'];
  const probe = resolve(import.meta.dirname, '../support/memory-probe.ts');
  const child = spawn(
    SEALWRIGHT,
    ['revoke', 'watch', '--interval', '1ms', '--policy', 'policy.yaml', ...place, ...told],
    {
      cwd: sandbox.path('.'),
      env: { PATH: process.env['PATH'], HOME: sandbox.home, NODE_OPTIONS: `--expose-gc --import=${probe}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  let looks = 0;
  let said = '';
  child.stdout.on('data', (text: Buffer) => (looks += text.toString().split('1 run what is revoked').length - 1));
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      assert.equal(child.exitCode, null, said);
      await new Promise((done) => setImmediate(done));
    }
  };
  const left = async (): Promise<number> => {
    said = '';
    child.kill('SIGUSR2');
    await until(() => /memory \d+\n/.test(said));
    return Number(/memory (\d+)/.exec(said)?.[1]);
  };
  await until(() => looks >= LOOKS);
  const first = await left();
  await until(() => looks >= 5 * LOOKS);
  const grown = (await left()) - first;
  // Connections that stay open are 60 KiB with each look: 10 MB were found here.
  assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more after ${looks} looks than after ${LOOKS}`);
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
