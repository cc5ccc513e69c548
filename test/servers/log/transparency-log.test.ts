/** Rekor v2's API: what is answered, with which status and text, and that nothing else gets in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fsckLog } from '../../../src/servers/log/fsck.ts';
import { append, LOG_KEY, openLog, ORIGIN, startLog, temporaryFolder } from './lab.ts';

test('entries are answered 201 with a proof that verifies; the same one again with the entry that is there', async (t) => {
  const { log, dir } = await startLog(t);
  const first = await append(log, 'a');
  const second = await append(log, 'b');
  assert.deepEqual([first.logIndex, second.logIndex], [0n, 1n]);
  const again = await append(log, 'a');
  assert.equal(again.logIndex, 0n);
  assert.equal(again.inclusionProof?.treeSize, 2n);
  assert.deepEqual((await fsckLog({ dir, origin: ORIGIN, key: LOG_KEY.publicKey })).differences, []);
});

test('a log that was closed and opened again goes on where it was', async (t) => {
  const dir = await temporaryFolder(t);
  const before = await openLog(dir);
  for (let n = 0; n < 3; n++) await append(before, `m${n}`);
  await before.close();
  const after = await openLog(dir);
  t.after(() => after.close());
  assert.equal((await append(after, 'm1')).logIndex, 1n);
  assert.equal((await append(after, 'new')).logIndex, 3n);
});

test('many at once get different indexes, twins among them the same', async (t) => {
  const { log, dir } = await startLog(t);
  const messages = Array.from({ length: 600 }, (_, n) => `m${n % 300}`);
  const entries = await Promise.all(messages.map((message) => append(log, message)));
  const indexes = new Map(entries.map((entry, n) => [messages[n], entry.logIndex]));
  for (const [n, entry] of entries.entries()) assert.equal(entry.logIndex, indexes.get(messages[n]));
  assert.equal(new Set(indexes.values()).size, 300);
  const report = await fsckLog({ dir, origin: ORIGIN, key: LOG_KEY.publicKey });
  assert.deepEqual([report.treeSize, report.differences], [300n, []]);
});
