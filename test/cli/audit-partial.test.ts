/** Snapshots of what does not want to be looked at: partial ones say what was not looked at, and count nothing of it as fine. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import type { AuditEntry } from '../../src/core/audit/audit-entry.ts';
import { encodeTrustedRoot } from '../../src/core/trust/trusted-root.ts';
import { World } from '../servers/webhook/world.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { peerServer } from '../support/peer-server.ts';
import { digestName, runs } from './running-cluster.ts';
import { keylessPolicy } from '../support/keyless-policy.ts';

const PAGE = 250;

/** What an API server has, by the last part of a list's path; `continue` is where the page begins. */
type Lists = (resource: string, start: number, response: ServerResponse) => readonly object[] | undefined;

interface Lab {
  readonly world: World;
  readonly sandbox: Sandbox;
  readonly take: (...more: readonly string[]) => Promise<Ended>;
}

async function openLab(t: TestContext, lists: (world: World) => Promise<Lists>): Promise<Lab> {
  const world = await World.open(t);
  const sandbox = new Sandbox();
  t.after(() => {
    sandbox.remove();
  });
  sandbox.write('root.json', encodeTrustedRoot(world.instance.trustedRoot));
  sandbox.write('policy.yaml', keylessPolicy(ISSUER, SUBJECT));
  const has = await lists(world);
  const { url } = await peerServer(t, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://cluster');
    const resource = pathname.split('/').at(-1) ?? '';
    const start = Number(searchParams.get('continue') ?? '0');
    const items = has(resource, start, response);
    if (items === undefined) return;
    const page = items.slice(start, start + PAGE);
    const metadata = start + PAGE < items.length ? { continue: String(start + PAGE) } : {};
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', metadata, items: page }));
  });
  const named = (name: string, value: object): object[] => [{ name: 'c', [name]: value }];
  const config = {
    'current-context': 'c',
    contexts: named('context', { cluster: 'c', user: 'c' }),
    clusters: named('cluster', { server: url }),
    users: named('user', { token: 'x' }),
  };
  writeFileSync(sandbox.path('kubeconfig'), JSON.stringify(config));
  const flags = ['--policy', 'policy.yaml', '--trusted-root', 'root.json', '--kubeconfig', 'kubeconfig'];
  return {
    world,
    sandbox,
    take: (...more) =>
      sandbox.run(['audit', 'snapshot', '--system', 'shop', ...flags, '--pull-secrets=false', ...more]),
  };
}

function pod(name: string, image: string, owner = 'web'): object {
  return {
    metadata: { name, namespace: 'shop', ownerReferences: [{ kind: 'StatefulSet', name: owner, controller: true }] },
    spec: { containers: [{ name: 'c', image }] },
    status: { phase: 'Running', containerStatuses: [runs('c', 'x', image)] },
  };
}

function snapshotOf(ended: Ended): { entries: readonly AuditEntry[]; notLookedAt: { what: string; reason: string }[] } {
  assert.equal(ended.exitCode, 0, ended.stderr);
  return JSON.parse(ended.stdout) as ReturnType<typeof snapshotOf>;
}

test('a cluster that lacks leave: what may not be listed is named, the rest is looked at, and the gate does not pass', async (t) => {
  const lab = await openLab(t, async (world) => {
    const image = digestName(await world.pushSigned('shop/app'));
    return (resource, _, response) => {
      if (resource === 'pods') return [pod('web-0', image)];
      if (resource !== 'cronjobs') return [];
      response.writeHead(403).end('{"kind":"Status","status":"Failure","reason":"Forbidden"}');
      return undefined;
    };
  });
  const { entries, notLookedAt } = snapshotOf(await lab.take('-o', 'json'));
  assert.deepEqual(
    [entries.map(({ state }) => state), notLookedAt.map(({ what }) => what)],
    [['verified'], ['cronjobs in all namespaces']],
  );
  for (const gate of [
    ['--fail-under', '100'],
    ['--fail-on', 'unsigned'],
  ]) {
    const ended = await lab.take(...gate);
    assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'COULD_NOT_CHECK'], gate.join(' '));
  }
});

