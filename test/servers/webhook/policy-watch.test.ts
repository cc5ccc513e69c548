/** An API server that lists and watches well, badly, or not at all. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { parseReference } from '../../../src/core/image/reference.ts';
import type { AdmissionPolicy } from '../../../src/core/policy/judgement/admission-policy.ts';
import { NO_EVIDENCE } from '../../../src/core/policy/judgement/image-evidence.ts';
import { PolicyMaterial } from '../../../src/core/policy/judgement/policy-material.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import type { PolicySource } from '../../../src/servers/webhook/policy-source.ts';
import { CLUSTER_IMAGE_POLICIES } from '../../../src/servers/webhook/policy-kinds.ts';
import { watchClusterPolicies } from '../../../src/servers/webhook/policy-watch.ts';
import { FakeInstance } from '../../support/instance.ts';
import { peerServer } from '../../support/peer-server.ts';
import { Recorder } from './recorder.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const PATH = '/apis/policy.sigstore.dev/v1beta1/clusterimagepolicies';

function item(name: string, spec: object = {}): Record<string, unknown> {
  return {
    metadata: { name, resourceVersion: '7', managedFields: [{ manager: 'kubectl' }] },
    spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }], ...spec },
    status: {},
  };
}

/** What a policy that looks at no signature says against an image; empty when it admits. */
async function refusalOf(policy: AdmissionPolicy | undefined): Promise<string> {
  const material = new PolicyMaterial(new FakeInstance().trustedRoot);
  const judgement = await policy?.judge('IMAGE', material, {
    evidence: () => NO_EVIDENCE,
    evaluate: () => Promise.reject(new TypeError('no program')),
    configFiles: () => Promise.resolve({}),
  });
  assert.ok(judgement !== undefined);
  return judgement.outcome === 'passed' ? '' : judgement.error.message;
}

function names(source: PolicySource): string[] {
  return source.current().policies.map(({ name }) => name);
}

/** The API server as a test wants it: what it lists, and the watches that it holds open. */
class ApiServer {
  items: readonly object[] = [];
  version = 1;
  /** Answers in place of the list or of the watch while it is set. */
  fault: ((url: URL, response: ServerResponse) => boolean) | undefined;
  readonly asked: URL[] = [];
  readonly tokens: (string | undefined)[] = [];
  readonly recorder = new Recorder();
  readonly sleeps: number[] = [];
  #watches: ServerResponse[] = [];
  readonly #opened: (() => void)[] = [];

  async open(t: TestContext): Promise<PolicySource> {
    const { url } = await peerServer(t, (request, response) => {
      const asked = new URL(request.url ?? '', 'http://x');
      this.asked.push(asked);
      this.tokens.push(request.headers.authorization);
      if (this.fault?.(asked, response) === true) return;
      response.setHeader('content-type', 'application/json');
      if (asked.pathname !== PATH) response.writeHead(404).end();
      else if (asked.searchParams.get('watch') === '1') this.#hold(response);
      else response.end(JSON.stringify(this.list()));
    });
    const source = await watchClusterPolicies({
      cluster: {
        server: url,
        http: new HttpClient({ retry: { retries: 0 } }),
        authorization: () => Promise.resolve('Bearer t'),
      },
      logger: this.recorder.logger,
      sleep: (ms) => {
        this.sleeps.push(ms);
        return Promise.resolve();
      },
    });
    t.after(() => source.close());
    return source;
  }

  list(metadata: object = {}): object {
    return {
      kind: 'ClusterImagePolicyList',
      apiVersion: 'policy.sigstore.dev/v1beta1',
      metadata: { resourceVersion: String(this.version), ...metadata },
      items: this.items,
    };
  }

  #hold(response: ServerResponse): void {
    response.flushHeaders();
    this.#watches.push(response);
    for (const wake of this.#opened.splice(0)) wake();
  }

