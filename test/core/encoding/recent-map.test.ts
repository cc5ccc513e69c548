import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentMap } from '../../../src/core/encoding/recent-map.ts';

test('what was used last stays, what was used longest ago goes', () => {
  const map = new RecentMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  assert.equal(map.get('a'), 1);
  map.set('c', 3);
  assert.deepEqual([map.get('a'), map.get('b'), map.get('c')], [1, undefined, 3]);
});

test('a key that is set again counts once and holds the later value', () => {
  const map = new RecentMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  assert.deepEqual([map.get('a'), map.get('b')], [3, 2]);
  map.set('c', 4);
  assert.deepEqual([map.get('a'), map.get('b'), map.get('c')], [undefined, 2, 4]);
});

test('what was never set is not there, whatever objects inherit', () => {
  const map = new RecentMap<number>(2);
  for (const key of ['', 'constructor', '__proto__', 'toString']) assert.equal(map.get(key), undefined);
});
