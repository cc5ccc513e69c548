/** A server that wants to know who asks (mutual TLS), as OpenSSL's own says so. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { extendedKeyUsageExtension, subjectAltNameExtension } from '../../../src/core/pki/certificate-builder.ts';
import { renderError, RemoteError } from '../../../src/errors.ts';
import { HttpClient, type HttpClientOptions } from '../../../src/io/net/http-client.ts';
import { peer } from '../../support/peers.ts';
import { pemOf } from '../../support/signing-bench.ts';
import { issue, issueRoot, type Holder } from '../../support/test-authority.ts';

const NAME = 'server.test';
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const FLAGS = '--registry-client-cert FILE and --registry-client-key FILE';

interface Front {
  readonly url: string;
  readonly root: Holder;
}

/** `openssl s_server`, which ends a handshake without a certificate of its root's. */
async function front(t: TestContext, executable: string, version: string): Promise<Front> {
  const folder = await mkdtemp(join(tmpdir(), 'sealwright-test-'));
  const root = issueRoot({ name: 'a root' });
  const names = [subjectAltNameExtension(false, { kind: 'dns', value: NAME })];
  const holder = issue({ name: NAME, extensions: names }, root);
  await writeFile(join(folder, 'root.pem'), pemOf(root.certificate));
  await writeFile(join(folder, 'server.pem'), pemOf(holder.certificate) + keyOf(holder));
  const own = ['-accept', '127.0.0.1:0', '-cert', 'server.pem', '-key', 'server.pem', '-www', version];
  const child = spawn(executable, ['s_server', ...own, '-Verify', '3', '-verify_return_error', '-CAfile', 'root.pem'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
    await rm(folder, { recursive: true });
  });
  for await (const line of createInterface(child.stdout)) {
    const [, port] = /^ACCEPT .*:(\d+)$/.exec(line) ?? [];
    if (port !== undefined) return { url: `https://127.0.0.1:${port}/`, root };
  }
  throw new Error('openssl s_server ended');
}

function keyOf({ key }: Holder): string {
  return encodePem('PRIVATE KEY', key.toPkcs8());
}

function clientOf(issuer: Holder): NonNullable<HttpClientOptions['clientCertificate']> {
  const extensions = [extendedKeyUsageExtension(CLIENT_AUTHENTICATION, false)];
  const holder = issue({ name: 'a client', extensions }, issuer);
  return { certificate: pemOf(holder.certificate), key: keyOf(holder) };
}

async function ask(t: TestContext, { url, root }: Front, options: HttpClientOptions): Promise<number> {
  const http = new HttpClient({
    ca: [pemOf(root.certificate)],
    serverName: NAME,
    retry: { retries: 0 },
    clientCertificateFlags: FLAGS,
    ...options,
  });
  t.after(() => {
    http.close();
  });
  return (await http.request({ url, peer: 'the registry' })).status;
}

async function refusal(asked: Promise<number>): Promise<RemoteError> {
  const error: unknown = await asked.catch((failure: unknown) => failure);
  assert.ok(error instanceof RemoteError, String(error));
  assert.equal(error.code, 'REMOTE_TLS', renderError(error));
  return error;
}

test('a server that wants a client certificate is told apart from one that cannot be believed', async (t) => {
  const executable = peer(t, 'openssl');
  if (executable === undefined) return;
  const server = await front(t, executable, '-tls1_3');
  const none = await refusal(ask(t, server, {}));
  assert.match(none.message, /^the registry at 127\.0\.0\.1:\d+ wants a client certificate, and got none$/);
  assert.equal(none.facts.fix, `add ${FLAGS}`);
  const stranger = await refusal(ask(t, server, { clientCertificate: clientOf(issueRoot({ name: 'another root' })) }));
  assert.match(stranger.message, /did not accept the client certificate$/);
  assert.equal(stranger.facts.fix, `check ${FLAGS}`);
  const unbelieved = await refusal(ask(t, server, { ca: [], clientCertificate: clientOf(server.root) }));
  assert.match(unbelieved.message, /could not prove who it is$/);
  assert.equal(await ask(t, server, { clientCertificate: clientOf(server.root) }), 200);
});

test('before TLS 1.3 a failed handshake may be for want of a client certificate', async (t) => {
  const executable = peer(t, 'openssl');
  if (executable === undefined) return;
  const server = await front(t, executable, '-tls1_2');
  const none = await refusal(ask(t, server, {}));
  assert.match(none.message, /ended the handshake; it may want a client certificate$/);
  assert.equal(none.facts.fix, `add ${FLAGS}`);
  assert.equal(await ask(t, server, { clientCertificate: clientOf(server.root) }), 200);
});

test('where no flag names a client certificate, none is named', async (t) => {
  const executable = peer(t, 'openssl');
  if (executable === undefined) return;
  const server = await front(t, executable, '-tls1_3');
  const http = new HttpClient({ ca: [pemOf(server.root.certificate)], serverName: NAME, retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  const error = await refusal(http.request({ url: server.url }).then(({ status }) => status));
  assert.match(error.message, /wants a client certificate/);
  assert.equal(error.facts.fix, undefined);
});

test('one server among several is proved to by other flags, over the same connections', async (t) => {
  const executable = peer(t, 'openssl');
  if (executable === undefined) return;
  const server = await front(t, executable, '-tls1_3');
  const http = new HttpClient({ ca: [pemOf(server.root.certificate)], serverName: NAME, retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  const asked = http.provedBy('--other FILE').request({ url: server.url });
  assert.equal((await refusal(asked.then(({ status }) => status))).facts.fix, 'add --other FILE');
  const usual = await refusal(http.request({ url: server.url }).then(({ status }) => status));
  assert.equal(usual.facts.fix, undefined);
});
