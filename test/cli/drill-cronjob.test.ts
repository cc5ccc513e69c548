/** The CronJob of docs/examples that drills: a real API server takes it, its account can do what its command does, and nothing more. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { errorCode, type Ended } from '../support/command-line.ts';
import { defineKinds, openDrillSite, type DrillSite } from '../support/drill-site.ts';
import { KubeCluster } from '../support/kube-cluster.ts';

const MANIFEST = resolve(import.meta.dirname, '../../docs/examples/drill-cronjob.yaml');
const ACCOUNT = 'system:serviceaccount:sealwright-drill:sealwright-drill';
const FOLDERS = ['keys', 'trust', 'reinstatement', 'revocations', 'records'];
const REACHED = ['logged done', 'published done', 'denied done', 'found done', 'refused done', 'restored done'];
const GOOD = 'nothing is revoked\n';
const DRILL_FAILED = 20;

interface Spec {
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly securityContext: Record<string, unknown>;
    readonly volumeMounts: readonly { readonly mountPath: string; readonly readOnly?: boolean }[];
  }[];
  readonly securityContext: Record<string, unknown>;
}

interface CronJob {
  readonly kind: string;
  readonly spec: { readonly jobTemplate: { readonly spec: { readonly template: { readonly spec: Spec } } } };
}

interface Shown {
  readonly passed: boolean;
  readonly statement: string;
  readonly namespace: string;
  readonly stages: readonly { readonly stage: string; readonly outcome: string }[];
  readonly restored: { readonly outcome: string };
}

interface Scheduled {
  readonly cluster: KubeCluster;
  readonly site: DrillSite;
  readonly spec: Spec;
  /** Its command, by its account, with its folders in the sandbox. */
  readonly run: () => Promise<Ended>;
  /** Puts what ends the next drill where the command looks for it. */
  readonly approve: (id: string, ...by: readonly string[]) => Promise<void>;
  readonly records: () => readonly Shown[];
  readonly inForce: () => Promise<string>;
}

