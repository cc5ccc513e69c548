/**
 * The power goes at any file operation, under load: what was acknowledged is there, what was acknowledged as deleted is
 * not, what was under way is there whole or not at all, and the registry starts and goes on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRegistry } from '../../../src/servers/registry/registry.ts';
import { LEAST_TOLD, checkLoad, newLoad, runLoad, type Ask } from '../../support/registry-load.ts';
import { VolatileDisk, seededRandom, type DiskFaults } from '../../support/volatile-disk.ts';

const ROUNDS = 100;
const DIR = '/state/stack/registry';

/** Starts a registry over the disk, and asks it without a network between. */
function registryOver(files: VolatileDisk): Ask {
  const { routes } = createRegistry({ dir: DIR, now: () => new Date(0), files });
  return async (method, path, body, type) => {
    const response = await routes.request(path, {
      method,
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });
    const { status, headers } = response;
    const location = headers.get('location') ?? undefined;
    return { status, text: await response.text(), location, type: headers.get('content-type') ?? undefined };
  };
}

/** Faults found after one cut at an operation that the seed chooses. */
async function round(seed: number, total: number, faults: DiskFaults = {}): Promise<string[]> {
  const random = seededRandom(seed);
  const disk = new VolatileDisk({ ...faults, cutAfter: 1 + Math.floor(random() * total) });
  const load = newLoad();
  await runLoad(registryOver(disk), load, seed);
  const ask = registryOver(disk.afterPowerCut(random));
  const found = await checkLoad(ask, load);
  // It goes on: everything can be pushed again, and then is there.
  await runLoad(ask, load, seed);
  found.push(...(await checkLoad(ask, load)).map((fault) => `after going on: ${fault}`));
  return found;
}

async function operationsOfALoad(): Promise<number> {
  const disk = new VolatileDisk();
  const load = newLoad();
  await runLoad(registryOver(disk), load, 0);
  const { operations } = disk;
  assert.deepEqual(await checkLoad(registryOver(disk), load), []);
  assert.ok(load.told.size > LEAST_TOLD);
  return operations;
}

test(`${ROUNDS} power cuts under load: nothing acknowledged is lost, nothing is served broken`, async () => {
  const total = await operationsOfALoad();
  for (let seed = 1; seed <= ROUNDS; seed++) assert.deepEqual(await round(seed, total), [], `seed ${seed}`);
});

test('the same cuts find a registry that forgets to force its files, or its folders', async () => {
  const total = await operationsOfALoad();
  for (const ignoredSyncs of ['files', 'folders'] as const) {
    let found = 0;
    for (let seed = 1; seed <= 10; seed++) if ((await round(seed, total, { ignoredSyncs })).length > 0) found += 1;
    assert.ok(found > 5, `${ignoredSyncs}: ${found} of 10`);
  }
});