test('a cluster that vanishes midway: what was read before stays, and what stands behind it is named', async (t) => {
  const vanish: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ['closes the connection', (response) => response.destroy()],
    ['forgets the list', (response) => response.writeHead(410).end('{"kind":"Status","reason":"Expired"}')],
    ['ends in the middle', (response) => response.writeHead(200, { 'content-length': '900' }).end('{"items":[')],
  ];
  for (const [name, how] of vanish) {
    const lab = await openLab(t, async (world) => {
      const image = digestName(await world.pushSigned('shop/app'));
      const pods = Array.from({ length: PAGE + 1 }, (_, index) => pod(`web-${index}`, image));
      return (resource, start, response) => {
        if (resource !== 'pods') return [];
        if (start === 0) return pods;
        how(response);
        return undefined;
      };
    });
    const { entries, notLookedAt } = snapshotOf(await lab.take('-o', 'json'));
    assert.deepEqual(
      [entries.map(({ pods }) => pods), notLookedAt.map(({ what }) => what)],
      [[PAGE], [`pods in all namespaces, behind the first ${PAGE}`]],
      name,
    );
  }
});

test('ten thousand pods: all of them counted, each image fetched once', async (t) => {
  const lab = await openLab(t, async (world) => {
    const images = [digestName(await world.pushSigned('shop/app')), digestName(await world.push('shop/bare'))];
    const pods = Array.from({ length: 10_000 }, (_, index) =>
      pod(`web-${index}`, images[index % 2] ?? '', `set-${index % 7}`),
    );
    world.taken();
    return (resource) => (resource === 'pods' ? pods : []);
  });
  const { entries, notLookedAt } = snapshotOf(await lab.take('-o', 'json'));
  assert.deepEqual([entries.length, entries.reduce((sum, { pods }) => sum + pods, 0), notLookedAt], [14, 10_000, []]);
  assert.deepEqual([...new Set(entries.map(({ state }) => state))].sort(), ['unsigned', 'verified']);
  const asked = lab.world.taken().filter((line) => /\/(manifests\/sha256:|referrers\/)/.test(line));
  assert.deepEqual(asked.length, new Set(asked).size, asked.join('\n'));
});

const NO_IMAGES = [
  'Not An Image::',
  'registry.example/x@sha256:12',
  '\u202Eabc',
  `registry.example/${'a'.repeat(600)}:1`,
];

test('images that do not parse are undetermined by name: neither signed nor unsigned, and no reason to stop', async (t) => {
  const lab = await openLab(t, async (world) => {
    const image = digestName(await world.pushSigned('shop/app'));
    const pods = [...NO_IMAGES, image].map((text, index) => ({
      metadata: { name: `p-${index}`, namespace: 'shop' },
      spec: { containers: [{ name: 'c', image: text }] },
      status: { phase: 'Running' },
    }));
    const shapeless = { metadata: { name: 'shapeless', namespace: 'shop' }, spec: { containers: 'none' }, status: {} };
    return (resource) => (resource === 'pods' ? [...pods, shapeless] : []);
  });
  const { entries, notLookedAt } = snapshotOf(await lab.take('-o', 'json'));
  const expected = NO_IMAGES.map((text) => [text, 'undetermined', 'format']);
  assert.deepEqual(
    entries
      .filter(({ state }) => state !== 'verified')
      .map(({ text, state, cause }) => [text, state, cause])
      .sort(),
    expected.sort(),
  );
  assert.equal(entries.length, NO_IMAGES.length + 1);
  assert.deepEqual(
    notLookedAt.map(({ what }) => what),
    ['Pod shop/shapeless'],
  );
  const gate = await lab.take('--fail-on', 'unsigned');
  assert.deepEqual([gate.exitCode, errorCode(gate)], [23, 'COULD_NOT_CHECK']);
});

test('a cluster that does not answer at all is nothing that passes', async (t) => {
  const lab = await openLab(t, () =>
    Promise.resolve((_, __, response) => {
      response.writeHead(503).end();
      return undefined;
    }),
  );
  const ended = await lab.take('--fail-under', '0');
  assert.deepEqual([ended.exitCode, errorCode(ended)], [23, 'COULD_NOT_CHECK']);
  assert.match(ended.stderr, /not looked at: pods in all namespaces: REMOTE_STATUS/);
  assert.match(ended.stdout, /coverage +containers of nothing,/);
});
