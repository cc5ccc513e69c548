/** The campaigns, small: that they run, and that they would notice. The long ones are run by hand (tools/campaigns). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { Acknowledgements } from '../../tools/campaigns/acknowledgements.ts';
import { killNine } from '../../tools/campaigns/kill-nine.ts';
import { cutDisk } from '../../tools/campaigns/disk-cut.ts';
import { traceFsync } from '../../tools/campaigns/fsync-trace.ts';
import { interop } from '../support/interop.ts';
import { append, openLog, temporaryFolder } from '../servers/log/lab.ts';

test('kill -9 of the whole stack under load: nothing acknowledged is lost', async () => {
  const figures = await killNine(2, () => 0.5);
  assert.equal(figures.rounds, 2);
  assert.ok(figures.entries > 0, 'the load was acknowledged nothing');
});

test('the campaign notices what is lost, exchanged or contradicted', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(dir);
  const entries = await Promise.all(['a', 'b', 'c'].map((message) => append(log, message)));
  await log.close();
  const acknowledged = new Acknowledgements();
  for (const entry of entries) acknowledged.addEntry(entry);
  await acknowledged.checkLog(dir);
  const [first] = entries;
  assert.ok(first !== undefined);
  const other = { ...first, body: utf8('other') };
  assert.throws(() => {
    acknowledged.addEntry(other);
  }, /another root/);
  // A log that lost its last entries, and one that never had them.
  const shorter = await temporaryFolder(t);
  const short = await openLog(shorter);
  await append(short, 'a');
  await short.close();
  await assert.rejects(acknowledged.checkLog(shorter), /is lost|is another now/);
});

interop(
  'strace',
  'both',
  'the commit and the files are synced before the 201; disks cut after any call open with all that was answered',
  async (_t, strace) => {
    const { lines } = await traceFsync(strace);
    assert.ok(lines.some((line) => line.includes('log.sqlite-wal')));
    const figures = await cutDisk(strace, 6, 60, Math.random);
    assert.equal(figures.cuts, 6);
  },
);
