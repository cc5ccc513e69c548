/**
 * timestamp-server itself, with keys that it makes. Its metrics always listen on port 2112, which no flag changes: it gets a network
 * of its own, and is spoken to through a socket in a folder. Where that is not permitted two of them cannot run side by side.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort, startPeer } from './peer-process.ts';
import { relay } from './relay.ts';

const OWN_NETWORK = ['unshare', '--map-root-user', '--net'] as const;

export function mayHaveOwnNetwork(): boolean {
  const [program, ...args] = OWN_NETWORK;
  return spawnSync(program, [...args, 'true']).status === 0;
}

/** @returns its URL, without a path */
export async function startTimestampServer(t: Pick<TestContext, 'after'>, executable: string): Promise<string> {
  const serve = ['serve', '--disable-ntp-monitoring'];
  if (!mayHaveOwnNetwork()) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await startPeer(t, executable, [...serve, '--host', '127.0.0.1', '--port', String(port)], `${url}/ping`);
    return url;
  }
  const folder = mkdtempSync(join(tmpdir(), 'sealwright-tsa-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'socket');
  const { url } = await relay(t, { path });
  const [program, ...args] = OWN_NETWORK;
  const command = [...args, executable, ...serve, '--scheme', 'unix', '--socket-path', path];
  await startPeer(t, program, command, `${url}/ping`);
  return url;
}
