/** fulcio itself, with an ephemeral CA, no CT log, and one issuer of e-mail addresses that a test plays. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { JSONWebKeySet } from 'jose';
import { TestIssuer } from '../servers/ca/lab.ts';
import { freePort, startPeer } from './peer-process.ts';
import { peerServer } from './peer-server.ts';

export interface RunningFulcio {
  readonly url: string;
  readonly issuer: TestIssuer;
}

export async function startFulcio(t: Pick<TestContext, 'after'>, executable: string): Promise<RunningFulcio> {
  const keys: JSONWebKeySet = { keys: [] };
  const server = await peerServer(t, (request, response) => {
    response.setHeader('content-type', 'application/json');
    const isDiscovery = request.url === '/.well-known/openid-configuration';
    response.end(JSON.stringify(isDiscovery ? discovery(server.url) : keys));
  });
  const issuer = await TestIssuer.create(server.url);
  keys.keys.push(...issuer.jwks.keys);
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-fulcio-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const config = join(folder, 'config.json');
  const entry = { IssuerURL: issuer.url, ClientID: 'sigstore', Type: 'email' };
  writeFileSync(config, JSON.stringify({ OIDCIssuers: { [issuer.url]: entry } }));
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const flags = {
    host: '127.0.0.1',
    port,
    'grpc-host': '127.0.0.1',
    'grpc-port': grpc,
    'metrics-port': metrics,
    ca: 'ephemeralca',
    'ct-log-url': '',
    'config-path': config,
    'legacy-unix-domain-socket': join(folder, 'legacy.sock'),
  };
  const args = ['serve', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  await startPeer(t, executable, args, `${url}/healthz`);
  return { url, issuer };
}

function discovery(url: string): object {
  return {
    issuer: url,
    jwks_uri: `${url}/keys`,
    authorization_endpoint: `${url}/auth`,
    token_endpoint: `${url}/token`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}
