/** Docker's own registry (distribution), version 2, as a peer. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort, startPeer } from './peer-process.ts';
import { temporaryFolder } from './registry-server.ts';

/** @returns its host */
export async function dockerRegistry(t: TestContext, executable: string): Promise<string> {
  const port = await freePort();
  const folder = temporaryFolder(t);
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  await startPeer(t, executable, ['serve', join(folder, 'config.yml')], `http://127.0.0.1:${port}/v2/`);
  return `127.0.0.1:${port}`;
}
