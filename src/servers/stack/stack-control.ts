import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { JsonFields } from '../../core/encoding/json-fields.ts';
import { parseJson } from '../../core/encoding/json.ts';
import { LimitError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { FolderLock } from './folder-lock.ts';
import type { StackFolder } from './stack-folder.ts';
import { readStatus } from './stack-status.ts';

const POLL_MS = 25;
/** Longer than the grace that requests under way are given. */
const STOP_PATIENCE_MS = 20_000;
const MAX_TOKEN_ANSWER_BYTES = 64 << 10;

/**
 * Asks the process that holds the folder to end, and waits until it has let go.
 *
 * @returns its pid
 * @throws UsageError USAGE_STACK_NOT_RUNNING; LimitError LIMIT_TIME when it does not end
 */
export async function stopStack(folder: StackFolder, now: () => Date): Promise<number> {
  const { pid } = readStatus(folder);
  try {
    process.kill(pid, 'SIGTERM');
  } catch (cause) {
    // It ended by itself in the meantime, which is what was wanted.
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
  }
  const deadline = now().getTime() + STOP_PATIENCE_MS;
  while (FolderLock.isHeld(folder.path)) {
    if (now().getTime() > deadline) {
      throw new LimitError('LIMIT_TIME', 'the stack does not end', {
        found: `process ${pid} still holds ${folder.path}`,
        expected: `an end within ${STOP_PATIENCE_MS / 1000} s`,
        fix: `kill -9 ${pid}`,
      });
    }
    await sleep(POLL_MS);
  }
  return pid;
}

/**
 * A test token of the development issuer, for whom this machine's user says.
 *
 * @throws UsageError USAGE_STACK_NOT_RUNNING; RemoteError with what the issuer refused
 */
export async function requestTestToken(
  folder: StackFolder,
  wanted: { readonly email: string; readonly audience?: string },
): Promise<string> {
  const { issuer } = readStatus(folder);
  const http = new HttpClient();
  try {
    const { body } = await http.request({
      method: 'POST',
      url: `${issuer}/test-token`,
      headers: {
        authorization: `Bearer ${folder.existingDeveloperSecret()}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: Buffer.from(new URLSearchParams(wanted).toString()),
      maxBytes: MAX_TOKEN_ANSWER_BYTES,
      expect: [200],
      peer: 'the development issuer',
    });
    const json = parseJson(body, 'the answer of the development issuer', 'FORMAT_TOKEN');
    return new JsonFields(json, 'answer', 'FORMAT_TOKEN').string('id_token');
  } finally {
    http.close();
  }
}
