/** The contract of the two stores, as tests: whatever implements them runs these. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../../src/core/crypto/digest.ts';
import { utf8 } from '../../../src/core/encoding/bytes.ts';
import type { Commit, CommitStore } from '../../../src/servers/store/commit-store.ts';
import type { ObjectBatch, ObjectStore } from '../../../src/servers/store/object-store.ts';

/** What a store is kept in, so that it can be opened again. */
export interface Reopenable<Store> {
  open(): Promise<Store>;
}

function commit(previous: string | undefined, checkpoint: string, more: Partial<Commit> = {}): Commit {
  return { previous, checkpoint, identities: [], staged: undefined, settled: [], ...more };
}

function identity(name: string): Uint8Array {
  return sha256(utf8(name));
}

/** @param make a fresh place for each test */
export function commitStoreSuite(
  name: string,
  make: (register: (cleanUp: () => Promise<void>) => void) => Promise<Reopenable<CommitStore>>,
): void {
  const check = (claim: string, body: (store: CommitStore, place: Reopenable<CommitStore>) => Promise<void>): void => {
    test(`${name}: ${claim}`, async (t) => {
      const place = await make((cleanUp) => {
        t.after(cleanUp);
      });
      await body(await place.open(), place);
    });
  };

  check('an empty store has no head, no entries, nothing staged', async (store) => {
    assert.equal(await store.head(), undefined);
    assert.deepEqual(await store.find([identity('a')]), [undefined]);
    assert.deepEqual(await store.staged(), []);
    await store.close();
  });

  check('a commit is all there after opening again', async (store, place) => {
    const staged = Uint8Array.of(1, 2, 3);
    const identities = [{ identity: identity('a'), index: 7n }];
    const sequence = await store.commit(commit(undefined, 'one', { identities, staged }));
    await store.close();
    const again = await place.open();
    assert.equal(await again.head(), 'one');
    assert.deepEqual(await again.find([identity('b'), identity('a')]), [undefined, 7n]);
    assert.deepEqual(
      (await again.staged()).map((each) => ({ ...each, batch: [...each.batch] })),
      [{ sequence, batch: [1, 2, 3] }],
    );
    await again.close();
  });

  check('a commit that follows another head than the last changes nothing', async (store) => {
    await store.commit(commit(undefined, 'one'));
    const identities = [{ identity: identity('a'), index: 0n }];
    for (const previous of [undefined, 'zero', 'One', '']) {
      const late = commit(previous, 'two', { identities, staged: Uint8Array.of(1) });
      await assert.rejects(store.commit(late), { code: 'STATE_CONFLICT' });
    }
    assert.equal(await store.head(), 'one');
    assert.deepEqual(await store.find([identity('a')]), [undefined]);
    assert.deepEqual(await store.staged(), []);
    await store.commit(commit('one', 'two'));
    await store.close();
  });

  check('an identity that is there already fails the commit whole', async (store) => {
    const entry = { identity: identity('a'), index: 0n };
    await store.commit(commit(undefined, 'one', { identities: [entry] }));
    const twice = commit('one', 'two', {
      identities: [
        { identity: identity('b'), index: 1n },
        { ...entry, index: 2n },
      ],
    });
    await assert.rejects(store.commit(twice), { code: 'STATE_CORRUPT' });
    assert.equal(await store.head(), 'one');
    assert.deepEqual(await store.find([identity('a'), identity('b')]), [0n, undefined]);
    await store.close();
  });

  check('staged batches come oldest first and are forgotten when settled, by a commit or without', async (store) => {
    const [one, two] = [
      await store.commit(commit(undefined, 'one', { staged: Uint8Array.of(1) })),
      await store.commit(commit('one', 'two', { staged: Uint8Array.of(2) })),
    ];
    assert.ok(one !== undefined && two !== undefined && one < two);
    const three = await store.commit(commit('two', 'three', { staged: Uint8Array.of(3), settled: [one] }));
    assert.deepEqual(
      (await store.staged()).map(({ sequence }) => sequence),
      [two, three],
    );
    await store.settle([two]);
    assert.deepEqual(
      (await store.staged()).map(({ batch }) => [...batch]),
      [[3]],
    );
    await store.close();
  });

  check('indexes far beyond what a double counts', async (store) => {
    const index = (1n << 60n) + 1n;
    await store.commit(commit(undefined, 'one', { identities: [{ identity: identity('a'), index }] }));
    assert.deepEqual(await store.find([identity('a')]), [index]);
    await store.close();
  });
}

function batch(pointer: string, ...objects: readonly (readonly [name: string, text: string])[]): ObjectBatch {
  return {
    objects: objects.map(([name, text]) => ({ name, bytes: utf8(text) })),
    pointer: { name: 'checkpoint', bytes: utf8(pointer) },
  };
}

async function text(store: ObjectStore, name: string): Promise<string | undefined> {
  const bytes = await store.read(name);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

export function objectStoreSuite(
  name: string,
  make: (register: (cleanUp: () => Promise<void>) => void) => Promise<Reopenable<ObjectStore>>,
): void {
  const check = (claim: string, body: (store: ObjectStore, place: Reopenable<ObjectStore>) => Promise<void>): void => {
    test(`${name}: ${claim}`, async (t) => {
      const place = await make((cleanUp) => {
        t.after(cleanUp);
      });
      await body(await place.open(), place);
    });
  };

  check('what is staged is not there, what is placed is, also after opening again', async (store, place) => {
    const staged = await store.stage(batch('one', ['tile/0/000.p/1', 'a'], ['tile/x001/000', 'b']));
    assert.equal(await text(store, 'tile/0/000.p/1'), undefined);
    assert.equal(await text(store, 'checkpoint'), undefined);
    await staged.place();
    await store.flush();
    await store.close();
    const again = await place.open();
    assert.equal(await text(again, 'tile/0/000.p/1'), 'a');
    assert.equal(await text(again, 'tile/x001/000'), 'b');
    assert.equal(await text(again, 'checkpoint'), 'one');
  });

  check('what is discarded leaves nothing', async (store) => {
    await (await store.stage(batch('one', ['a', 'a']))).discard();
    assert.equal(await text(store, 'a'), undefined);
    assert.equal(await text(store, 'checkpoint'), undefined);
  });

  check('the same bytes may be placed again; the pointer moves', async (store) => {
    await (await store.stage(batch('one', ['a', 'a']))).place();
    await (await store.stage(batch('two', ['a', 'a'], ['b', 'b']))).place();
    assert.equal(await text(store, 'b'), 'b');
    assert.equal(await text(store, 'checkpoint'), 'two');
  });

  check('other bytes under a name are refused, and the pointer stays', async (store) => {
    await (await store.stage(batch('one', ['a', 'a']))).place();
    for (const other of ['b', '', 'aa']) {
      const staged = await store.stage(batch('two', ['a', other]));
      await assert.rejects(staged.place(), { code: 'STATE_CORRUPT' });
    }
    assert.equal(await text(store, 'a'), 'a');
    assert.equal(await text(store, 'checkpoint'), 'one');
  });

  check('a folder is removed with all in it, and can be there again', async (store) => {
    await (await store.stage(batch('one', ['t/000.p/1', 'a'], ['t/000.p/2', 'b'], ['t/000', 'c']))).place();
    await store.removeFolder('t/000.p');
    assert.equal(await text(store, 't/000.p/1'), undefined);
    assert.equal(await text(store, 't/000'), 'c');
    await (await store.stage(batch('two', ['t/000.p/1', 'a']))).place();
    await store.flush();
    assert.equal(await text(store, 't/000.p/1'), 'a');
    await store.removeFolder('absent');
  });
}
