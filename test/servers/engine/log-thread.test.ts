/** The listening thread's side of a log: what it takes at once, what it refuses, how it ends; and the messages between. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { LogThread } from '../../../src/servers/engine/log-thread.ts';
import { packParts, unpackParts } from '../../../src/servers/engine/packed-parts.ts';
import { errorAnswer } from '../../../src/servers/log/gateway-answer.ts';
import { SealwrightError } from '../../../src/errors.ts';
import { damaged } from '../../support/damage.ts';
import { KEY, NOW, ORIGIN } from './lab.ts';

async function startThread(t: TestContext): Promise<LogThread> {
  const dir = await mkdtemp(join(tmpdir(), 'sealwright-thread-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return await LogThread.start({
    dir: join(dir, 'a', 'b'),
    kind: 'tlog-tiles',
    origin: ORIGIN,
    key: KEY,
    now: () => NOW,
  });
}

function codeOf(result: PromiseSettledResult<unknown>): string {
  if (result.status === 'fulfilled') return 'logged';
  return result.reason instanceof SealwrightError ? result.reason.code : String(result.reason);
}

test('more than may wait is refused at once, the rest is logged, and then there is room again', async (t) => {
  const thread = await startThread(t);
  const results = await Promise.allSettled(Array.from({ length: 4100 }, (_, n) => thread.append(utf8(`entry ${n}`))));
  const codes = results.map(codeOf);
  assert.deepEqual(new Set(codes.slice(0, 4096)), new Set(['logged']));
  assert.deepEqual(codes.slice(4096), Array(4).fill('LIMIT_BUSY'));
  assert.equal((await thread.append(utf8('later'))).index, 4096n);
  const answer = errorAnswer((results.at(-1) as PromiseRejectedResult).reason, undefined);
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
  assert.deepEqual(await answer.json(), { code: 14, message: 'reached max pushback; retry', details: [] });
  await thread.close();
});

test('more bytes than may wait are refused as well', async (t) => {
  const thread = await startThread(t);
  const large = Array.from({ length: 1100 }, (_, n) => thread.append(utf8(`${n} `.padEnd(65_000, 'x'))));
  const codes = (await Promise.allSettled(large)).map(codeOf);
  const fitting = Math.floor((64 << 20) / 65_000);
  assert.deepEqual(codes, [
    ...Array<string>(fitting).fill('logged'),
    ...Array<string>(1100 - fitting).fill('LIMIT_BUSY'),
  ]);
  await thread.close();
});

test('closing logs what was submitted before, refuses what comes after, and may be asked for twice', async (t) => {
  const thread = await startThread(t);
  const before = Array.from({ length: 5 }, (_, n) => thread.append(utf8(`entry ${n}`)));
  const closing = thread.close();
  await assert.rejects(thread.append(utf8('late')), { code: 'STATE_UNAVAILABLE' });
  await Promise.all(before);
  await Promise.all([closing, thread.close()]);
  await assert.rejects(thread.append(utf8('later')), { code: 'STATE_UNAVAILABLE' });
});

test('packed parts come back as they went in; damaged ones are refused, or are other parts', () => {
  for (const parts of [[], [new Uint8Array(0)], ['a', '', 'bcd'].map(utf8)]) {
    assert.deepEqual(
      unpackParts(packParts(parts)).map((part) => Buffer.from(part).toString()),
      parts.map((part) => Buffer.from(part).toString()),
    );
  }
  const sample = packParts(['a', 'bcd'].map(utf8));
  for (const bytes of damaged(sample)) {
    try {
      assert.notDeepEqual(Buffer.from(packParts(unpackParts(bytes))), Buffer.from(sample));
    } catch (error) {
      assert.ok(error instanceof SealwrightError && error.code === 'STATE_CORRUPT', String(error));
    }
  }
});
