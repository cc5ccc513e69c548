import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { encodePem } from '../../../src/core/encoding/pem.ts';
import { parseSigningConfig } from '../../../src/core/trust/signing-config.ts';
import { parseTrustedRoot } from '../../../src/core/trust/trusted-root.ts';
import { UsageError } from '../../../src/errors.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import type { Logger } from '../../../src/servers/shell/logger.ts';
import { startStack, type RunningStack, type StackOptions } from '../../../src/servers/stack/stack.ts';

const http = new HttpClient({ retry: { retries: 0 } });
const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stack-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function start(t: TestContext, dir: string, options: Partial<StackOptions> = {}): Promise<RunningStack> {
  const stack = await startStack({ dir, port: 0, now: () => new Date(), logger: SILENT, ...options });
  t.after(() => stack.close());
  return stack;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('every role answers on the one port, and the folder is its owner’s alone', async (t) => {
  const dir = join(temporaryFolder(t), 'new');
  const { status } = await start(t, dir);
  for (const path of [
    '/healthz',
    '/readyz',
    '/v2/',
    '/checkpoint',
    '/api/v2/checkpoint',
    '/ct/checkpoint',
    '/api/v2/trustBundle',
    '/api/v2/configuration',
    '/api/v1/rootCert',
    '/api/v1/timestamp/certchain',
    '/oidc/.well-known/openid-configuration',
    '/tuf/timestamp.json',
    '/tuf/1.root.json',
  ]) {
    const response = await get(`${status.url}${path}`);
    assert.equal(response.status, 200, path);
  }
  assert.equal((await get(`${status.url}/nothing`)).status, 404);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  for (const path of [...filesBelow(join(dir, 'keys')), join(dir, 'developer-secret'), join(dir, 'settings.json')]) {
    assert.equal(statSync(path).mode & 0o777, 0o600, path);
  }
  const trustedRoot = parseTrustedRoot(readFileSync(status.trustedRoot));
  assert.equal(trustedRoot.tlogs[0]?.baseUrl, status.url);
  assert.equal(parseSigningConfig(readFileSync(status.signingConfig)).oidcUrls[0]?.url, status.issuer);
  assert.equal(status.registry, new URL(status.url).host);
});

test('stop and start again keeps address, keys, trust and content', async (t) => {
  const dir = temporaryFolder(t);
  const first = await startStack({ dir, port: 0, now: () => new Date(), logger: SILENT });
  const trusted = readFileSync(first.status.trustedRoot, 'utf8');
  const keys = filesBelow(join(dir, 'keys')).map((path) => readFileSync(path, 'utf8'));
  await first.close();
  assert.equal(existsSync(join(dir, 'running.json')), false);
  await assert.rejects(get(`${first.status.url}/healthz`));

  const second = await start(t, dir, {});
  assert.equal(second.status.url, first.status.url);
  assert.equal(second.rootDigest, first.rootDigest);
  assert.equal(readFileSync(second.status.trustedRoot, 'utf8'), trusted);
  assert.deepEqual(
    filesBelow(join(dir, 'keys')).map((path) => readFileSync(path, 'utf8')),
    keys,
  );
});

test('a second stack on the folder is refused, and the first one stays as it is', async (t) => {
  const dir = temporaryFolder(t);
  const { status } = await start(t, dir);
  await assert.rejects(startStack({ dir, now: () => new Date(), logger: SILENT }), { code: 'USAGE_STACK_RUNNING' });
  assert.equal((await get(`${status.url}/readyz`)).status, 200);
  assert.equal(existsSync(join(dir, 'running.json')), true);
});

test('a taken port is refused, and nothing is chosen by the attempt', async (t) => {
  const dir = temporaryFolder(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  await assert.rejects(startStack({ dir, port, now: () => new Date(), logger: SILENT }), {
    code: 'USAGE_PORT_CONFLICT',
  });
  assert.equal(existsSync(join(dir, 'settings.json')), false);
  await start(t, dir);
});

test('another port or address than the folder’s own is refused', async (t) => {
  const dir = temporaryFolder(t);
  const first = await startStack({ dir, port: 0, now: () => new Date(), logger: SILENT });
  await first.close();
  for (const asked of [{ port: 1 }, { host: '127.0.0.2' }]) {
    await assert.rejects(startStack({ dir, ...asked, now: () => new Date(), logger: SILENT }), {
      code: 'USAGE_PORT_CONFLICT',
    });
  }
});

for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) {
  test(`an address that others reach is refused: ${host}`, async (t) => {
    const dir = temporaryFolder(t);
    await assert.rejects(startStack({ dir, host, port: 0, now: () => new Date(), logger: SILENT }), {
      code: 'USAGE_NOT_LOOPBACK',
    });
    assert.equal(existsSync(join(dir, 'settings.json')), false);
  });
}

test('a folder that is open to others is refused unless it is new', async (t) => {
  const dir = temporaryFolder(t);
  chmodSync(dir, 0o755);
  const first = await startStack({ dir, port: 0, now: () => new Date(), logger: SILENT });
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  await first.close();
  chmodSync(dir, 0o755);
  await assert.rejects(startStack({ dir, now: () => new Date(), logger: SILENT }), { code: 'USAGE_FILE' });
});

for (const { name, damage, code } of [
  {
    name: 'settings that are cut off',
    damage: (dir: string) => {
      writeFileSync(join(dir, 'settings.json'), '{"version": 1, "host":');
    },
    code: 'FORMAT_JSON',
  },
  {
    name: 'settings of a later version',
    damage: (dir: string) => {
      const path = join(dir, 'settings.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace('"version": 1', '"version": 9'));
    },
    code: 'STATE_VERSION',
  },
  {
    name: 'a key that others can read',
    damage: (dir: string) => {
      chmodSync(join(dir, 'keys', 'ca.pem'), 0o644);
    },
    code: 'STATE_CORRUPT',
  },
  {
    name: 'another key than the certificate’s',
    damage: (dir: string) => {
      const pem = encodePem('PRIVATE KEY', PrivateKey.generate('ecdsa-p256').toPkcs8());
      writeFileSync(join(dir, 'keys', 'ca.pem'), pem);
    },
    code: 'STATE_CORRUPT',
  },
  {
    name: 'a key of another kind',
    damage: (dir: string) => {
      const pem = encodePem('PRIVATE KEY', PrivateKey.generate('ed25519').toPkcs8());
      writeFileSync(join(dir, 'keys', 'ca.pem'), pem);
    },
    code: 'STATE_CORRUPT',
  },
  {
    name: 'a key file that is cut off',
    damage: (dir: string) => {
      const path = join(dir, 'keys', 'log.pem');
      writeFileSync(path, readFileSync(path, 'utf8').slice(0, 60));
    },
    code: 'FORMAT_PEM',
  },
  {
    name: 'a damaged certificate',
    damage: (dir: string) => {
      const path = join(dir, 'certificates', 'tsa.pem');
      writeFileSync(path, readFileSync(path, 'utf8').replace('MII', 'AII'));
    },
    code: 'FORMAT_CERTIFICATE',
  },
  {
    name: 'an emptied developer secret',
    damage: (dir: string) => {
      writeFileSync(join(dir, 'developer-secret'), '\n');
    },
    code: 'STATE_CORRUPT',
  },
]) {
  test(`does not start over ${name}, and lets go of port and folder`, async (t) => {
    const dir = temporaryFolder(t);
    const first = await startStack({ dir, port: 0, now: () => new Date(), logger: SILENT });
    await first.close();
    damage(dir);
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(startStack({ dir, now: () => new Date(), logger: SILENT }), { code });
    }
    assert.equal(existsSync(join(dir, 'running.json')), false);
    await assert.rejects(get(`${first.status.url}/healthz`));
  });
}

function get(url: string): Promise<{ status: number; body: Uint8Array }> {
  return http.request({ url, expect: [200, 404, 503] });
}

test('a registry folder that cannot be used stops the start, and nothing is left running', async (t) => {
  const dir = join(temporaryFolder(t), 'stack');
  await (await startStack({ dir, port: 0, now: () => new Date(), logger: SILENT })).close();
  const uploads = join(dir, 'registry', 'uploads');
  rmSync(uploads, { recursive: true });
  writeFileSync(uploads, 'in the way');
  await assert.rejects(
    startStack({ dir, now: () => new Date(), logger: SILENT }),
    (error) =>
      error instanceof UsageError && error.code === 'USAGE_FILE' && error.facts.found?.includes(uploads) === true,
  );
  rmSync(uploads);
  const { status } = await start(t, dir);
  assert.equal((await get(`${status.url}/v2/`)).status, 200);
});

for (const part of ['log', 'ct', 'keys', 'registry', 'tuf', 'certificates', 'trust'])
  test(`a file in the place of the folder ${part} is named, not called a defect`, async (t) => {
    const dir = join(temporaryFolder(t), 'stack');
    mkdirSync(dir, { mode: 0o700 });
    writeFileSync(join(dir, part), 'in the way');
    await assert.rejects(
      startStack({ dir, port: 0, now: () => new Date(), logger: SILENT }),
      (error) => error instanceof UsageError && error.code === 'USAGE_FILE' && error.facts.found === join(dir, part),
    );
    assert.equal(readFileSync(join(dir, part), 'utf8'), 'in the way');
  });
