/** A real server as a child process: started on a free port, waited for until it answers, stopped when the test ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { HttpClient } from '../../src/io/net/http-client.ts';

const PATIENCE_MS = 20_000;
const POLL_MS = 25;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * @param t     whose end stops the peer: a test, or a bench
 * @param ready URL that answers (with any status) once the peer serves
 * @throws AssertionError with the peer's own output when it ends or never answers
 */
export async function startPeer(
  t: Pick<TestContext, 'after'>,
  executable: string,
  args: readonly string[],
  ready: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const output: string[] = [];
  const keep = (chunk: Buffer): void => {
    output.push(chunk.toString());
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const http = new HttpClient({ retry: { retries: 0 } });
  t.after(() => {
    http.close();
  });
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    assert.equal(child.exitCode, null, `${executable} ended:\n${output.join('')}`);
    try {
      await http.request({ url: ready, expect: ANY_STATUS });
      return;
    } catch {
      await sleep(POLL_MS);
    }
  }
  assert.fail(`${executable} does not answer at ${ready}:\n${output.join('')}`);
}

export const ANY_STATUS: readonly number[] = Array.from({ length: 400 }, (_, index) => 200 + index);
