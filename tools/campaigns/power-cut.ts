/** Cut power, simulated below the store: see README.md. Deterministic, so a cut that fails fails again. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { IntegrityError } from '../../src/errors.ts';
import { Acknowledged, append, Disk } from '../../test/servers/engine/lab.ts';
import { writeReport } from './report.ts';

export interface CutFigures {
  readonly cuts: number;
  /** Acknowledged before the power went; all of them found again. */
  readonly entries: number;
  /** Cuts that fell into a start-up, before anything could be submitted. */
  readonly duringStart: number;
}

/** File operations until the power goes, at most: a dozen batches, or a start-up and a few. */
const MAX_OPERATIONS = 400;

/**
 * Batches of one to 300 entries, some submitted twice, until the power goes; then a start on what the disk holds, again and
 * again on one disk.
 *
 * @throws AssertionError when anything acknowledged is lost, or any tile is not what the entries make it
 */
export async function cutPower(cuts: number, seed: number): Promise<CutFigures> {
  const random = generator(seed);
  const disk = await Disk.create();
  const acknowledged = new Acknowledged();
  let duringStart = 0;
  for (let cut = 0; cut < cuts; cut++) {
    disk.files.cutAfter(Math.floor(random() * MAX_OPERATIONS));
    const before = acknowledged.size;
    try {
      const sequencer = await disk.open();
      for (let batch = 0; ; batch++) {
        const count = 1 + Math.floor(random() * (random() < 0.2 ? 300 : 5));
        const names = Array.from({ length: count }, (_, index) => `${cut}.${batch} ${index}`);
        const submitted = [...names, ...(random() < 0.3 ? ['0.0 0'] : [])];
        acknowledged.add(submitted, await append(sequencer, ...submitted));
      }
    } catch (error) {
      assert.ok(error instanceof IntegrityError && error.code === 'STATE_UNAVAILABLE', String(error));
    }
    // What runs in the background finds the power gone as well.
    await new Promise((resolve) => setImmediate(resolve));
    if (acknowledged.size === before) duringStart++;
    const luck = random();
    disk.files.restore(() => random() < luck);
    await (await disk.open()).close();
    acknowledged.check((name) => disk.read(name));
  }
  return { cuts, entries: acknowledged.size, duringStart };
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

if (import.meta.main) {
  const seed = 20261125;
  const { cuts, entries, duringStart } = await cutPower(Number(process.argv[2] ?? '100'), seed);
  await writeReport('power-cut', [
    `${cuts} cuts after a random file operation (seed ${seed}): what no sync of file and folder followed is lost, torn, or has arrived all the same, each by chance.`,
    'The object store is the real one over a simulated disk (`test/support/power-cut.ts`); commits are a model that keeps them once they return.',
    '',
    `- acknowledged: ${entries} entries; lost: none`,
    `- cuts before anything was acknowledged (start-up, first batch): ${duringStart}`,
    '- after every cut: the log opened, every tile was equal to one derived from the entries, and every checkpoint ever answered was of a prefix of the tree',
  ]);
}
