/** Our client and our registry with a bad wire between them: every upload ends with the right bytes, or with an error. */
import assert from 'node:assert/strict';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Digest } from '../../../src/core/image/digest.ts';
import type { Repository } from '../../../src/core/image/reference.ts';
import { RemoteError } from '../../../src/errors.ts';
import { patientClient } from '../../support/lying-registry.ts';
import { pushBlob, startRegistry, type TestRegistry } from '../../support/registry-server.ts';

/** `cut`: the request is forwarded up to this many bytes of its body. `deaf`: the answer never arrives. */
type Trouble = { readonly cut: number } | 'deaf';

interface BadWire {
  readonly repository: Repository;
  readonly seen: string[];
}

/** Forwards everything; `troubles` happen to requests of a method, in order. */
async function badWire(
  t: TestContext,
  registry: TestRegistry,
  troubles: Readonly<Record<string, readonly (Trouble | undefined)[]>>,
): Promise<BadWire> {
  const counts = new Map<string, number>();
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? '';
    const count = counts.get(method) ?? 0;
    counts.set(method, count + 1);
    seen.push(method);
    forward(registry, incoming, outgoing, troubles[method]?.[count]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { repository: { registry: `127.0.0.1:${port}`, repository: 'a/b' }, seen };
}

function forward(
  registry: TestRegistry,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  trouble: Trouble | undefined,
): void {
  const { hostname, port } = new URL(registry.url);
  const { method, url, headers } = incoming;
  const onward = request({ hostname, port, method, path: url, headers, agent: false }, (response) => {
    if (trouble === 'deaf') {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(response.statusCode ?? 0, response.headers);
    response.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  let sent = 0;
  incoming.on('data', (chunk: Buffer) => {
    if (typeof trouble !== 'object') {
      onward.write(chunk);
      return;
    }
    const part = chunk.subarray(0, Math.max(0, trouble.cut - sent));
    sent += chunk.length;
    onward.write(part, () => {
      if (sent >= trouble.cut) onward.destroy();
    });
  });
  incoming.on('end', () => {
    if (typeof trouble !== 'object') onward.end();
  });
  incoming.on('error', () => onward.destroy());
}

const CONTENT = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 253));

function source(content: Buffer): Parameters<ReturnType<typeof patientClient>['client']['putBlob']>[1] {
  return {
    digest: Digest.of(content),
    sizeBytes: content.length,
    open: async function* (start, end) {
      yield await Promise.resolve(content.subarray(start, end));
    },
  };
}

const CHUNKED = { chunkBytes: 30_000 };

test('uploads that broke off end with the right bytes', async (t) => {
  const rows: readonly (readonly [string, Readonly<Record<string, readonly (Trouble | undefined)[]>>, boolean])[] = [
    ['nothing happens', {}, true],
    ['the first chunk is cut', { PATCH: [{ cut: 10_000 }] }, true],
    ['every other chunk is cut', { PATCH: [{ cut: 1 }, undefined, { cut: 29_999 }, undefined, { cut: 0 }] }, true],
    ['the answer to a chunk is lost', { PATCH: [undefined, 'deaf'] }, true],
    ['the closing request is lost', { PUT: ['deaf'] }, true],
    ['the opening answer is lost', { POST: ['deaf'] }, true],
    ['in one piece: cut', { PUT: [{ cut: 50_000 }] }, false],
    ['in one piece: cut, and again', { PUT: [{ cut: 1 }, { cut: 99_999 }] }, false],
    ['in one piece: the answer is lost', { PUT: ['deaf'] }, false],
  ];
  for (const [why, troubles, chunked] of rows) {
    const registry = await startRegistry(t);
    const wire = await badWire(t, registry, troubles);
    const { client } = patientClient(t);
    const digest = await client.putBlob(wire.repository, source(CONTENT), chunked ? CHUNKED : {});
    const stored = await client.getBlob(wire.repository, digest);
    assert.ok(CONTENT.equals(stored), why);
    assert.deepEqual(registry.failures, [], why);
  }
});

test('an upload that never gets through is an error, and no blob', async (t) => {
  const registry = await startRegistry(t);
  const always = Array.from({ length: 50 }, () => ({ cut: 100 }));
  const wire = await badWire(t, registry, { PUT: always, PATCH: always });
  const { client } = patientClient(t);
  for (const options of [{}, CHUNKED]) {
    await assert.rejects(client.putBlob(wire.repository, source(CONTENT), options), (error) => {
      assert.ok(error instanceof RemoteError);
      assert.ok(['REMOTE_UNREACHABLE', 'REMOTE_BODY'].includes(error.code), error.code);
      return true;
    });
  }
  assert.equal(await client.headBlob(wire.repository, Digest.of(CONTENT)), undefined);
});

test('what is there already, or can be mounted, is not sent', async (t) => {
  const registry = await startRegistry(t);
  await pushBlob(registry, 'a/b', CONTENT);
  await pushBlob(registry, 'from/here', 'to be mounted');
  const wire = await badWire(t, registry, {});
  const { client } = patientClient(t);
  await client.putBlob(wire.repository, CONTENT);
  assert.deepEqual(wire.seen.slice(-1), ['HEAD']);
  const mounted = Buffer.from('to be mounted');
  await client.putBlob(wire.repository, mounted, { mountFrom: 'from/here' });
  assert.deepEqual(wire.seen.slice(-2), ['HEAD', 'POST']);
  await client.putBlob(wire.repository, Buffer.from('new'), { mountFrom: 'no/such' });
  assert.deepEqual(wire.seen.slice(-3), ['HEAD', 'POST', 'PUT']);
  assert.ok(mounted.equals(await client.getBlob(wire.repository, Digest.of(mounted))));
});
