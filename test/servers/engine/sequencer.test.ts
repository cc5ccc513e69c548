/** The sequencer: order, twins, proofs; then every storage step failing in both ways; then cut power; then hostile state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import { emptyRoot } from '../../../src/core/tlog/merkle.ts';
import { createCheckpointSigner } from '../../../src/servers/engine/checkpoint-signer.ts';
import { encodeEntryBatch } from '../../../src/servers/engine/entry-batch.ts';
import { Sequencer } from '../../../src/servers/engine/sequencer.ts';
import { IntegrityError } from '../../../src/errors.ts';
import { cutPower } from '../../../tools/campaigns/power-cut.ts';
import { Acknowledged, append, Disk, Faults, KEY, NOW, ORIGIN, SIGNER, type Fault, type Step } from './lab.ts';

function names(count: number, prefix = 'entry'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}

test('an empty log publishes the checkpoint of nothing', async () => {
  const disk = await Disk.create();
  await disk.open();
  const checkpoint = SIGNER.verify(Buffer.from(disk.read('checkpoint') ?? []).toString());
  assert.equal(checkpoint.size, 0n);
  assert.deepEqual(Buffer.from(checkpoint.root), Buffer.from(emptyRoot()));
});

test('batches of many sizes, over tile borders, closed and opened between them', async () => {
  const disk = await Disk.create();
  const acknowledged = new Acknowledged();
  let sequencer = await disk.open();
  for (const [round, count] of [1, 2, 253, 1, 255, 256, 257, 700].entries()) {
    const batch = names(count, `round ${round}`);
    acknowledged.add(batch, await append(sequencer, ...batch));
    if (round % 2 === 0) {
      await sequencer.close();
      sequencer = await disk.open();
    }
    acknowledged.check((name) => disk.read(name));
  }
  // Each of them again: old indexes, proofs in the tree of today.
  const again = names(253, 'round 2');
  acknowledged.add(again, await append(sequencer, ...again));
  assert.equal(SIGNER.verify(Buffer.from(disk.read('checkpoint') ?? []).toString()).size, 1725n);
});

test('twins in one batch, and of an earlier one, get the index of the first', async () => {
  const disk = await Disk.create();
  const sequencer = await disk.open();
  const { entries } = await append(sequencer, 'a', 'b', 'a', 'c', 'b');
  assert.deepEqual(
    entries.map(({ index }) => index),
    [0n, 1n, 0n, 2n, 1n],
  );
  const later = await append(sequencer, 'c', 'd', 'd', 'a');
  assert.deepEqual(
    later.entries.map(({ index }) => index),
    [2n, 3n, 3n, 0n],
  );
  const none = await append(sequencer, 'a');
  assert.equal(none.size, 4n);
});

test('full tiles take the place of their partial versions', async () => {
  const disk = await Disk.create();
  const sequencer = await disk.open();
  await append(sequencer, ...names(255));
  assert.ok(disk.read('tile/0/000.p/255') !== undefined);
  await append(sequencer, 'last');
  await sequencer.close();
  assert.equal(disk.read('tile/0/000.p/255'), undefined);
  assert.equal(disk.read('tile/entries/000.p/255'), undefined);
  assert.ok(disk.read('tile/0/000') !== undefined && disk.read('tile/1/000.p/1') !== undefined);
});

const STEPS: readonly Step[] = ['find', 'stage', 'commit', 'place', 'flush', 'removeFolder'];
/** Before the commit, nothing of a failed batch may appear; from a kept commit on, all of it must. */
const COMMITTED: readonly string[] = ['commit kept', 'place lost', 'place kept', 'stage lost', 'stage kept'];

