/** What we export for Prometheus and the alert rules that read it, judged by Prometheus' own promtool. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SweepMetrics } from '../../src/cli/report/sweep-metrics.ts';
import { encodeAuditSnapshot } from '../../src/core/audit/audit-snapshot.ts';
import { undetermined } from '../../src/core/audit/drill-standing.ts';
import { RevocationIndex } from '../../src/core/revocation/revocation-index.ts';
import { readWebhookCalls } from '../../src/io/kubernetes/fail-open.ts';
import { RegistryRequests, WebhookMetrics, type WebhookGauges } from '../../src/servers/webhook/webhook-metrics.ts';
import { openDoor, policyFor } from '../servers/webhook/door.ts';
import { ask, pod } from '../servers/webhook/review.ts';
import { auditEntry, auditSnapshot } from '../support/audits.ts';
import { Sandbox } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';

const EXAMPLES = resolve(import.meta.dirname, '../../docs/examples');
const RULES = readFileSync(join(EXAMPLES, 'alerts.yaml'), 'utf8');
const RULES_TEST = readFileSync(join(EXAMPLES, 'alerts.test.yaml'), 'utf8');

interface Judged {
  readonly status: number | null;
  readonly output: string;
}

function run(promtool: string, args: readonly string[], input = ''): Judged {
  const { status, stdout, stderr } = spawnSync(promtool, args, { input, encoding: 'utf8', timeout: 60_000 });
  return { status, output: stdout + stderr };
}

async function webhookText(t: TestContext): Promise<string> {
  const door = await openDoor(t, { certificateEnd: () => new Date(86_400_000) });
  const image = (await door.world.pushSigned('shop/app')).toString();
  door.enforce(policyFor(door.world));
  await ask(door.webhook.routes, 'validate', { object: pod(image) });
  return (await door.webhook.routes.request('/metrics')).text();
}

/** With everything that a webhook follows only where it is told to. */
function gaugesText(): string {
  const requests = new RegistryRequests();
  requests.add({ host: 'registry.example', status: 200 });
  requests.addHeld({ host: 'registry.example', what: 'waited', ms: 5 });
  const gauges: WebhookGauges = {
    policies: 1,
    underWay: 0,
    referenceFailures: [[{ name: 'key', code: 'REMOTE_UNREACHABLE' }, 1]],
    policyAgeSeconds: 1,
    certificateEnd: new Date(86_400_000),
    revocations: {
      index: new RevocationIndex([]),
      version: 1,
      freshness: { state: 'fresh', ageMs: 1000 },
      staleness: { effect: 'none' },
    },
    trust: { fingerprint: '00', ageSeconds: 1, expires: new Date(0), failures: [[{ code: 'TRUST_STALE' }, 1]] },
    ledgerLost: 0,
    events: { sent: 1, dropped: 0, failed: 0 },
  };
  return new WebhookMetrics().text(gauges, requests);
}

function watchText(): string {
  const metrics = new SweepMetrics();
  metrics.looked({ pods: 1, copies: [], notLookedAt: [] }, 1, new Date(0));
  metrics.drilled(undetermined('its record is by a stranger'));
  return metrics.text();
}

async function auditText(t: TestContext): Promise<string> {
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  const snapshot = auditSnapshot([auditEntry('a', 'verified'), auditEntry('b', 'unsigned')]);
  sandbox.write('now.json', encodeAuditSnapshot(snapshot));
  const { stdout, stderr, exitCode } = await sandbox.run(['audit', 'trend', 'now.json', '-o', 'prometheus']);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

const EXPORTS: readonly (readonly [what: string, text: (t: TestContext) => Promise<string> | string])[] = [
  ['webhook', webhookText],
  ['webhook that follows revocations and trust', gaugesText],
  ['revoke watch', watchText],
  ['audit trend', auditText],
];

/** promtool passes over what has no sample; with one, its name is judged too. */
function withSamples(text: string): string {
  return text.replace(/(# TYPE (\w+) \w+\n)(?!\2)/g, '$1$2 1\n');
}

for (const [what, text] of EXPORTS) {
  interop('promtool', 'sealwright → peer', `${what}: its metrics have nothing to object to`, async (t, promtool) => {
    const { status, output } = run(promtool, ['check', 'metrics'], withSamples(await text(t)));
    assert.deepEqual([status, output], [0, '']);
  });
}

interop(
  'promtool',
  'sealwright → peer',
  'metrics with days, without help or broken are objected to',
  (_t, promtool) => {
    const check = (input: string): Judged => run(promtool, ['check', 'metrics'], input);
    const days = check('# HELP x_age_days How old.\n# TYPE x_age_days gauge\nx_age_days 1\n');
    assert.deepEqual([days.status, days.output.includes('use base unit "seconds"')], [3, true]);
    const counter = check('# HELP x Things.\n# TYPE x counter\nx 1\n');
    assert.deepEqual([counter.status, counter.output.includes('should have "_total" suffix')], [3, true]);
    const silent = check('# TYPE x gauge\nx 1\n');
    assert.deepEqual([silent.status, silent.output.includes('no help text')], [3, true]);
    assert.equal(check('x{a="b} 1\n').status, 1);
  },
);

interop('promtool', 'sealwright → peer', 'alert rules: valid; each fires and keeps silent', (t, promtool) => {
  assert.equal(run(promtool, ['check', 'rules', join(EXAMPLES, 'alerts.yaml')]).status, 0);
  const tested = run(promtool, ['test', 'rules', join(EXAMPLES, 'alerts.test.yaml')]);
  assert.equal(tested.status, 0, tested.output);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  // Each alert by itself: one that never fires, and one that always does, must both be found out.
  const names = [...RULES.matchAll(/- alert: (\w+)\n/g)].map(([, name = '']) => name);
  for (const value of ['vector(0) > 1', 'vector(1)']) {
    for (const name of names) {
      const start = RULES.indexOf(`- alert: ${name}\n`);
      const from = RULES.indexOf('        expr:', start);
      const rest = RULES.slice(from).search(/\n {8}(?:for|labels):/);
      sandbox.write('alerts.yaml', `${RULES.slice(0, from)}        expr: ${value}${RULES.slice(from + rest)}`);
      sandbox.write('alerts.test.yaml', RULES_TEST);
      const found = run(promtool, ['test', 'rules', sandbox.path('alerts.test.yaml')]);
      assert.deepEqual([found.status, found.output.includes(name)], [1, true], `${name}: ${value}\n${found.output}`);
    }
  }
});

test('alert rules read nothing that no program exports, and each has a summary and a command', async (t) => {
  const exported = new Set<string>();
  for (const [, text] of EXPORTS) {
    for (const [, name = ''] of (await text(t)).matchAll(/^# TYPE (\w+) /gm)) exported.add(name);
  }
  const read = new Set([...RULES.matchAll(/\b(?:sealwright|apiserver)_\w+/g)].map(([name]) => name));
  assert.ok(read.size >= 10);
  for (const name of read) {
    // The API server's own, which `webhook status` reads as well.
    const isRead = readWebhookCalls(`${name}{name="x",type="admit"} 1\n`).some(({ failedOpen }) => failedOpen === 1);
    assert.ok(exported.has(name) || isRead, `${name} is exported by nobody`);
  }
  const count = (pattern: RegExp): number => [...RULES.matchAll(pattern)].length;
  assert.equal(count(/^ {10}summary: \S/gm), count(/^ {6}- alert: /gm));
  assert.equal(count(/^ {10}command: \S/gm), count(/^ {6}- alert: /gm));
});
