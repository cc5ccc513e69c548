/** The record of a drill in the webhook's namespace of a real API server: what `webhook status` and the metrics of `revoke watch` make of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { encodeHex } from '../../src/core/encoding/hex.ts';
import { drillStatement, type DrillRecord } from '../../src/core/revocation/drill-record.ts';
import { encodeRevocationAuthority } from '../../src/core/revocation/revocation-authority.ts';
import type { RevocationStatement } from '../../src/core/revocation/revocation-statement.ts';
import { encodeSignedDrill } from '../../src/core/revocation/signed-drill.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { Sandbox, SEALWRIGHT } from '../support/command-line.ts';
import { drillRecord, drillStages } from '../support/drills.ts';
import { FakeInstance } from '../support/instance.ts';
import { KubeCluster } from '../support/kube-cluster.ts';
import { Authority, revocation } from '../support/revocations.ts';

const MANIFEST = resolve(import.meta.dirname, '../../docs/examples/drill-cronjob.yaml');
const NAMESPACE = 'cosign-system';
const DAY_MS = 86_400_000;
const WORDS = ['--push=registry.example/drill/canary', '--key=/keys/member.key', '--namespace=drill', '--keep-record'];
const AGAIN = `sealwright revoke drill ${['--push=registry.example/drill/canary', '--key=/keys/member.key', '--namespace=drill', '--keep-record'].join(' ')}`;
const HELP = 'sealwright revoke drill --help';
const ONE = { narrow: 1, broad: 1, relaxing: 1 };

interface Shown {
  readonly state: string;
  readonly text: string;
  readonly isDue: boolean;
  readonly endedAt?: string;
  readonly command?: string;
}

interface Lab {
  readonly cluster: KubeCluster;
  readonly sandbox: Sandbox;
  readonly instance: FakeInstance;
  readonly people: Authority;
  readonly url: string;
  readonly keep: (record: string | undefined) => Promise<void>;
  readonly say: (...said: readonly RevocationStatement[]) => Promise<void>;
  /** Whether whoever asks for revocations is answered. */
  readonly answer: (does: boolean) => void;
  readonly status: () => Promise<{ readonly drill: Shown; readonly text: string }>;
}

/** As people sign it. */
function signed(people: Authority, rest: Partial<DrillRecord>, shown: Partial<DrillRecord> = {}): string {
  const record = drillRecord({ words: WORDS, ...rest });
  const [bundle = null] = people.signStatement(drillStatement(record), ['ann']);
  return encodeSignedDrill({ ...record, ...shown }, bundle);
}

function held(daysAgo: number): Pick<DrillRecord, 'startedAt' | 'endedAt'> {
  const endedAt = new Date(Math.floor((Date.now() - daysAgo * DAY_MS) / 1000) * 1000);
  return { startedAt: new Date(endedAt.getTime() - 9000), endedAt };
}