for (const step of STEPS) {
  for (const fault of ['lost', 'kept'] as const satisfies readonly Fault[]) {
    test(`${step} fails, ${fault}: nothing acknowledged is lost, and the log goes on or says why not`, async () => {
      const disk = await Disk.create();
      const faults = new Faults();
      const acknowledged = new Acknowledged();
      const sequencer = await disk.open(faults);
      const first = names(254, 'first');
      acknowledged.add(first, await append(sequencer, ...first));
      const broken = names(5, 'broken');
      faults.arm(step, fault);
      const failed = await append(sequencer, ...broken).then(
        (batch) => (acknowledged.add(broken, batch), false),
        (error: unknown) => {
          assert.ok(error instanceof IntegrityError && error.code === 'STATE_UNAVAILABLE');
          return true;
        },
      );
      // The background's steps fail after the answer; the others before it.
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(failed, !['flush', 'removeFolder'].includes(step));
      assert.equal(faults.hits, 1);
      faults.disarm();
      const next = await append(sequencer, 'next');
      acknowledged.add(['next'], next);
      const wasCommitted = !failed || COMMITTED.includes(`${step} ${fault}`);
      assert.equal(next.entries[0]?.index, wasCommitted ? 259n : 254n);
      acknowledged.check((name) => disk.read(name));
      // Whoever was told of the failure tries again, and is told one index, whichever it was.
      acknowledged.add(broken, await append(sequencer, ...broken));
      await sequencer.close();
      const reopened = await disk.open();
      acknowledged.add(broken, await append(reopened, ...broken));
      acknowledged.check((name) => disk.read(name));
    });
  }
}

test('reading the store back fails: the log does not open, and opens when it can be read', async () => {
  const disk = await Disk.create();
  const sequencer = await disk.open();
  await append(sequencer, ...names(3));
  await sequencer.close();
  for (const fault of ['lost', 'kept'] as const) {
    const faults = new Faults();
    faults.arm('read', fault);
    await assert.rejects(disk.open(faults), { code: 'STATE_UNAVAILABLE' });
  }
  assert.equal((await append(await disk.open(), 'entry 1')).entries[0]?.index, 1n);
});

for (const seed of [1, 2]) {
  test(`power cuts at random operations, seed ${seed}: nothing acknowledged is lost`, async () => {
    const { cuts, entries } = await cutPower(20, seed);
    assert.ok(cuts === 20 && entries > cuts, 'the campaign acknowledged nothing');
  });
}

test('a power cut that drops all that no sync followed, after each operation of one batch', async () => {
  for (let cut = 0; cut < 60; cut++) {
    const disk = await Disk.create();
    const acknowledged = new Acknowledged();
    const sequencer = await disk.open();
    const before = names(255, 'before');
    acknowledged.add(before, await append(sequencer, ...before));
    disk.files.cutAfter(cut);
    await append(sequencer, 'x', 'y', 'z').then(
      (batch) => {
        acknowledged.add(['x', 'y', 'z'], batch);
      },
      () => undefined,
    );
    await new Promise((resolve) => setImmediate(resolve));
    disk.files.restore(() => false);
    await (await disk.open()).close();
    acknowledged.check((name) => disk.read(name));
  }
});

test('two writers on one store: one of them loses whole, and nobody overwrites anybody', async () => {
  const disk = await Disk.create();
  const acknowledged = new Acknowledged();
  const one = await disk.open();
  acknowledged.add(['a'], await append(one, 'a'));
  const two = await disk.open();
  acknowledged.add(['b'], await append(two, 'b'));
  await assert.rejects(append(one, 'c'), { code: 'STATE_CONFLICT' });
  acknowledged.check((name) => disk.read(name));
  // Having lost, it starts from what is there.
  acknowledged.add(['c'], await append(one, 'c'));
  await assert.rejects(append(two, 'd'), { code: 'STATE_CONFLICT' });
  acknowledged.check((name) => disk.read(name));
});

/** A disk with some entries, closed. */
async function filledDisk(count = 300): Promise<Disk> {
  const disk = await Disk.create();
  const sequencer = await disk.open();
  await append(sequencer, ...names(count));
  await sequencer.close();
  return disk;
}

