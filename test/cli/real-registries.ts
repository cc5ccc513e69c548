/** Docker's own registry, as processes over one storage: open, with a password, and behind a front that lets few requests through. */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort, startPeer } from '../support/peer-process.ts';
import { peerServer } from '../support/peer-server.ts';
import { temporaryFolder } from '../support/registry-server.ts';

export const LOGIN = { name: 'auditor', password: 'secret' };
/** bcrypt of the password: the only kind that this registry takes. */
const PASSWORD_FILE = `${LOGIN.name}:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n`;
const TOO_MANY = 429;

export interface RealRegistries {
  /** `127.0.0.1:PORT` of each. */
  readonly open: string;
  readonly guarded: string;
  /** How many requests it lets through, and then none. */
  readonly limited: (requests: number) => Promise<string>;
}

export async function realRegistries(t: TestContext, executable: string): Promise<RealRegistries> {
  const folder = temporaryFolder(t);
  const passwords = join(folder, 'htpasswd');
  writeFileSync(passwords, PASSWORD_FILE);
  const start = async (name: string, auth: object): Promise<string> => {
    const port = await freePort();
    const config = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}` },
      ...auth,
    };
    const path = join(folder, `${name}.yml`);
    writeFileSync(path, JSON.stringify(config));
    await startPeer(t, executable, ['serve', path], `http://127.0.0.1:${port}/v2/`);
    return `127.0.0.1:${port}`;
  };
  const open = await start('open', {});
  return {
    open,
    guarded: await start('guarded', { auth: { htpasswd: { realm: 'shop', path: passwords } } }),
    limited: (requests) => limited(t, open, requests),
  };
}

/** As public registries limit whoever has not paid: a number of requests, then 429 until the hour is over. */
async function limited(t: TestContext, to: string, requests: number): Promise<string> {
  let left = requests;
  const { host } = await peerServer(t, ({ url = '', method, headers }, response) => {
    left -= 1;
    if (left < 0) {
      response.writeHead(TOO_MANY, { 'retry-after': '3600', 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit reached"}]}');
      return;
    }
    const [hostname, port] = to.split(':');
    request({ hostname, port, path: url, method, headers: { ...headers, host: to } }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    }).end();
  });
  return host;
}
