import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseAddress, encodeSettings, parseSettings } from '../../../src/servers/stack/settings.ts';

const KEPT = { host: '127.0.0.1', port: 6001, createdAt: new Date('2026-11-24T10:00:00Z') };

test('settings survive writing and reading', () => {
  assert.deepEqual(parseSettings(encodeSettings(KEPT)), KEPT);
});

test('settings of a later version are refused, not guessed at', () => {
  assert.throws(() => parseSettings(encodeSettings(KEPT).replace('"version": 1', '"version": 2')), {
    code: 'STATE_VERSION',
  });
});

test('an address is chosen once: default, asked for, any, then kept', () => {
  const choose = (kept: typeof KEPT | undefined, port?: number, host?: string): string => {
    const address = chooseAddress(kept, { host, port });
    return `${address.host}:${address.port}`;
  };
  assert.equal(choose(undefined), '127.0.0.1:5080');
  assert.equal(choose(undefined, 7000, '::1'), '::1:7000');
  assert.equal(choose(undefined, 0), '127.0.0.1:0');
  assert.equal(choose(KEPT), '127.0.0.1:6001');
  assert.equal(choose(KEPT, 6001, '127.0.0.1'), '127.0.0.1:6001');
  assert.equal(choose(KEPT, 0), '127.0.0.1:6001');
  assert.throws(() => choose(KEPT, 7000), { code: 'USAGE_PORT_CONFLICT' });
  assert.throws(() => choose(KEPT, 6001, 'localhost'), { code: 'USAGE_PORT_CONFLICT' });
});