test('a start-up refuses a state that contradicts itself', async (t) => {
  const corrupt = { code: 'STATE_CORRUPT' };
  await t.test('a published checkpoint, and no commit', async () => {
    const disk = await filledDisk();
    const parts = { ...(await disk.parts()), commits: (await Disk.create()).commits };
    await assert.rejects(Sequencer.open(parts, NOW), corrupt);
  });
  await t.test('commits that were set back behind the published checkpoint', async () => {
    const disk = await filledDisk();
    const older = await filledDisk(200);
    await assert.rejects(Sequencer.open({ ...(await disk.parts()), commits: older.commits }, NOW), corrupt);
  });
  await t.test('a published checkpoint of as many other entries', async () => {
    const disk = await filledDisk();
    const other = await Disk.create();
    const sequencer = await other.open();
    await append(sequencer, ...names(300, 'other'));
    await sequencer.close();
    await assert.rejects(Sequencer.open({ ...(await disk.parts()), commits: other.commits }, NOW), corrupt);
  });
  await t.test('another key, another name', async () => {
    const disk = await filledDisk();
    for (const signer of [
      createCheckpointSigner('tlog-tiles', ORIGIN, PrivateKey.generate('ed25519')),
      createCheckpointSigner('tlog-tiles', 'other.example.org', KEY),
    ]) {
      await assert.rejects(Sequencer.open({ ...(await disk.parts()), signer }, NOW), corrupt);
    }
  });
  for (const name of ['tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/001.p/44', 'checkpoint']) {
    await t.test(`${name} with a changed byte, cut off, or empty`, async () => {
      for (const damage of [
        (bytes: Uint8Array) => bytes.map((byte, at) => (at === 10 ? byte ^ 1 : byte)),
        (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1),
        () => new Uint8Array(0),
      ]) {
        const disk = await filledDisk();
        disk.files.overwrite(`/log/objects/${name}`, damage(disk.read(name) ?? new Uint8Array(0)));
        await assert.rejects(disk.open(), corrupt);
      }
    });
  }
  await t.test('a missing tile', async () => {
    const disk = await filledDisk();
    disk.files.removeFile('/log/objects/tile/0/001.p/44');
    await assert.rejects(disk.open(), corrupt);
  });
});

test('a missing checkpoint is published again: the commits say what it was', async () => {
  const disk = await filledDisk();
  const before = disk.read('checkpoint');
  disk.files.removeFile('/log/objects/checkpoint');
  await disk.open();
  assert.deepEqual(disk.read('checkpoint'), before);
});

test('a staged batch that does not follow, or does not lead where it says, is refused', async () => {
  const corrupt = { code: 'STATE_CORRUPT' };
  const head = async (disk: Disk): Promise<string> => (await disk.commits.head()) ?? '';
  const staging = async (disk: Disk, staged: Uint8Array, checkpoint: string): Promise<void> => {
    await disk.commits.commit({ previous: await head(disk), checkpoint, identities: [], staged, settled: [] });
  };
  const other = SIGNER.sign({ size: 301n, root: emptyRoot() }, undefined, NOW);
  for (const build of [
    (previous: string) => encodeEntryBatch({ previous, checkpoint: other, submissions: [utf8('x')], attachments: [] }),
    (previous: string) => encodeEntryBatch({ previous, checkpoint: other, submissions: [], attachments: [] }),
    () => encodeEntryBatch({ previous: other, checkpoint: other, submissions: [utf8('x')], attachments: [] }),
    () => encodeEntryBatch({ previous: 'x', checkpoint: other, submissions: [], attachments: [] }),
    () => Uint8Array.of(0, 0, 0, 9),
    () => new Uint8Array(0),
  ]) {
    const disk = await filledDisk();
    await staging(disk, build(await head(disk)), other);
    await assert.rejects(disk.open(), corrupt);
  }
});

test('a tile that changes behind our back stops the log before a wrong proof goes out', async () => {
  const disk = await filledDisk(600);
  const sequencer = await disk.open();
  const tile = disk.read('tile/0/000') ?? new Uint8Array(0);
  disk.files.overwrite(
    '/log/objects/tile/0/000',
    tile.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
  );
  await assert.rejects(append(sequencer, 'entry 0'), { code: 'STATE_CORRUPT' });
  // From then on nothing is written, whatever is asked.
  await assert.rejects(append(sequencer, 'innocent'), { code: 'STATE_CORRUPT' });
});

test('other bytes under a name that a batch needs stop the log', async () => {
  const disk = await filledDisk();
  const sequencer = await disk.open();
  const file = disk.files.create('/log/objects/tile/0/001.p/45', utf8('foreign'));
  await file.sync();
  await assert.rejects(append(sequencer, 'x'), { code: 'STATE_CORRUPT' });
  await assert.rejects(append(sequencer, 'y'), { code: 'STATE_CORRUPT' });
  await assert.rejects(disk.open(), { code: 'STATE_CORRUPT' });
});
