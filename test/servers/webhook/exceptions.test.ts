/** An operator's way out: exceptions and broken glass, in one namespace and until a time, and nothing beyond. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { parseJson } from '../../../src/core/encoding/json.ts';
import { JsonFields } from '../../../src/core/encoding/json-fields.ts';
import {
  applyExceptions,
  parseImageException,
  type ImageException,
} from '../../../src/core/policy/objects/image-exception.ts';
import { decideRefused } from '../../../src/core/policy/judgement/image-decision.ts';
import { PolicyError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { openDecisionLedger } from '../../../src/servers/webhook/decision-ledger.ts';
import { EventRecorder } from '../../../src/servers/webhook/event-recorder.ts';
import { openOwnKinds } from '../../../src/servers/webhook/own-kinds.ts';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import { searchLedger } from '../../../src/servers/webhook/ledger-search.ts';
import type { ClusterEvent } from '../../../src/io/kubernetes/event.ts';
import { peerServer } from '../../support/peer-server.ts';
import { openDoor, policyFor } from './door.ts';
import { Recorder } from './recorder.ts';
import { ask, pod } from './review.ts';

const NOW = new Date('2026-06-01T12:00:00Z');

function document(kind: 'ImageException' | 'BreakGlass', spec: object, namespace = 'shop'): object {
  return {
    apiVersion: 'sealwright.dev/v1alpha1',
    kind,
    metadata: { name: 'hotfix', namespace },
    spec: {
      owner: 'pay team',
      reason: 'customers cannot pay',
      ticket: 'PAY-1',
      from: '2026-06-01T00:00:00Z',
      expires: '2026-06-02T00:00:00Z',
      ...spec,
    },
  };
}

function exception(...parts: Parameters<typeof document>): ImageException {
  return parseImageException(
    new JsonFields(parseJson(JSON.stringify(document(...parts)), 'document'), 'document', 'FORMAT_POLICY'),
  );
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-exceptions-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function door(t: TestContext, rest: Parameters<typeof openDoor>[1] = {}) {
  const exceptions: ImageException[] = [];
  const opened = await openDoor(t, { now: () => NOW, exceptions: () => exceptions, ...rest });
  opened.enforce(policyFor(opened.world));
  const bare = await opened.world.push('shop/bare');
  const asked = (image = bare.toString()) => ask(opened.webhook.routes, 'validate', { object: pod(image) });
  return { ...opened, exceptions, bare, digest: bare.digest!.toString(), asked };
}

for (const kind of ['ImageException', 'BreakGlass'] as const) {
  test(`${kind}: admits its digest with a warning, is told as an Event, kept in the ledger and in the audit log`, async (t) => {
    const folder = temporary(t);
    const ledger = openDecisionLedger({ folder, now: () => NOW });
    t.after(() => ledger.close());
    const created: ClusterEvent[] = [];
    const events = new EventRecorder({ create: (event) => Promise.resolve(void created.push(event)), now: () => NOW });
    const { exceptions, digest, asked } = await door(t, { ledger, events });
    exceptions.push(exception(kind, { digests: [digest] }));
    const answer = await asked();
    assert.equal(answer.allowed, true);
    assert.match(
      answer.warnings[0] ?? '',
      new RegExp(`^POLICY_DENIED {2}refused by policy, and admitted by ${kind} shop/hotfix`),
    );
    assert.ok(answer.warnings.some((line) => line.startsWith('NO_SIGNATURE ')));
    assert.ok(answer.warnings.some((line) => line.includes('customers cannot pay (pay team, PAY-1)')));
    assert.equal(answer.annotations['exception'], `${kind} shop/hotfix`);
    await Promise.all([ledger.flush(), events.flush()]);
    assert.deepEqual(
      created.map(({ reason }) => reason),
      [kind === 'BreakGlass' ? 'BreakGlassUsed' : 'ExceptionUsed'],
    );
    const [record] = (await searchLedger(folder, { text: digest }, 1)).decisions;
    assert.deepEqual(record?.images[0]?.exception, {
      kind,
      name: 'hotfix',
      owner: 'pay team',
      reason: 'customers cannot pay',
      ticket: 'PAY-1',
      expires: '2026-06-02T00:00:00.000Z',
    });
  });
}

test('an exception by name is about its images, whatever could not be checked', async (t) => {
  const { world, exceptions, asked } = await door(t);
  exceptions.push(exception('ImageException', { images: [`${world.host}/shop/bare*`] }));
  assert.equal((await asked()).allowed, true);
  world.fault.answer = () => new Response('', { status: 500 });
  assert.equal((await asked()).allowed, true);
  assert.match((await asked(`${world.host}/shop/other@sha256:${'0'.repeat(64)}`)).message, /^COULD_NOT_CHECK /);
});

test('what an exception is not about stays refused: another namespace, digest, image, time, and what passes draws no warning', async (t) => {
  const { world, exceptions, digest, asked } = await door(t);
  const other = digest.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const useless = [
    exception('ImageException', { digests: [digest] }, 'other'),
    exception('ImageException', { digests: [other] }),
    exception('ImageException', { images: [`${world.host}/shop/else*`] }),
    exception('BreakGlass', { digests: [digest], from: '2026-06-01T12:00:01Z' }),
  ];
  for (const one of useless) {
    exceptions.splice(0, exceptions.length, one);
    const answer = await asked();
    assert.match(answer.message, /^NO_SIGNATURE /);
    assert.deepEqual(answer.warnings, []);
  }
  exceptions.splice(0, exceptions.length, exception('ImageException', { images: ['**'] }));
  const signed = await world.pushSigned('shop/app');
  assert.deepEqual((await asked(signed.toString())).warnings, []);
});

test('one that has ended changes nothing, and is named', async (t) => {
  const { exceptions, digest, asked } = await door(t);
  exceptions.push(exception('BreakGlass', { digests: [digest], expires: '2026-06-01T12:00:00Z' }));
  const answer = await asked();
  assert.match(answer.message, /^NO_SIGNATURE /);
  assert.match(answer.warnings[0] ?? '', /^POLICY_DENIED {2}BreakGlass shop\/hotfix has ended and changes nothing/);
  assert.match(answer.warnings[1] ?? '', /it ended at 2026-06-01T12:00:00Z \(pay team, PAY-1\)/);
});

test('a revocation is set aside by broken glass alone', async (t) => {
  const { bare, digest } = await door(t);
  const image = { registry: bare.registry, repository: bare.repository, digest: bare.digest! };
  const revoked = decideRefused(new PolicyError('REVOKED', 'taken back'));
  for (const [kind, action] of [
    ['ImageException', 'deny'],
    ['BreakGlass', 'warn'],
  ] as const) {
    const exceptions = [exception(kind, { digests: [digest] })];
    assert.equal(applyExceptions(revoked, image, { exceptions, namespace: 'shop', now: NOW }).decision.action, action);
  }
});

test('exceptions come with policies from files, and one that is not valid refuses the files', async (t) => {
  const { world, digest, webhook } = await door(t);
  const path = join(temporary(t), 'policies.yaml');
  const write = (spec: object): void => {
    writeFileSync(path, `${policyFor(world)}---\n${JSON.stringify(document('BreakGlass', spec))}\n`);
  };
  write({ digests: [digest] });
  const source = await openPolicyFiles({ paths: [path], rereadMs: 0 });
  t.after(() => source.close());
  assert.deepEqual(
    source.exceptions?.().map(({ kind, name }) => `${kind} ${name}`),
    ['BreakGlass hotfix'],
  );
  write({ digests: [digest], expires: '2026-06-09T00:00:00Z' });
  await assert.rejects(openPolicyFiles({ paths: [path], rereadMs: 0 }), { code: 'FORMAT_POLICY' });
  await webhook.close();
});

test('exceptions of a cluster: listed with the kinds they have; what is not valid, and what cannot be asked, excepts nothing', async (t) => {
  let status = 200;
  let items: readonly object[] = [];
  const { url } = await peerServer(t, (request, response) => {
    const isGlass = request.url?.startsWith('/apis/sealwright.dev/v1alpha1/breakglasses?') === true;
    if (request.url?.includes('watch=1') === true) return;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: isGlass ? items : [] }));
  });
  const { metadata, spec } = document('BreakGlass', { digests: [`sha256:${'ab'.repeat(32)}`] }) as {
    metadata: object;
    spec: object;
  };
  const open = async (): Promise<readonly [readonly ImageException[], Recorder]> => {
    const recorder = new Recorder();
    const http = new HttpClient({ retry: { retries: 0 } });
    const source = await openOwnKinds(
      { server: url, http, authorization: () => Promise.resolve(undefined) },
      recorder.logger,
    );
    await source.close();
    http.close();
    return [source.exceptions(), recorder];
  };
  items = [
    { metadata, spec },
    { metadata: { ...metadata, name: 'bad' }, spec: { ...spec, owner: '' } },
  ];
  const [found, { lines }] = await open();
  assert.deepEqual(
    found.map(({ kind, name }) => `${kind} ${name}`),
    ['BreakGlass hotfix'],
  );
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['error'],
  );
  status = 404;
  assert.deepEqual((await open())[0], []);
  status = 403;
  const [none, refused] = await open();
  assert.deepEqual(none, []);
  assert.deepEqual([...new Set(refused.lines.map(({ level }) => level))], ['error']);
  status = 500;
  const [unknown, failed] = await open();
  assert.deepEqual(unknown, []);
  assert.deepEqual([...new Set(failed.lines.map(({ level }) => level))], ['warn']);
});

test('exceptions of a cluster are watched: one that is made, changed or taken back counts at once', async (t) => {
  const streams = new Map<string, ServerResponse>();
  let opened: (() => void) | undefined;
  const watching = new Promise<void>((resolve) => (opened = resolve));
  const { url } = await peerServer(t, (request, response) => {
    const kind = /v1alpha1\/(\w+)\?/.exec(request.url ?? '')?.[1] ?? '';
    if (request.url?.includes('watch=1') !== true) {
      response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: [] }));
      return;
    }
    response.writeHead(200).flushHeaders();
    streams.set(kind, response);
    if (streams.size === 3) opened?.();
  });
  const http = new HttpClient({ retry: { retries: 0 } });
  const access = { server: url, http, authorization: () => Promise.resolve(undefined) };
  const own = await openOwnKinds(access, new Recorder().logger);
  await watching;
  const policies = own.policies();
  const { metadata, spec } = document('BreakGlass', { digests: [`sha256:${'ab'.repeat(32)}`] }) as {
    metadata: object;
    spec: object;
  };
  const say = async (type: string, version: string, change: object, holds: () => boolean): Promise<void> => {
    const object = { metadata: { ...metadata, resourceVersion: version }, spec: { ...spec, ...change } };
    streams.get('breakglasses')?.write(`${JSON.stringify({ type, object })}\n`);
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  await say('ADDED', '2', {}, () => own.exceptions().length === 1);
  await say('MODIFIED', '3', { ticket: 'PAY-2' }, () => own.exceptions()[0]?.ticket === 'PAY-2');
  await say('MODIFIED', '4', { owner: '' }, () => own.exceptions().length === 0);
  await say('MODIFIED', '5', {}, () => own.exceptions().length === 1);
  await say('DELETED', '6', {}, () => own.exceptions().length === 0);
  assert.equal(own.policies(), policies);
  await own.close();
  http.close();
});
