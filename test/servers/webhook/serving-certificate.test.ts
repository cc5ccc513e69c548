import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Certificate } from '../../../src/core/pki/certificate.ts';
import { openServingCertificate } from '../../../src/servers/webhook/serving-certificate.ts';
import { createApp } from '../../../src/servers/shell/app.ts';
import { listen } from '../../../src/servers/shell/listen.ts';
import { interop } from '../../support/interop.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const HOSTS = ['webhook.sealwright.svc', '10.1.2.3', 'fd00::1:2'];

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealwright-tls-'));
  t.after(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

function later(days: number): Date {
  return new Date(NOW.getTime() + days * 86_400_000);
}

test('an authority and a leaf with every name, keys for their owner alone', async (t) => {
  const dir = join(folder(t), 'made');
  const { tls, caFile } = await openServingCertificate({ folder: dir, hosts: HOSTS, now: NOW });
  const leaf = Certificate.fromPem(tls.certificate);
  const ca = Certificate.fromPem(readFileSync(caFile, 'utf8'));
  assert.equal(leaf.isSignedBy(ca), true);
  assert.deepEqual(
    leaf.subjectAltNames.map(({ kind, value }) => `${kind} ${value}`),
    [
      'dns webhook.sealwright.svc',
      'ip 10.1.2.3',
      'ip fd00:0:0:0:0:0:1:2',
      'dns localhost',
      'ip 127.0.0.1',
      'ip 0:0:0:0:0:0:0:1',
    ],
  );
  for (const name of ['ca-key.pem', 'tls-key.pem']) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('a TLS client that trusts ca.pem, and it alone, is answered', async (t) => {
  const { tls, caFile } = await openServingCertificate({ folder: folder(t), hosts: [], now: new Date() });
  const app = createApp();
  app.get('/healthz', (context) => context.text('fine'));
  const server = await listen(app, { host: '127.0.0.1', port: 0, tls });
  t.after(() => server.close(0));
  const ask = (ca: string | undefined): Promise<number> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        `${server.url}/healthz`,
        { ...(ca === undefined ? {} : { ca }), agent: false },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      outgoing.on('error', reject);
      outgoing.end();
    });
  assert.equal(await ask(readFileSync(caFile, 'utf8')), 200);
  await assert.rejects(ask(undefined), /self-signed|unable to verify/);
  const other = await openServingCertificate({ folder: folder(t), hosts: [], now: new Date() });
  await assert.rejects(ask(readFileSync(other.caFile, 'utf8')), /unable to verify|signature failure|self-signed/);
});

test('from start to start the authority stays; the leaf is made anew near its end and for another name', async (t) => {
  const dir = folder(t);
  const open = async (now: Date, hosts = HOSTS): Promise<{ leaf: string; ca: string }> => {
    const { tls, caFile } = await openServingCertificate({ folder: dir, hosts, now });
    return { leaf: tls.certificate, ca: readFileSync(caFile, 'utf8') };
  };
  const first = await open(NOW);
  assert.deepEqual(await open(later(100)), first);
  assert.deepEqual(await open(later(100), ['fd00:0::1:2']), first);
  const renewed = await open(later(340));
  assert.equal(renewed.ca, first.ca);
  assert.notEqual(renewed.leaf, first.leaf);
  const renamed = await open(later(340), [...HOSTS, 'other.svc']);
  assert.equal(renamed.ca, first.ca);
  assert.notEqual(renamed.leaf, renewed.leaf);
  const after = await open(later(4000));
  assert.notEqual(after.ca, first.ca);
});

test('an authority that is gone is made anew, and the leaf with it', async (t) => {
  const dir = folder(t);
  const first = await openServingCertificate({ folder: dir, hosts: [], now: NOW });
  rmSync(join(dir, 'ca.pem'));
  const { tls, caFile } = await openServingCertificate({ folder: dir, hosts: [], now: NOW });
  assert.notEqual(tls.certificate, first.tls.certificate);
  const ca = Certificate.fromPem(readFileSync(caFile, 'utf8'));
  assert.equal(Certificate.fromPem(tls.certificate).isSignedBy(ca), true);
});

test('a pair that a crash tore apart is made anew', async (t) => {
  const dir = folder(t);
  const { tls } = await openServingCertificate({ folder: dir, hosts: [], now: NOW });
  const other = await openServingCertificate({ folder: folder(t), hosts: [], now: NOW });
  writeFileSync(join(dir, 'tls-key.pem'), other.tls.key);
  const repaired = await openServingCertificate({ folder: dir, hosts: [], now: NOW });
  assert.notEqual(repaired.tls.certificate, tls.certificate);
});

for (const [what, spoil] of [
  [
    'a key that others may read',
    (dir: string) => {
      chmodSync(join(dir, 'tls-key.pem'), 0o644);
    },
  ],
  [
    "an authority's key that others may read",
    (dir: string) => {
      chmodSync(join(dir, 'ca-key.pem'), 0o640);
    },
  ],
  [
    'a key that is none',
    (dir: string) => {
      writeFileSync(join(dir, 'ca-key.pem'), 'nothing');
    },
  ],
  [
    'a certificate that is none',
    (dir: string) => {
      writeFileSync(join(dir, 'tls.pem'), 'nothing');
    },
  ],
] as const) {
  test(`${what} is not used`, async (t) => {
    const dir = folder(t);
    await openServingCertificate({ folder: dir, hosts: [], now: NOW });
    spoil(dir);
    await assert.rejects(openServingCertificate({ folder: dir, hosts: [], now: NOW }), { code: 'USAGE_FILE' });
  });
}

for (const host of ['', 'a b', 'https://x', 'a..b', '-a', `${'a'.repeat(64)}.${'b'.repeat(200)}`, 'x\n', '1.2.3.4:5']) {
  test(`${JSON.stringify(host.slice(0, 20))} is no name for a server`, async (t) => {
    await assert.rejects(openServingCertificate({ folder: folder(t), hosts: [host], now: NOW }), {
      code: 'USAGE_BAD_FLAG',
    });
  });
}

interop(
  'openssl',
  'sealwright → peer',
  'a serving certificate and its authority: accepted for TLS servers',
  (t, openssl) => {
    return openServingCertificate({ folder: folder(t), hosts: HOSTS, now: NOW }).then(({ caFile }) => {
      const run = (...args: readonly string[]): string =>
        execFileSync(openssl, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      const leaf = caFile.replace('ca.pem', 'tls.pem');
      const at = String(NOW.getTime() / 1000);
      const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-attime', at, '-CAfile', caFile];
      for (const host of ['webhook.sealwright.svc', 'localhost'])
        assert.match(run(...verify, '-verify_hostname', host, leaf), /: OK/);
      for (const ip of ['10.1.2.3', 'fd00::1:2', '::1']) assert.match(run(...verify, '-verify_ip', ip, leaf), /: OK/);
      assert.throws(() => run(...verify, '-verify_hostname', 'elsewhere.svc', leaf));
    });
  },
);
