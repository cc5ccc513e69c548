/** Each way to wedge a cluster that is known, tried; `docs/never-wedge.md` says what happened. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NEVER_WEDGE_FILE, renderNeverWedge } from '../../tools/never-wedge.ts';
import { WEDGES } from './wedges.ts';

for (const { danger, attempt } of WEDGES) test(`tried: ${danger}`, attempt);

test('docs/never-wedge.md is what the suite says', () => {
  assert.equal(readFileSync(NEVER_WEDGE_FILE, 'utf8'), renderNeverWedge());
});
