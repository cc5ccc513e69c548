import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePort, encodeSettings, parseSettings } from '../../../src/servers/stack/settings.ts';

const KEPT = { host: '127.0.0.1', port: 6001, createdAt: new Date('2026-11-24T10:00:00Z') };

test('settings survive writing and reading', () => {
  assert.deepEqual(parseSettings(encodeSettings(KEPT)), KEPT);
});

test('settings of a later version are refused, not guessed at', () => {
  assert.throws(() => parseSettings(encodeSettings(KEPT).replace('"version": 1', '"version": 2')), {
    code: 'STATE_VERSION',
  });
});

test('a port is chosen once: default, asked for, any, then kept', () => {
  assert.equal(choosePort(undefined, undefined), 5080);
  assert.equal(choosePort(undefined, 7000), 7000);
  assert.equal(choosePort(undefined, 0), 0);
  assert.equal(choosePort(KEPT, undefined), 6001);
  assert.equal(choosePort(KEPT, 6001), 6001);
  assert.equal(choosePort(KEPT, 0), 6001);
  assert.throws(() => choosePort(KEPT, 7000), { code: 'USAGE_PORT_CONFLICT' });
});
