/** Plain HTTP: to loopback, to everybody by flag, and to private addresses not unasked. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { ImageReference } from '../../../src/core/image/reference.ts';
import type { SealwrightError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { RegistryClient } from '../../../src/io/registry/registry-client.ts';
import { issueRoot } from '../../support/test-authority.ts';
import { manifestJson, OCI_MANIFEST } from '../../support/registry-server.ts';

interface Proxy {
  readonly url: string;
  /** `CONNECT host:port` of tunnels, `GET http://…` of plain requests. */
  readonly seen: string[];
}

/** A proxy behind which every host is a registry that speaks plain HTTP, on whatever port. */
async function plainWorld(t: TestContext): Promise<Proxy> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (request.url?.endsWith('/v2/') === true) response.writeHead(200).end();
    else response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifestJson());
  });
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url ?? ''}`);
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
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function clientBehind(t: TestContext, { url }: Proxy, allowHttp: boolean): RegistryClient {
  const http = new HttpClient({ retry: { retries: 0 }, proxyEnv: { HTTPS_PROXY: url, HTTP_PROXY: url } });
  t.after(() => {
    http.close();
  });
  return new RegistryClient({ http, allowHttp });
}

for (const registry of ['10.1.2.3:5000', '192.168.0.7:5000', '172.16.0.1', '172.31.255.1:5000']) {
  test(`${registry} without TLS: REMOTE_TLS, which says what cosign would do and which flag does it`, async (t) => {
    const proxy = await plainWorld(t);
    const reference = new ImageReference({ registry, repository: 'a', tag: '1' });
    await assert.rejects(clientBehind(t, proxy, false).getManifest(reference), (error: SealwrightError) => {
      assert.equal(error.code, 'REMOTE_TLS');
      assert.match(error.facts.expected ?? '', /cosign/);
      assert.match(error.facts.fix ?? '', /--allow-http-registry/);
      return true;
    });
    assert.ok(
      proxy.seen.every((line) => line.startsWith('CONNECT ')),
      proxy.seen.join(),
    );
  });
}

test('by flag, plain HTTP is tried after TLS, through the proxy as well', async (t) => {
  const proxy = await plainWorld(t);
  const reference = new ImageReference({ registry: '10.1.2.3:5000', repository: 'a', tag: '1' });
  await clientBehind(t, proxy, true).getManifest(reference);
  assert.deepEqual(
    proxy.seen.map((line) => line.split(' ')[0]),
    ['CONNECT', 'GET', 'GET'],
  );
});

test('another host without TLS: REMOTE_TLS as ever', async (t) => {
  const proxy = await plainWorld(t);
  const reference = new ImageReference({ registry: 'registry.example.test', repository: 'a', tag: '1' });
  await assert.rejects(clientBehind(t, proxy, false).getManifest(reference), { code: 'REMOTE_TLS' });
});

test('loopback that speaks TLS alone: asked once in plain HTTP, and a certificate that nobody trusts is what is told', async (t) => {
  const { certificate, key } = issueRoot();
  const tls = { cert: certificate.toPem(), key: encodePem('PRIVATE KEY', key.toPkcs8()) };
  let connections = 0;
  const server = createTlsServer(tls, (_, response) => response.end()).on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reference = new ImageReference({ registry, repository: 'a', tag: '1' });
  const client = new RegistryClient({ http: new HttpClient() });
  await assert.rejects(client.getManifest(reference), { code: 'REMOTE_TLS' });
  assert.equal(connections, 2);
});