/** Serves the folder of revocations, as something before the volume would. */
async function serve(t: TestContext, file: () => string): Promise<string> {
  const server = createServer((_, response) => response.end(readFileSync(file())));
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/revocations.json`;
}

async function schedule(t: TestContext): Promise<Scheduled | undefined> {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return undefined;
  await defineKinds(cluster);
  await cluster.must(['create', 'namespace', 'cosign-system']);
  // Strict: a member that the API does not have is refused and not dropped.
  await cluster.must(['apply', '--validate=strict', '-f', MANIFEST]);
  let url = '';
  const site = await openDrillSite(t, cluster, 'drill', async ({ sandbox, stack, commands }) => {
    for (const folder of FOLDERS) mkdirSync(sandbox.path(folder));
    const copy = (from: string, to: string): void => {
      writeFileSync(sandbox.path(to), readFileSync(from));
    };
    copy(stack.status.trustedRoot, 'trust/trusted_root.json');
    copy(stack.status.signingConfig, 'trust/signing_config.json');
    copy(sandbox.path('revocation-authority.json'), 'trust/revocation-authority.json');
    for (const [name, key] of [
      ['member', 'ann'],
      ['snapshot', 'snapshot'],
      ['canary', 'ci'],
    ] as const)
      copy(sandbox.path(`${key}.key`), `keys/${name}.key`);
    const to = ['--snapshot', 'revocations/revocations.json', '--trusted-root', 'trust/trusted_root.json'];
    await commands.done('revoke', 'publish', ...to, '--snapshot-key', 'snapshot.key');
    url = await serve(t, () => sandbox.path('revocations/revocations.json'));
    const authority = ['--revocation-authority', 'trust/revocation-authority.json'];
    return ['--trusted-root', 'trust/trusted_root.json', '--revocations', url, ...authority];
  });
  const { sandbox, stack, commands } = site;
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string }[] };
  const token = await cluster.must(['create', 'token', 'sealwright-drill', '-n', 'sealwright-drill']);
  const users = [{ name: config.users[0]?.name, user: { token: token.trim() } }];
  writeFileSync(sandbox.path('kubeconfig'), stringify({ ...config, users }));
  const documents = parseAllDocuments(readFileSync(MANIFEST, 'utf8')).map((one) => one.toJS() as CronJob);
  const spec = documents.find(({ kind }) => kind === 'CronJob')?.spec.jobTemplate.spec.template.spec;
  assert.ok(spec !== undefined);
  const args = (spec.containers[0]?.args ?? []).map((word) =>
    word
      .replace(new RegExp(`=/(${FOLDERS.join('|')})/`), '=./$1/')
      .replace('https://revocations.example/revocations.json', url)
      .replace('registry.example', stack.status.registry),
  );
  const environment = { KUBECONFIG: 'kubeconfig', COSIGN_PASSWORD: '' };
  const trust = ['--trusted-root', 'trust/trusted_root.json', '--signing-config', 'trust/signing_config.json'];
  return {
    ...{ cluster, site, spec },
    run: () => sandbox.run(args, { environment }),
    approve: async (id, first = 'ann', ...others) => {
      const undo = ['--reinstate', id, '--reason', 'the drill is over', '--out', 'reinstatement/next.json'];
      await commands.done('revoke', 'sign', '--key', `${first}.key`, ...undo, ...trust);
      for (const name of others) {
        const how = ['--key', `${name}.key`, '--yes', ...trust];
        await commands.done('revoke', 'approve', ...how, 'reinstatement/next.json');
      }
    },
    records: () =>
      readdirSync(sandbox.path('records'))
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => (JSON.parse(readFileSync(sandbox.path(`records/${name}`), 'utf8')) as { record: Shown }).record),
    inForce: async () => {
      const where = ['--revocations', url, '--revocation-authority', 'trust/revocation-authority.json'];
      return (await commands.done('revoke', 'status', ...where, ...trust.slice(0, 2))).stdout;
    },
  };
}

function outcomes({ stages, restored }: Shown): readonly string[] {
  return [...stages.map(({ stage, outcome }) => `${stage} ${outcome}`), `restored ${restored.outcome}`];
}

test('taken by the API server; its account drills through every stage, leaves nothing, and can do no more', async (t) => {
  const scheduled = await schedule(t);
  if (scheduled === undefined) return;
  const { cluster, spec, run, approve, records, inForce } = scheduled;
  await approve('drill-q1', 'ann', 'ben');
  const ended = await run();
  const [record, ...others] = records();
  assert.ok(record !== undefined && others.length === 0, ended.stderr);
  // However long it took: a busy machine may be too late for the goals.
  assert.deepEqual(outcomes(record), REACHED, ended.stderr);
  assert.equal(ended.exitCode, record.passed ? 0 : DRILL_FAILED, ended.stderr);
  assert.deepEqual([record.statement, record.namespace], ['drill-q1', 'drill']);
  assert.equal(await cluster.must(['get', 'pods', '-n', 'drill', '-o', 'name']), '');
  assert.equal(await inForce(), GOOD);
  const shown = await cluster.must(['get', 'configmap', 'sealwright-drill', '-n', 'cosign-system', '-o', 'json']);
  const { data } = JSON.parse(shown) as { data: Record<string, string> };
  assert.deepEqual((JSON.parse(data['record.json'] ?? '') as { record: Shown }).record, record);
  // What ended that drill ends no other.
  const again = await run();
  assert.notEqual(again.exitCode, 0);
  assert.match(again.stdout + again.stderr, /statement logged FAILED|REVOCATION/, again.stderr);
  assert.equal(await inForce(), GOOD);
  for (const [verb, resource, namespace] of [
    ['get', 'secrets', 'drill'],
    ['get', 'secrets', 'sealwright-drill'],
    ['list', 'configmaps', 'sealwright-drill'],
    ['get', 'pods', 'drill'],
    ['get', 'configmaps/sealwright-drill', 'cosign-system'],
    ['patch', 'configmaps/sealwright-trust', 'cosign-system'],
    ['create', 'configmaps', 'cosign-system'],
    ['delete', 'configmaps/sealwright-drill', 'cosign-system'],
    ['create', 'pods', 'sealwright-drill'],
    ['create', 'pods', 'default'],
    ['delete', 'pods', 'default'],
    ['list', 'pods', 'default'],
    ['patch', 'pods', 'drill'],
    ['create', 'pods --subresource=exec', 'drill'],
    ['create', 'pods --subresource=eviction', 'drill'],
    ['create', 'deployments.apps', 'drill'],
    ['patch', 'clusterimagepolicies.policy.sigstore.dev', 'default'],
    ['create', 'imageexceptions.sealwright.dev', 'drill'],
  ] as const) {
    const words = ['auth', 'can-i', verb, ...resource.split(' '), '-n', namespace, `--as=${ACCOUNT}`];
    assert.equal((await cluster.kubectl(words)).stdout.trim(), 'no', `${verb} ${resource} in ${namespace}`);
  }
  const { containers, securityContext } = spec;
  assert.equal(securityContext['runAsNonRoot'], true);
  for (const { securityContext: own, volumeMounts } of containers) {
    assert.deepEqual([own['readOnlyRootFilesystem'], own['allowPrivilegeEscalation']], [true, false]);
    const writable = volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath);
    assert.deepEqual(writable.sort(), ['/records', '/revocations', '/tmp']);
  }
});

test('refused with nothing revoked: ended by too few, no door, a right that is taken away', async (t) => {
  const scheduled = await schedule(t);
  if (scheduled === undefined) return;
  const { cluster, site, run, approve, records, inForce } = scheduled;
  const nothingBegun = await run();
  assert.equal(errorCode(nothingBegun), 'USAGE_FILE', nothingBegun.stderr);
  await approve('drill-q2', 'ann');
  const tooFew = await run();
  assert.equal(errorCode(tooFew), 'DRILL_FAILED', tooFew.stderr);
  assert.match(tooFew.stdout, /statement logged .*REVOCATION_QUORUM/);
  assert.match(tooFew.stdout, /good again: nothing had been published/);
  assert.deepEqual(
    records().map(({ passed }) => passed),
    [false],
    'a drill that failed leaves its record as well',
  );
  const kept = await cluster.must(['get', 'configmap', 'sealwright-drill', '-n', 'cosign-system', '-o', 'json']);
  assert.match((JSON.parse(kept) as { data: Record<string, string> }).data['record.json'] ?? '', /"passed": false/);
  await approve('drill-q3', 'ann', 'ben');
  const role = JSON.parse(await cluster.must(['get', 'role', 'sealwright-drill', '-n', 'drill', '-o', 'json'])) as {
    rules: { verbs: string[] }[];
  };
  const without = role.rules.map((rule) => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== 'create') }));
  await cluster.must(['replace', '-f', '-'], JSON.stringify({ ...role, rules: without }));
  await cluster.eventually('the right is gone', async () => {
    const words = ['auth', 'can-i', 'create', 'pods', '-n', 'drill', `--as=${ACCOUNT}`];
    return (await cluster.kubectl(words)).stdout.trim() === 'no';
  });
  const barred = await run();
  assert.equal(errorCode(barred), 'REMOTE_STATUS', barred.stderr);
  assert.match(barred.stderr, /cannot create resource "pods"/);
  assert.equal(records().length, 1, 'what never began has no record');
  assert.ok(!existsSync(site.sandbox.path('records/revocation-drill.json.undo')));
  assert.equal(await inForce(), GOOD);
  // Where the record could not be left, that is found out before and not after.
  await cluster.must(['delete', 'rolebinding', 'sealwright-drill', '-n', 'cosign-system']);
  const words = ['auth', 'can-i', 'patch', 'configmaps/sealwright-drill', '-n', 'cosign-system', `--as=${ACCOUNT}`];
  await cluster.eventually('that right is gone', async () => (await cluster.kubectl(words)).stdout.trim() === 'no');
  const untold = await run();
  assert.equal(errorCode(untold), 'REMOTE_STATUS', untold.stderr);
  assert.match(untold.stderr, /cannot patch resource "configmaps"/);
  assert.doesNotMatch(untold.stderr, /canary/);
  assert.equal(records().length, 1);
});