  /** The watch that is open now, or the next one. */
  async watch(): Promise<ServerResponse> {
    for (;;) {
      this.#watches = this.#watches.filter((response) => !response.writableEnded && !response.destroyed);
      const [open] = this.#watches;
      if (open !== undefined) return open;
      await new Promise<void>((resolve) => this.#opened.push(resolve));
    }
  }

  async send(type: string, object: object): Promise<void> {
    (await this.watch()).write(`${JSON.stringify({ type, object })}\n`);
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test('lists, then follows what is added, changed and deleted', async (t) => {
  const api = new ApiServer();
  api.items = [item('a'), item('b')];
  const source = await api.open(t);
  assert.deepEqual(names(source), ['a', 'b']);
  await api.send('ADDED', item('c'));
  await until(() => names(source).length === 3);
  await api.send('MODIFIED', item('a', { mode: 'warn' }));
  await until(() => source.current().policies[0]?.mode === 'warn');
  await api.send('DELETED', item('b'));
  await until(() => names(source).join() === 'a,c');
  assert.ok(api.tokens.every((token) => token === 'Bearer t'));
  assert.equal(api.asked[1]?.searchParams.get('resourceVersion'), '1');
});

test('a long list comes in pages', async (t) => {
  const api = new ApiServer();
  api.fault = (url, response) => {
    if (url.searchParams.has('watch')) return false;
    const next = url.searchParams.get('continue');
    api.items = [item(next ?? 'first')];
    response.end(JSON.stringify(api.list(next === 'third' ? {} : { continue: next === null ? 'second' : 'third' })));
    return true;
  };
  assert.deepEqual(names(await api.open(t)), ['first', 'second', 'third']);
});

test('a policy that cannot be used refuses the images it is about, and is logged', async (t) => {
  const api = new ApiServer();
  api.items = [
    item('kms', { images: [{ glob: 'r.example/**' }], authorities: [{ key: { kms: 'a://b' } }] }),
    item('glob', { images: [{ glob: '[' }] }),
    item('unknown', { strictness: 'high' }),
    item('good'),
  ];
  const source = await api.open(t);
  const [kms, glob, unknown, good] = source.current().policies;
  assert.match(await refusalOf(kms), /policy kms cannot be used: .*spec\.authorities\[0\]\.key\.kms/);
  assert.match(await refusalOf(glob), /policy glob cannot be used: .*spec\.images\[0\]\.glob/);
  assert.match(await refusalOf(unknown), /policy unknown cannot be used: .*strictness/);
  const elsewhere = parseReference(`other.example/app@${DIGEST}`);
  assert.deepEqual(
    [kms, glob, unknown].map((policy) => policy?.coverage(elsewhere, elsewhere.toString())),
    ['never', 'always', 'always'],
  );
  assert.equal(await refusalOf(good), '');
  assert.deepEqual(
    api.recorder.lines.map(({ level, facts }) => [level, facts['policy']]),
    [
      ['error', 'kms'],
      ['error', 'glob'],
      ['error', 'unknown'],
    ],
  );
  // Mended, it is a policy like any other.
  await api.send('MODIFIED', item('kms'));
  await until(() => source.current().policies[0] !== kms);
  assert.equal(await refusalOf(source.current().policies[0]), '');
});

test('a watch that ends is taken up where it was; bookmarks move that place', async (t) => {
  const api = new ApiServer();
  const source = await api.open(t);
  await api.send('BOOKMARK', { metadata: { resourceVersion: '41' } });
  (await api.watch()).end();
  await until(() => api.asked.length === 3);
  assert.equal(api.asked[2]?.searchParams.get('resourceVersion'), '41');
  await api.send('ADDED', item('late'));
  await until(() => names(source).length === 1);
});

for (const [what, fault] of [
  ['410 for the watch', (response: ServerResponse) => response.writeHead(410).end()],
  ['an ERROR event', (response: ServerResponse) => response.end('{"type":"ERROR","object":{"code":410}}\n')],
] as const) {
  test(`${what}: everything is listed again`, async (t) => {
    const api = new ApiServer();
    api.items = [item('a')];
    let isOnce = true;
    api.fault = (url, response) => {
      if (!url.searchParams.has('watch') || !isOnce) return false;
      isOnce = false;
      api.items = [item('b')];
      fault(response);
      return true;
    };
    const source = await api.open(t);
    await until(() => names(source).join() === 'b');
    await api.watch();
  });
}

for (const [what, fault] of [
  ['500', (response: ServerResponse) => response.writeHead(500).end()],
  ['403', (response: ServerResponse) => response.writeHead(403).end()],
  ['no JSON', (response: ServerResponse) => response.end('nonsense\n')],
  [
    'half a line',
    (response: ServerResponse) => {
      response.write('{"type":"ADDED",');
      response.destroy();
    },
  ],
  ['an event without an object', (response: ServerResponse) => response.end('{"type":"ADDED"}\n')],
  [
    'an event without end',
    (response: ServerResponse) => {
      response.end('x'.repeat(5 << 20));
    },
  ],
  [
    'a closed connection',
    (response: ServerResponse) => {
      response.destroy();
    },
  ],
] as const) {
  test(`${what} in place of a watch: what is known stays in force, and the list is asked for again, ever more slowly`, async (t) => {
    const api = new ApiServer();
    api.items = [item('a')];
    let isDown = true;
    api.fault = (url, response) => {
      if (!isDown || (api.asked.length === 1 && !url.searchParams.has('watch'))) return false;
      fault(response);
      return true;
    };
    const source = await api.open(t);
    await until(() => api.sleeps.length >= 4);
    assert.deepEqual(names(source), ['a']);
    assert.deepEqual(api.sleeps.slice(0, 4), [500, 1000, 2000, 4000]);
    assert.equal(api.recorder.lines[0]?.level, what === '403' ? 'error' : 'warn');
    if (what === '403') assert.equal(api.recorder.lines.length, 1);
    api.items = [item('b')];
    isDown = false;
    await until(() => names(source).join() === 'b');
  });
}

for (const [what, fault, code] of [
  [
    '404: the definition is not installed',
    (response: ServerResponse) => response.writeHead(404).end(),
    'REMOTE_STATUS',
  ],
  ['403: no permission', (response: ServerResponse) => response.writeHead(403).end(), 'REMOTE_STATUS'],
  ['no JSON', (response: ServerResponse) => response.end('<html>'), 'FORMAT_JSON'],
  ['a list without a version', (response: ServerResponse) => response.end('{"metadata":{},"items":[]}'), 'FORMAT_JSON'],
  [
    'an item without a name',
    (response: ServerResponse) => response.end('{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}]}'),
    'FORMAT_JSON',
  ],
  [
    'pages without end',
    (response: ServerResponse) => response.end('{"metadata":{"resourceVersion":"1","continue":"x"},"items":[]}'),
    'LIMIT_COUNT',
  ],
] as const) {
  test(`${what}: the webhook does not start`, async (t) => {
    const api = new ApiServer();
    api.fault = (_, response) => {
      fault(response);
      return true;
    };
    await assert.rejects(api.open(t), { code });
  });
}

test('closing ends the watch', async (t) => {
  const api = new ApiServer();
  const source = await api.open(t);
  const watch = await api.watch();
  const closed = new Promise((resolve) => watch.once('close', resolve));
  await source.close();
  await closed;
});

test('a kind that need not be there: absent, withheld, and withheld after it was shown', async (t) => {
  const object = {
    metadata: { name: 'p', resourceVersion: '1' },
    spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }] },
  };
  let status = 404;
  let lists = 0;
  const { url } = await peerServer(t, (request, response) => {
    const isWatch = new URL(request.url ?? '', 'http://x').searchParams.get('watch') === '1';
    if (isWatch) {
      response.writeHead(410).end();
      return;
    }
    lists++;
    response.writeHead(status).end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: [object] }));
  });
  const recorder = new Recorder();
  const source = await watchClusterPolicies({
    cluster: {
      server: url,
      http: new HttpClient({ retry: { retries: 0 } }),
      authorization: () => Promise.resolve(undefined),
    },
    kinds: [{ ...CLUSTER_IMAGE_POLICIES, isOptional: true }],
    logger: recorder.logger,
    sleep: () => Promise.resolve(),
  });
  t.after(() => source.close());
  const again = async (): Promise<void> => {
    const seen = lists;
    await until(() => lists > seen + 2);
  };
  assert.deepEqual(names(source), []);
  status = 403;
  await again();
  assert.deepEqual(names(source), []);
  assert.ok(recorder.lines.some(({ level }) => level === 'error'));
  status = 200;
  await until(() => names(source).length === 1);
  status = 403;
  await again();
  assert.deepEqual(names(source), ['p']);
  status = 404;
  await until(() => names(source).length === 0);
});

