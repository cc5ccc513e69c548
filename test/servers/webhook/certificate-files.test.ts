/** Certificates that somebody else renews, in files, while the server serves with them. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Hono } from 'hono';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { openCertificateFiles } from '../../../src/servers/webhook/certificate-files.ts';
import { openServingCertificate } from '../../../src/servers/webhook/serving-certificate.ts';

interface Pair {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

async function makePair(folder: string): Promise<Pair> {
  await openServingCertificate({ folder, hosts: ['127.0.0.1'], now: new Date() });
  const path = (name: string): string => join(folder, name);
  return { certificate: path('tls.pem'), key: path('tls-key.pem'), ca: readFileSync(path('ca.pem'), 'utf8') };
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-certificates-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

test('a renewed pair is served from the next connection on; a half-written one is not', async (t) => {
  const dir = folder(t);
  const [first, second] = [await makePair(join(dir, '1')), await makePair(join(dir, '2'))];
  const [certificate, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
  copyFileSync(first.certificate, certificate);
  copyFileSync(first.key, key);
  const files = await openCertificateFiles({ certificate, key, rereadMs: 0 });
  const app = new Hono();
  app.get('/', (context) => context.text('here'));
  const server = await listen(app, { host: '127.0.0.1', port: 0, tls: files.current(), requestsPerConnection: 1 });
  files.onRenewal((pair) => {
    server.renew(pair);
  });
  t.after(async () => {
    await server.close(0);
    await files.close();
  });
  const answers = async ({ ca }: Pair): Promise<boolean> => {
    const http = new HttpClient({ ca: [ca], timeoutMs: 2000, retry: { retries: 0 } });
    try {
      return (await http.request({ url: server.url })).status === 200;
    } catch {
      return false;
    } finally {
      http.close();
    }
  };
  assert.deepEqual([await answers(first), await answers(second)], [true, false]);
  copyFileSync(second.certificate, certificate);
  await assert.rejects(files.reread(), { code: 'USAGE_BAD_CONFIG' });
  assert.deepEqual([await answers(first), await answers(second)], [true, false]);
  copyFileSync(second.key, key);
  await files.reread();
  assert.deepEqual([await answers(first), await answers(second)], [false, true]);
  rmSync(key);
  await assert.rejects(files.reread(), { code: 'USAGE_FILE' });
  assert.equal(await answers(second), true);
});

test('a server without TLS, and what is no certificate, cannot be renewed', async (t) => {
  const dir = folder(t);
  const pair = await makePair(dir);
  const tls = { certificate: readFileSync(pair.certificate, 'utf8'), key: readFileSync(pair.key, 'utf8') };
  const plain = await listen(new Hono(), { host: '127.0.0.1', port: 0 });
  const secure = await listen(new Hono(), { host: '127.0.0.1', port: 0, tls });
  t.after(() => Promise.all([plain.close(0), secure.close(0)]));
  assert.throws(
    () => {
      plain.renew(tls);
    },
    { code: 'USAGE_BAD_CONFIG' },
  );
  assert.throws(
    () => {
      secure.renew({ ...tls, certificate: 'nonsense' });
    },
    { code: 'USAGE_BAD_CONFIG' },
  );
});

for (const [what, certificate, key, code] of [
  ['no certificate', undefined, 'key', 'USAGE_FILE'],
  ['no key', 'certificate', undefined, 'USAGE_FILE'],
  ['nonsense for a certificate', 'nonsense', 'key', 'USAGE_BAD_CONFIG'],
  ['nonsense for a key', 'certificate', 'nonsense', 'USAGE_BAD_CONFIG'],
  ['an empty certificate', '', 'key', 'USAGE_BAD_CONFIG'],
] as const) {
  test(`${what}: the webhook does not start`, async (t) => {
    const dir = folder(t);
    const pair = await makePair(dir);
    const place = (name: 'certificate' | 'key', text: string | undefined): string => {
      if (text === name) return pair[name];
      const path = join(dir, `${name}.other`);
      if (text !== undefined) writeFileSync(path, text);
      return path;
    };
    const options = { certificate: place('certificate', certificate), key: place('key', key), rereadMs: 0 };
    await assert.rejects(openCertificateFiles(options), { code });
  });
}
