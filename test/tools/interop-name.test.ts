import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInteropName } from '../support/interop.ts';

test('a row is read from the name of an interoperability test', () => {
  assert.deepEqual(parseInteropName('cosign | peer → sealwright | image | keyless'), {
    peer: 'cosign',
    direction: 'peer → sealwright',
    claim: 'image | keyless',
  });
});

test('other tests make no row', () => {
  for (const name of ['', 'cosign', 'cosign | both', 'cosign|both|x'])
    assert.equal(parseInteropName(name), undefined, name);
});
