import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownDeadlineMs } from '../../../src/servers/webhook/review-deadline.ts';

/** The API server's `timeout`, our own time in milliseconds. */
const DEADLINES: readonly (readonly [theirs: string | undefined, ours: number])[] = [
  ['10s', 8000],
  ['30s', 28_000],
  ['25s', 23_000],
  ['4s', 2000],
  ['3s', 1500],
  ['1s', 500],
  ['500ms', 250],
  ['1m0s', 28_000],
  ['1.5s', 750],
  [undefined, 8000],
  ['', 8000],
  ['0s', 8000],
  ['-5s', 8000],
  ['10', 8000],
  ['10s; drop', 8000],
  ['9'.repeat(400), 8000],
  ['999999m', 28_000],
  ['NaNs', 8000],
];

for (const [theirs, ours] of DEADLINES) {
  test(`the API server waits ${theirs?.slice(0, 12) ?? 'as it likes'}: we answer after ${ours} ms at the latest`, () => {
    assert.equal(ownDeadlineMs(theirs), ours);
  });
}