async function openLab(t: TestContext): Promise<Lab | undefined> {
  const cluster = await KubeCluster.start(t);
  if (cluster === undefined) return undefined;
  const sandbox = new Sandbox();
  const instance = new FakeInstance();
  const people = new Authority(instance, ['ann', 'ben'], ONE);
  const files = {
    'trusted_root.json': encodeTrustedRoot(instance.trustedRoot),
    'revocation-authority.json': encodeRevocationAuthority(people.authority),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(sandbox.path(name), text);
  writeFileSync(sandbox.path('kubeconfig'), readFileSync(cluster.kubeconfig), { mode: 0o600 });
  let snapshot = '';
  let isAnswering = true;
  const server = createServer((_, response) => {
    response.statusCode = isAnswering ? 200 : 404;
    response.end(isAnswering ? snapshot : '');
  });
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    sandbox.remove();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/revocations.json`;
  let version = 0;
  const say: Lab['say'] = async (...said) => {
    const statements = said.map((one) => people.sign(one, ['ann', 'ben']));
    const expires = new Date(Date.now() + 3_600_000);
    snapshot = await people.snapshot({ issuedAt: new Date(), expires, version: ++version, statements });
  };
  await say();
  await cluster.must(['create', 'namespace', NAMESPACE]);
  const named = (name: string): object => ({ name, namespace: NAMESPACE });
  await cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: named('sealwright-trust'), data: files });
  const labels = { app: 'sealwright' };
  const container = { name: 'webhook', image: 'x.test/sealwright', args: [`--revocations=${url}`] };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const spec = { selector: { matchLabels: labels }, template };
  await cluster.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: named('sealwright-webhook'), spec });
  const keep: Lab['keep'] = async (record) => {
    await cluster.must(['delete', 'configmap', 'sealwright-drill', '-n', NAMESPACE, '--ignore-not-found']);
    if (record === undefined) return;
    const data = { 'record.json': record };
    await cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: named('sealwright-drill'), data });
  };
  const status: Lab['status'] = async () => {
    const asked = ['webhook', 'status', '--kubeconfig', 'kubeconfig'];
    const json = await sandbox.run([...asked, '-o', 'json']);
    const { stdout } = await sandbox.run(asked);
    return { drill: (JSON.parse(json.stdout) as { drill: Shown }).drill, text: stdout };
  };
  const answer = (does: boolean): void => {
    isAnswering = does;
  };
  return { cluster, sandbox, instance, people, url, keep, say, answer, status };
}

test('webhook status: the last drill by whom the installation believes, and the next one as a command', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { cluster, people, instance, keep, say, answer, status } = lab;
  const strangers = new Authority(instance, ['ann'], ONE);
  const failed = { stages: drillStages({ denied: { outcome: 'failed' as const, detail: 'admitted' } }) };
  const cases: readonly (readonly [
    what: string,
    record: string | undefined,
    state: string,
    due: string,
    text: RegExp,
  ])[] = [
    ['none', undefined, 'never-drilled', HELP, /^never drilled$/],
    ['held', signed(people, held(3)), 'drilled', '', /the API server denied it after 3\.0 s.* in drill, signed by ann/],
    ['of yesterday, and failed', signed(people, { ...held(1), ...failed }), 'failed', AGAIN, /^failed: denied/],
    ['too old', signed(people, held(91)), 'stale', AGAIN, /^stale, 91 days old where 90 are allowed/],
    ['by a stranger', signed(strangers, held(1)), 'undetermined', HELP, /^undetermined: KEY_MISMATCH/],
    [
      'made better by somebody',
      signed(people, { ...held(1), ...failed }, { stages: drillStages() }),
      'undetermined',
      HELP,
      /^undetermined: FORMAT_REVOCATION .*another record than the one that was signed/,
    ],
    ['of next month', signed(people, held(-30)), 'undetermined', HELP, /time that has not come yet/],
    ['no record at all', 'fine', 'undetermined', HELP, /^undetermined: FORMAT_/],
  ];
  for (const [what, record, state, due, text] of cases) {
    await keep(record);
    const { drill, text: printed } = await status();
    assert.deepEqual(
      [drill.state, drill.command ?? '', drill.isDue],
      [state, due, due !== ''],
      `${what}: ${drill.text}`,
    );
    assert.match(drill.text, text, what);
    assert.ok(printed.includes(`\ndrill of revocation: ${drill.text}\n`), printed);
    assert.equal(/^ {2}due: (.*)$/m.exec(printed)?.[1] ?? '', due, printed);
  }
  await keep(signed(people, held(3)));
  // Whoever may not be asked which members are still believed cannot be taken for a yes.
  answer(false);
  assert.equal((await status()).drill.state, 'undetermined');
  answer(true);
  assert.equal((await status()).drill.state, 'drilled');
  await say(revocation({ key: encodeHex(people.key('ann').publicKey.id) }));
  const { drill } = await status();
  assert.deepEqual([drill.state, drill.isDue], ['undetermined', true], drill.text);
  // A schedule has the keys that its record names: the command begins it, as pasted.
  await cluster.must(['apply', '--validate=strict', '-f', MANIFEST]);
  const { drill: scheduled } = await status();
  const [program, ...words] = (scheduled.command ?? '').split(' ');
  assert.equal(program, 'kubectl');
  assert.match(await cluster.must(words), /^job\.batch\/sealwright-drill-\w+ created/);
});

test('revoke watch: when the last drill was, what it says and whether one is due, as metrics', async (t) => {
  const lab = await openLab(t);
  if (lab === undefined) return;
  const { sandbox, people, instance, url, keep } = lab;
  await keep(signed(people, held(3)));
  const trust = ['--trusted-root', 'trusted_root.json', '--revocation-authority', 'revocation-authority.json'];
  const words = [
    ...trust,
    '--revocations',
    url,
    '--kubeconfig',
    'kubeconfig',
    '--interval',
    '1s',
    '--metrics-port',
    '0',
  ];
  const child = spawn(SEALWRIGHT, ['revoke', 'watch', ...words], {
    cwd: sandbox.path('.'),
    env: { PATH: process.env['PATH'], HOME: sandbox.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const http = new HttpClient();
  t.after(() => {
    http.close();
  });
  const until = async (...lines: readonly RegExp[]): Promise<string> => {
    for (;;) {
      assert.equal(child.exitCode, null, output);
      const [metrics] = /http:\S+\/metrics/.exec(output) ?? [];
      if (metrics !== undefined) {
        const text = Buffer.from((await http.request({ url: metrics })).body).toString();
        if (lines.every((line) => line.test(text))) return text;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const good = await until(/^sealwright_watch_drill_state\{state="drilled"\} 1$/m, /^sealwright_watch_drill_due 0$/m);
  const ended = Number(/^sealwright_watch_last_drill_timestamp_seconds (\d+)$/m.exec(good)?.[1]);
  assert.ok(Math.abs(Date.now() / 1000 - 3 * 86_400 - ended) < 3600, good);
  await keep(signed(new Authority(instance, ['ann'], ONE), held(1)));
  const forged = [/drill_state\{state="undetermined"\} 1$/m, /drill_state\{state="drilled"\} 0$/m, /drill_due 1$/m];
  await until(...forged, /^sealwright_watch_last_drill_timestamp_seconds 0$/m);
  await keep(undefined);
  await until(/drill_state\{state="never-drilled"\} 1$/m, /drill_state\{state="undetermined"\} 0$/m, /drill_due 1$/m);
});