test('a kind that is withheld: said once with the command that mends it, asked for ever more rarely, and told when it is shown', async (t) => {
  const forbidden = (verb: string): string =>
    JSON.stringify({
      kind: 'Status',
      message: `imagepolicies.sealwright.dev is forbidden: User "system:serviceaccount:cosign-system:sealwright-webhook" cannot ${verb} resource`,
      code: 403,
    });
  let may: readonly string[] = [];
  let isHeld = false;
  const { url } = await peerServer(t, (request, response) => {
    const verb = new URL(request.url ?? '', 'http://x').searchParams.get('watch') === '1' ? 'watch' : 'list';
    if (!may.includes(verb)) response.writeHead(403).end(forbidden(verb));
    else if (verb === 'list') response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: [] }));
    else {
      response.flushHeaders();
      isHeld = true;
      if (may.includes('end')) response.destroy();
    }
  });
  const recorder = new Recorder();
  const sleeps: number[] = [];
  const source = await watchClusterPolicies({
    cluster: {
      server: url,
      http: new HttpClient({ retry: { retries: 0 } }),
      authorization: () => Promise.resolve(undefined),
    },
    // Both versions are refused: that is one thing to say.
    kinds: [
      {
        ...CLUSTER_IMAGE_POLICIES,
        resource: 'imagepolicies',
        apiVersions: ['sealwright.dev/v1', 'sealwright.dev/v1alpha1'],
        isOptional: true,
      },
    ],
    logger: recorder.logger,
    sleep: (ms) => {
      sleeps.push(ms);
      return Promise.resolve();
    },
  });
  t.after(() => source.close());
  await until(() => sleeps.length >= 6);
  assert.deepEqual(sleeps.slice(0, 6), [30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  const fix =
    'kubectl create clusterrole sealwright-reads-imagepolicies --verb=list,watch --resource=imagepolicies.sealwright.dev' +
    ' && kubectl create clusterrolebinding sealwright-reads-imagepolicies --clusterrole=sealwright-reads-imagepolicies' +
    ' --user=system:serviceaccount:cosign-system:sealwright-webhook';
  const told = (): readonly unknown[] => recorder.lines.map(({ level, facts }) => [level, facts['kind'], facts['fix']]);
  assert.deepEqual(told(), [['error', 'imagepolicies', fix]]);
  // Half a permission is none, and no news either.
  may = ['list'];
  const seen = sleeps.length;
  await until(() => sleeps.length > seen + 3);
  assert.equal(told().length, 1);
  may = ['list', 'watch', 'end'];
  await until(() => isHeld && recorder.lines.length > 1);
  assert.deepEqual(told()[1], ['info', 'imagepolicies', undefined]);
  // Taken away again: that is news.
  may = [];
  await until(() => recorder.lines.filter(({ level }) => level === 'error').length === 2);
});
