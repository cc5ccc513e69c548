/** Every decision is kept, within bounds, and nothing about keeping it can change or delay a decision. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { SealwrightError } from '../../../src/errors.ts';
import {
  openDecisionLedger,
  type DecisionLedger,
  type DecisionLedgerOptions,
} from '../../../src/servers/webhook/decision-ledger.ts';
import { createLedgerRoutes } from '../../../src/servers/webhook/ledger-routes.ts';
import { searchLedger } from '../../../src/servers/webhook/ledger-search.ts';
import type { DecisionRecord } from '../../../src/workflows/admission/decision-record.ts';
import { parseDecisionRecord } from '../../../src/workflows/admission/decision-record-parser.ts';
import { isAbout } from '../../../src/workflows/admission/decision-subject.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { decisionOf, DIGEST, START } from './decision.ts';
import { openDoor, policyFor } from './door.ts';
import { ask, pod } from './review.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-ledger-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return join(dir, 'ledger');
}

function opened(t: TestContext, options: Partial<DecisionLedgerOptions> & { folder: string }): DecisionLedger {
  const ledger = openDecisionLedger({ now: () => new Date(), ...options });
  t.after(async () => {
    await ledger.close();
    // What was still being written has made the folder anew.
    rmSync(dirname(options.folder), { recursive: true, force: true });
  });
  return ledger;
}

async function found(dir: string, text: string, limit = 10): Promise<readonly DecisionRecord[]> {
  return (await searchLedger(dir, { text }, limit)).decisions;
}

test('a decision is kept with who asked, for what, by which policy in which state, on which evidence, and who signed', async (t) => {
  const dir = folder(t);
  const ledger = opened(t, { folder: dir });
  const { world, webhook, enforce } = await openDoor(t, { ledger });
  enforce(policyFor(world));
  const image = await world.pushSigned('shop/app');
  const bare = await world.push('shop/bare');
  await ask(webhook.routes, 'mutate', { object: pod(`${image.context}:1`) });
  await ask(webhook.routes, 'validate', { object: pod(image.toString()) });
  await ask(webhook.routes, 'validate', { object: pod(bare.toString()) });
  await ledger.flush();
  const [refused] = await found(dir, bare.toString());
  assert.equal(refused?.decision, 'deny');
  assert.match(refused.images[0]?.denials[0] ?? '', /^NO_SIGNATURE .*\n {2}found: /);
  assert.deepEqual(
    refused.images[0]?.policies.map(({ outcome, code }) => [outcome, code]),
    [['failed', 'NO_SIGNATURE']],
  );
  const [second, first] = await found(dir, image.digest!.toString());
  assert.deepEqual([first?.stage, second?.stage], ['mutate', 'validate']);
  assert.deepEqual([first?.user, first?.namespace, first?.name, first?.kind], ['alice', 'shop', 'p', 'Pod']);
  assert.equal(first?.images[0]?.resolved, `${image.context}@${image.digest!.toString()}`);
  assert.deepEqual([first.images[0].evidence, second?.images[0]?.evidence], ['fetched', 'remembered']);
  assert.ok(Date.parse(second?.images[0]?.evidenceFoundAt ?? '') <= Date.parse(second?.at ?? ''));
  const [policy] = first.images[0].policies;
  assert.deepEqual([policy?.policy, policy?.mode, policy?.outcome], ['shop', 'enforce', 'passed']);
  assert.match(policy?.hash ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.equal(policy?.signer, `${SUBJECT}, authenticated by ${ISSUER}`);
  assert.match(policy.signatures?.[0]?.logIndex ?? '', /^\d+$/);
  assert.ok(first.latencyMs > 0);
});

test('a review that fails is kept with its error, and what is admitted unseen is not kept', async (t) => {
  const dir = folder(t);
  const ledger = opened(t, { folder: dir });
  const { world, webhook, enforce } = await openDoor(t, { ledger });
  enforce(policyFor(world));
  const broken = { metadata: { name: 'broken' }, spec: { containers: 'none' } };
  assert.equal((await ask(webhook.routes, 'validate', { object: broken })).allowed, false);
  await ask(webhook.routes, 'validate', { object: null, oldObject: pod('x'), operation: 'DELETE' });
  await ledger.flush();
  const all = await found(dir, 'broken');
  assert.equal(all.length, 1);
  assert.equal(all[0]?.decision, 'error');
  assert.match(all[0].error ?? '', /^FORMAT_ADMISSION_REVIEW /);
  assert.deepEqual(await found(dir, 'p'), []);
});

test('the hash of a policy follows its meaning, not its notation', async (t) => {
  const dir = folder(t);
  const ledger = opened(t, { folder: dir });
  const { world, webhook, enforce } = await openDoor(t, { ledger });
  const image = (await world.pushSigned('shop/app')).toString();
  const text = policyFor(world);
  for (const policy of [
    text,
    JSON.stringify((await import('yaml')).parse(text)),
    policyFor(world, 'shop', '  mode: warn'),
  ]) {
    enforce(policy);
    await ask(webhook.routes, 'validate', { object: pod(image) });
  }
  await ledger.flush();
  const [warn, json, yaml] = (await found(dir, image)).map(({ images }) => images[0]?.policies[0]?.hash);
  assert.equal(yaml, json);
  assert.notEqual(warn, yaml);
});

test('a full disk is reported once, loses records and no decision, and the next record is kept again', async (t) => {
  const dir = folder(t);
  const reports: SealwrightError[] = [];
  let isFull = false;
  const ledger = opened(t, {
    folder: dir,
    report: (error) => reports.push(error),
    append: async (file, bytes) => {
      if (!isFull) return file.appendFile(bytes);
      // A disk that fills up takes a part of what is written.
      await file.appendFile(bytes.subarray(0, 20));
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    },
  });
  const { world, webhook, enforce } = await openDoor(t, { ledger });
  enforce(policyFor(world));
  const image = (await world.pushSigned('shop/app')).toString();
  const bare = (await world.push('shop/bare')).toString();
  isFull = true;
  for (let round = 0; round < 3; round++) {
    assert.equal((await ask(webhook.routes, 'validate', { object: pod(image) })).allowed, true);
    assert.equal((await ask(webhook.routes, 'validate', { object: pod(bare) })).allowed, false);
    await ledger.flush();
  }
  assert.equal(ledger.lost, 6);
  assert.deepEqual(
    reports.map(({ code, facts }) => [code, facts.found]),
    [['STATE_UNAVAILABLE', 'ENOSPC']],
  );
  isFull = false;
  await ask(webhook.routes, 'validate', { object: pod(image) });
  await ledger.flush();
  const { decisions, searched } = await searchLedger(dir, { text: image }, 10);
  assert.equal(decisions.length, 1);
  assert.equal(searched.unreadable, 6);
});

test('a disk that never answers holds no decision up, and what waits for it is bounded', async (t) => {
  const dir = folder(t);
  const reports: SealwrightError[] = [];
  let release = (): void => undefined;
  const stuck = new Promise<void>((resolve) => (release = resolve));
  const ledger = opened(t, { folder: dir, report: (error) => reports.push(error), append: () => stuck });
  t.after(() => {
    release();
  });
  const { world, webhook, enforce } = await openDoor(t, { ledger });
  enforce(policyFor(world));
  const image = (await world.pushSigned('shop/app')).toString();
  assert.equal((await ask(webhook.routes, 'validate', { object: pod(image) })).allowed, true);
  const large = decisionOf({ error: 'x'.repeat(1 << 20) });
  for (let count = 0; count < 40; count++) ledger.add(large);
  assert.ok(ledger.lost >= 20, String(ledger.lost));
  assert.match(reports[0]?.facts.found ?? '', /slower/);
  assert.equal((await ask(webhook.routes, 'validate', { object: pod(image) })).allowed, true);
  release();
});

test('a folder that cannot be made is reported, and decisions stand', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, '..', 'file'), '');
  const reports: SealwrightError[] = [];
  const ledger = opened(t, { folder: join(dir, '..', 'file', 'ledger'), report: (error) => reports.push(error) });
  ledger.add(decisionOf());
  await ledger.flush();
  assert.equal(ledger.lost, 1);
  assert.equal(reports[0]?.code, 'STATE_UNAVAILABLE');
});

test('size and age are bounded: the oldest go', async (t) => {
  const dir = folder(t);
  let now = START;
  const ledger = opened(t, { folder: dir, now: () => new Date(now), maxBytes: 80_000 });
  for (let count = 0; count < 400; count++) {
    now++;
    ledger.add(decisionOf({ uid: `u-${count}`, at: new Date(now).toISOString() }));
    await ledger.flush();
  }
  const size = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  assert.ok(size <= 80_000 && size > 40_000, String(size));
  assert.equal((await found(dir, 'web-1'))[0]?.uid, 'u-399');
  assert.equal(
    (await found(dir, 'web-1', 1000)).some(({ uid }) => uid === 'u-0'),
    false,
  );
  // The files say when they were written; a month later they go.
  const later = opened(t, { folder: dir, now: () => new Date(Date.now() + 31 * 86_400_000), maxBytes: 80_000 });
  later.add(decisionOf({ uid: 'late' }));
  await later.flush();
  assert.deepEqual(
    (await found(dir, 'web-1')).map(({ uid }) => uid),
    ['late'],
  );
});

test('two webhooks may keep their decisions in one folder, and each finds those of both', async (t) => {
  const dir = folder(t);
  const [one, two] = [opened(t, { folder: dir }), opened(t, { folder: dir })];
  one.add(decisionOf({ uid: 'one' }));
  two.add(decisionOf({ uid: 'two' }));
  await Promise.all([one.flush(), two.flush()]);
  assert.deepEqual((await found(dir, 'web-1')).map(({ uid }) => uid).sort(), ['one', 'two']);
});

test('lines that are damaged are counted and passed over, whatever they are', async (t) => {
  const dir = folder(t);
  const ledger = opened(t, { folder: dir });
  ledger.add(decisionOf());
  await ledger.flush();
  const [name = ''] = readdirSync(dir);
  const line = readFileSync(join(dir, name), 'utf8').trimEnd();
  const damaged = [
    '{',
    '[]',
    'null',
    '{}',
    line.slice(0, 50),
    line.replace('"allow"', '"perhaps"'),
    line.replace('"shop"', '7'),
  ];
  appendFileSync(join(dir, name), `${damaged.join('\n')}\n${line.slice(0, -30)}`);
  const { decisions, searched } = await searchLedger(dir, { text: 'web-1' }, 10);
  assert.deepEqual(decisions, [decisionOf()]);
  assert.equal(searched.unreadable, damaged.length + 1);
  assert.throws(() => parseDecisionRecord(line.replace('2026-01', '2026-13')), { code: 'FORMAT_JSON' });
  await assert.rejects(searchLedger(join(dir, 'not'), { text: 'x' }, 1), { code: 'USAGE_FILE' });
});

test('a decision is found by pod, owner, image and digest, and by nothing else', () => {
  const one = decisionOf();
  const made = decisionOf({ name: '', generateName: 'web-7d9f-', owner: 'ReplicaSet/web-7d9f' });
  const cases: readonly (readonly [DecisionRecord, string, boolean])[] = [
    [one, 'web-1', true],
    [one, 'shop/web-1', true],
    [one, 'pod/web-1', true],
    [one, 'Pod/web-1', true],
    [one, 'other/web-1', false],
    [one, 'web-2', false],
    [one, 'web', false],
    [made, 'web-7d9f-x2k4p', true],
    [made, 'shop/web-7d9f-x2k4p', true],
    [made, 'replicaset/web-7d9f', true],
    [made, 'web-8000-x2k4p', false],
    [made, 'deployment/web-7d9f', false],
    [one, DIGEST, true],
    [one, DIGEST.replace('a', 'c'), false],
    [one, 'registry.example/shop/app:1', true],
    [one, 'registry.example/shop/app', true],
    [one, 'registry.example/shop/app:2', false],
    [one, `registry.example/shop/app@${DIGEST}`, true],
    [one, `registry.example/shop/app:9@${DIGEST}`, true],
    [one, `registry.example/shop/app@${DIGEST.replace('a', 'c')}`, false],
    [one, `registry.example/other/app@${DIGEST}`, false],
    [one, 'registry.example:5000/shop/app:1', false],
    [one, '', false],
  ];
  for (const [about, text, expected] of cases) assert.equal(isAbout(about, { text }), expected, text);
  assert.equal(isAbout(one, { text: 'web-1', namespace: 'shop' }), true);
  assert.equal(isAbout(one, { text: DIGEST, namespace: 'other' }), false);
});

test('the listener tells what the ledger says, under loopback names only', async (t) => {
  const dir = folder(t);
  const ledger = opened(t, { folder: dir });
  ledger.add(decisionOf());
  await ledger.flush();
  const routes = createLedgerRoutes(dir);
  const asked = async (
    query: string,
    host = '127.0.0.1:8444',
  ): Promise<[number, { decisions?: unknown; code?: string }]> => {
    const response = await routes.request(`/decisions?${query}`, { headers: { host } });
    return [response.status, (await response.json()) as { decisions?: unknown; code?: string }];
  };
  const [status, { decisions }] = await asked('about=web-1');
  assert.deepEqual([status, decisions], [200, [decisionOf()]]);
  assert.deepEqual((await asked('about=web-1&namespace=other'))[1].decisions, []);
  assert.equal((await asked('about=web-1', 'localhost'))[0], 200);
  for (const host of ['evil.example', '127.0.0.1.evil.example', '10.0.0.1', 'localhost.evil.example:80']) {
    const [refused, { code }] = await asked('about=web-1', host);
    assert.deepEqual([refused, code], [403, 'AUTH_FORBIDDEN'], host);
  }
  for (const query of [
    '',
    'about=',
    `about=${'x'.repeat(1001)}`,
    'about=x&limit=0',
    'about=x&limit=101',
    'about=x&limit=a',
  ]) {
    assert.equal((await asked(query))[0], 400, query);
  }
});
