/** Sigstore's own log of version 1: rekor-server over Trillian, over a PostgreSQL of its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { encodePem } from '../../src/core/encoding/pem.ts';
import { createLogInstance, type LogInstance } from '../../src/core/trust/log-instance.ts';
import { freePort, startPeer } from './peer-process.ts';
import { peer } from './peers.ts';
import { PASSWORD, Postgres } from './postgres.ts';

export interface RekorServer {
  readonly url: string;
  /** With the key that its promises and checkpoints are signed with. */
  readonly log: LogInstance;
}

/** Undefined, and the test skipped aloud, when a peer is missing. */
export async function startRekorServer(t: TestContext, executable: string): Promise<RekorServer | undefined> {
  const [trillian, signer] = [peer(t, 'trillian-log-server'), peer(t, 'trillian-log-signer')];
  if (trillian === undefined || signer === undefined) return undefined;
  const postgres = await Postgres.start(t);
  if (postgres === undefined) return undefined;
  await postgres.sql(readFileSync(`${trillian}.sql`, 'utf8'));
  const { port: databasePort, user, database } = postgres.connection();
  const login = `${user}:${encodeURIComponent(PASSWORD)}`;
  const storage = [
    '--storage_system=postgresql',
    '--quota_system=noop',
    `--postgresql_uri=postgresql://${login}@127.0.0.1:${databasePort}/${database}?sslmode=disable`,
  ];
  const [rpc, health, signerRpc, signerHealth, port] = await Promise.all(Array.from({ length: 5 }, () => freePort()));
  const endpoints = (one = 0, other = 0): string[] => [
    `--rpc_endpoint=127.0.0.1:${one}`,
    `--http_endpoint=127.0.0.1:${other}`,
  ];
  await startPeer(t, trillian, [...storage, ...endpoints(rpc, health)], `http://127.0.0.1:${health ?? 0}/healthz`);
  const sequencing = ['--force_master', '--sequencer_interval=50ms'];
  await startPeer(
    t,
    signer,
    [...storage, ...sequencing, ...endpoints(signerRpc, signerHealth)],
    `http://127.0.0.1:${signerHealth ?? 0}/healthz`,
  );
  const key = PrivateKey.generate('ecdsa-p256');
  const keyFile = join(postgres.folder, 'rekor.pem');
  writeFileSync(keyFile, encodePem('PRIVATE KEY', key.toPkcs8()));
  const url = `http://127.0.0.1:${port ?? 0}`;
  const flags = {
    port,
    'rekor_server.address': '127.0.0.1',
    'rekor_server.hostname': '127.0.0.1',
    'rekor_server.signer': keyFile,
    'trillian_log_server.address': '127.0.0.1',
    'trillian_log_server.port': rpc,
    // No index for searches, which would need another store.
    enable_retrieve_api: false,
  };
  const parameters = ['serve', ...Object.entries(flags).map(([name, value]) => `--${name}=${String(value)}`)];
  await startPeer(t, executable, parameters, `${url}/ping`);
  const validFor = { start: new Date('2026-01-01T00:00:00Z') };
  return { url, log: createLogInstance({ api: 'rekor-v1', baseUrl: url, publicKey: key.publicKey, validFor }) };
}
