/** Numbers about decisions: by answer, policy and evidence, how fast, and what could not be kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { readWebhookCalls } from '../../../src/io/kubernetes/fail-open.ts';
import { openSqliteEvidenceStore } from '../../../src/servers/webhook/sqlite-evidence-store.ts';
import { Histogram, LabelledCounter, familyText } from '../../../src/servers/webhook/metric-text.ts';
import { RegistryRequests } from '../../../src/servers/webhook/webhook-metrics.ts';
import { openDoor, policyFor, type Door } from './door.ts';
import { ask, pod } from './review.ts';

async function metrics({ webhook }: Door): Promise<readonly string[]> {
  return (await (await webhook.routes.request('/metrics')).text()).split('\n');
}

function includes(lines: readonly string[], ...wanted: readonly string[]): void {
  for (const line of wanted) assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`);
}

test('decisions by answer, policy, mode and evidence, with their duration', async (t) => {
  const store = openSqliteEvidenceStore(':memory:');
  await store.close();
  const door = await openDoor(t, { store, certificateEnd: () => new Date(86_400_000) });
  const { world, webhook, enforce } = door;
  const image = (await world.pushSigned('shop/app')).toString();
  const bare = (await world.push('shop/bare')).toString();
  enforce(policyFor(world), policyFor(world, 'soft', '  mode: warn'));
  await ask(webhook.routes, 'mutate', { object: pod(image) });
  await ask(webhook.routes, 'validate', { object: pod(image) });
  await ask(webhook.routes, 'validate', { object: pod(bare) });
  await ask(webhook.routes, 'validate', { object: null, oldObject: pod(bare), operation: 'DELETE' });
  const lines = await metrics(door);
  includes(
    lines,
    'sealwright_admission_reviews_total{stage="mutate",decision="allow"} 1',
    'sealwright_admission_reviews_total{stage="validate",decision="allow"} 1',
    'sealwright_admission_reviews_total{stage="validate",decision="deny"} 1',
    'sealwright_admission_reviews_total{stage="validate",decision="unseen"} 1',
    'sealwright_policy_judgements_total{policy="shop",mode="enforce",outcome="passed"} 2',
    'sealwright_policy_judgements_total{policy="soft",mode="warn",outcome="failed"} 1',
    'sealwright_evidence_total{source="fetched"} 2',
    'sealwright_evidence_total{source="remembered"} 1',
    'sealwright_admission_review_duration_seconds_count{stage="validate"} 3',
    'sealwright_admission_review_duration_seconds_bucket{stage="validate",le="+Inf"} 3',
    'sealwright_serving_certificate_end_timestamp_seconds 86400',
  );
  const failures = lines.find((line) => line.startsWith('sealwright_evidence_store_failures_total '));
  assert.ok(Number(failures?.split(' ')[1]) > 0);
});

test('a dry run is counted by itself', async (t) => {
  const door = await openDoor(t);
  await ask(door.webhook.routes, 'validate', { object: pod('nginx'), dryRun: true });
  const lines = await metrics(door);
  includes(lines, 'sealwright_admission_dry_run_reviews_total{stage="validate",decision="deny"} 1');
  assert.ok(!lines.some((line) => line.startsWith('sealwright_admission_reviews_total')));
});

test('requests to registries are counted by status, those without an answer too', async (t) => {
  const registryRequests = new RegistryRequests();
  const door = await openDoor(t, { registryRequests });
  const { world } = door;
  const http = new HttpClient({
    retry: { retries: 0 },
    observe: (sent) => {
      registryRequests.add(sent);
    },
  });
  t.after(() => {
    http.close();
  });
  const client = new RegistryClient({ http, action: 'pull' });
  const image = await world.push('shop/app');
  await client.resolve(image);
  world.fault.answer = () => new Response('', { status: 429 });
  await assert.rejects(client.resolve(image), { code: 'REMOTE_THROTTLED' });
  await assert.rejects(http.request({ url: 'http://127.0.0.1:1/v2/' }), { code: 'REMOTE_UNREACHABLE' });
  const lines = await metrics(door);
  includes(
    lines,
    `sealwright_registry_requests_total{registry="${world.host}",status="429"} 1`,
    'sealwright_registry_requests_total{registry="127.0.0.1:1",status="none"} 1',
  );
  assert.ok(
    lines.some((line) => line.startsWith(`sealwright_registry_requests_total{registry="${world.host}",status="200"}`)),
  );
});

test('what waited or was refused for the budget of a registry, and its pauses, are counted', async (t) => {
  const registryRequests = new RegistryRequests();
  const door = await openDoor(t, { registryRequests });
  const host = 'registry.example';
  registryRequests.addHeld({ host, what: 'waited', ms: 1500 });
  registryRequests.addHeld({ host, what: 'waited', ms: 250 });
  registryRequests.addHeld({ host, what: 'paused', ms: 9000 });
  registryRequests.addHeld({ host, what: 'refused', ms: 0 });
  includes(
    await metrics(door),
    `sealwright_registry_budget_events_total{registry="${host}",event="waited"} 2`,
    `sealwright_registry_budget_events_total{registry="${host}",event="paused"} 1`,
    `sealwright_registry_budget_events_total{registry="${host}",event="refused"} 1`,
    `sealwright_registry_wait_seconds_total{registry="${host}"} 1.75`,
  );
});

test('names from outside cannot break the format, and not fill the memory', () => {
  const counter = new LabelledCounter();
  counter.add({ name: 'a"b\\c\nd' });
  assert.equal(
    familyText('x', 'Help.', 'counter', counter.samples()),
    '# HELP x Help.\n# TYPE x counter\nx{name="a\\"b\\\\c\\nd"} 1\n',
  );
  for (let count = 0; count < 5000; count++) counter.add({ name: String(count) });
  assert.equal(counter.samples().length, 1001);
  assert.equal(
    counter.samples().reduce((sum, [, count]) => sum + count, 0),
    5001,
  );
});

test('buckets are cumulative', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 3]) histogram.observe({ a: 'b' }, value);
  assert.deepEqual(histogram.text('h', 'Help.').split('\n').slice(2, -1), [
    'h_bucket{a="b",le="1"} 2',
    'h_bucket{a="b",le="2"} 3',
    'h_bucket{a="b",le="+Inf"} 4',
    'h_sum{a="b"} 6',
    'h_count{a="b"} 4',
  ]);
});

test('the rate of failing open is read from what the API server counts itself', () => {
  const calls = readWebhookCalls(`# TYPE apiserver_admission_webhook_fail_open_count counter
apiserver_admission_webhook_fail_open_count{name="validate.x",type="validating"} 3
apiserver_admission_webhook_request_total{code="200",name="validate.x",operation="CREATE",rejected="false",type="validating"} 1e+02
apiserver_admission_webhook_request_total{code="403",name="validate.x",operation="CREATE",rejected="true",type="validating"} 7
apiserver_admission_webhook_rejection_count{error_type="no_error",name="validate.x",operation="CREATE",rejection_code="403",type="validating"} 7
apiserver_admission_webhook_rejection_count{error_type="calling_webhook_error",name="validate.x",operation="CREATE",rejection_code="0",type="validating"} 2
apiserver_admission_webhook_request_total{code="200",name="mutate.x",operation="CREATE",rejected="false",type="admit"} 5
apiserver_admission_webhook_request_total{code="200",name="a\\"b} 9",operation="CREATE",rejected="false",type="admit"} 1
apiserver_admission_webhook_request_total{name="half
apiserver_admission_webhook_admission_duration_seconds_sum{name="other"} 4
`);
  assert.deepEqual(
    calls.map(({ webhook, type, ...counts }) => [webhook, type, ...Object.values(counts)]),
    [
      ['a\\"b} 9', 'mutating', 1, 0, 0],
      ['mutate.x', 'mutating', 5, 0, 0],
      ['validate.x', 'validating', 107, 3, 2],
    ],
  );
  assert.deepEqual(readWebhookCalls(''), []);
  const many = Array.from(
    { length: 1001 },
    (_, index) => `apiserver_admission_webhook_fail_open_count{name="w${index}",type="admit"} 1`,
  );
  assert.throws(() => readWebhookCalls(many.join('\n')), { code: 'LIMIT_COUNT' });
});
