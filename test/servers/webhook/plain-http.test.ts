/** `allowInsecureRegistry` of Kyverno's policies, before a registry that speaks no TLS and is not on this machine. */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { parsePolicyObjects } from '../../../src/core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../../src/core/policy/judgement/policy-set.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { ALLOW_HTTP_COMMAND } from '../../../src/workflows/admission/plain-http.ts';
import { ISSUER, SUBJECT } from '../../support/instance.ts';
import { ask, pod, type Answer } from './review.ts';
import { World } from './world.ts';

const HOST = 'registry.example.test:5000';

/** A proxy behind which `HOST` is the world's registry, in plain HTTP alone. */
async function plainProxy(t: TestContext, world: World): Promise<string> {
  const server = createServer((asked, response) => {
    const { pathname, search } = new URL(asked.url ?? '');
    const [host = '', port = ''] = world.host.split(':');
    const headers = { ...asked.headers, host: world.host };
    asked.pipe(
      httpRequest({ host, port, path: `${pathname}${search}`, method: asked.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  server.on('connect', (_request, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    // What a client says first in TLS is nonsense in HTTP.
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Lab {
  readonly signed: ImageReference;
  readonly unsigned: ImageReference;
  readonly decide: (image: string, policy: string, allowHttp: boolean) => Promise<Answer>;
}

async function openLab(t: TestContext): Promise<Lab> {
  const world = await World.open(t);
  const proxy = await plainProxy(t, world);
  return {
    signed: await world.pushSigned('shop/app'),
    unsigned: await world.push('shop/other'),
    decide: (image, text, allowHttp) => {
      const http = new HttpClient({ retry: { retries: 0 }, proxyEnv: { HTTPS_PROXY: proxy, HTTP_PROXY: proxy } });
      const policies = new PolicySet(parsePolicyObjects(text, 'file').policies);
      const webhook = createWebhook({
        policies: { current: () => policies, ready: () => Promise.resolve(), close: () => Promise.resolve() },
        registry: new RegistryClient({ http, allowHttp }),
        trustedRoot: world.instance.trustedRoot,
        noMatch: 'allow',
        now: () => new Date(),
      });
      t.after(async () => {
        await webhook.close();
        http.close();
      });
      return ask(webhook.routes, 'mutate', { object: pod(image) });
    },
  };
}

const KEYLESS = `attestors: [{entries: [{keyless: {subject: ${SUBJECT}, issuer: "${ISSUER}", rekor: {url: "https://r"}}}]}]`;
const policy = (members: string): string => `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: signed
    match: {any: [{resources: {kinds: [Pod]}}]}
    verifyImages: [{imageReferences: ["${HOST}/*"], failureAction: Enforce, ${members}${KEYLESS}}]
`;
const ASKING = policy('imageRegistryCredentials: {allowInsecureRegistry: true}, ');

test('a policy that asks for plain HTTP gets it where the webhook allows it, and judges as ever', async (t) => {
  const { decide, signed, unsigned } = await openLab(t);
  const byTag = await decide(`${HOST}/shop/app:1`, ASKING, true);
  assert.deepEqual(
    [byTag.allowed, byTag.patch.map(({ value }) => value)],
    [true, [`${HOST}/shop/app:1@${signed.digest!.toString()}`]],
  );
  const refused = await decide(`${HOST}/shop/other@${unsigned.digest!.toString()}`, ASKING, true);
  assert.match(refused.message, /^NO_SIGNATURE {2}/);
});

test('where it does not, nothing could be checked, and the answer names the policy, its member and the flag', async (t) => {
  const { decide, signed } = await openLab(t);
  for (const image of [`${HOST}/shop/app:1`, `${HOST}/shop/app@${signed.digest!.toString()}`]) {
    const refused = await decide(image, ASKING, false);
    assert.deepEqual([refused.allowed, refused.code], [false, 503]);
    assert.match(refused.message, /^COULD_NOT_CHECK {2}/);
    assert.match(
      refused.message,
      /ClusterPolicy p\/signed asks for that \(spec\.rules\[0\]\.verifyImages\[0\]\.imageRegistryCredentials\.allowInsecureRegistry\)/,
    );
    assert.ok(refused.message.includes(ALLOW_HTTP_COMMAND));
    assert.match(refused.message, /started without --allow-http-registry/);
  }
});

test('a policy that does not ask is told of the flag, and of nobody who asked', async (t) => {
  const { decide, signed } = await openLab(t);
  const image = `${HOST}/shop/app@${signed.digest!.toString()}`;
  const refused = await decide(image, policy(''), false);
  assert.match(refused.message, /^COULD_NOT_CHECK {2}[^]*fix: +add --allow-http-registry/);
  assert.doesNotMatch(refused.message, /asks for that/);
});

test('asking takes nothing from what else is wrong: a registry that is away is told as ever', async (t) => {
  const { decide } = await openLab(t);
  const away = ASKING.replaceAll(HOST, '127.0.0.1:1');
  const refused = await decide('127.0.0.1:1/shop/app:1', away, false);
  assert.match(refused.message, /^COULD_NOT_CHECK {2}/);
  assert.doesNotMatch(refused.message, /allow-http-registry/);
});
