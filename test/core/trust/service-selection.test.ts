import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectServices } from '../../../src/core/trust/service-selection.ts';
import type { Service, ServiceConfiguration, SigningConfig } from '../../../src/core/trust/signing-config.ts';
import { windowContains } from '../../../src/core/trust/validity-window.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const service = (url: string, more: Partial<Service> & { from?: string; to?: string } = {}): Service => {
  const { from = '2026-01-01', to, ...rest } = more;
  const validFor = {
    start: new Date(`${from}T00:00:00Z`),
    ...(to === undefined ? {} : { end: new Date(`${to}T00:00:00Z`) }),
  };
  return { url, majorApiVersion: 1, operator: '', validFor, ...rest };
};
const config = (more: Partial<SigningConfig>): SigningConfig => ({
  caUrls: [],
  oidcUrls: [],
  rekorTlogUrls: [],
  tsaUrls: [],
  ...more,
});
const logs = (services: readonly Service[], rekorTlogConfig?: ServiceConfiguration, now = NOW): readonly string[] => {
  const chosen = selectServices(
    config({ rekorTlogUrls: services, ...(rekorTlogConfig === undefined ? {} : { rekorTlogConfig }) }),
    now,
  );
  return chosen.logs.map(({ url }) => url);
};
const ANY = { selector: 'ANY' } as const;
const ALL = { selector: 'ALL' } as const;
const exact = (count: number): ServiceConfiguration => ({ selector: 'EXACT', count });

test('a kind that is not listed stays empty', () => {
  assert.deepEqual(selectServices(config({}), NOW), { logs: [], tsas: [] });
});

test('the highest supported version wins over the newest start, an unsupported one counts for nothing', () => {
  const v1 = service('v1', { from: '2026-05-01' });
  const v2 = service('v2', { majorApiVersion: 2 });
  const v3 = service('v3', { majorApiVersion: 3, from: '2026-05-30' });
  assert.deepEqual(logs([v1, v3, v2], ANY), ['v2']);
  assert.deepEqual(logs([v1, v3, v2], ALL), ['v2']);
  assert.deepEqual(logs([v1, v3], ANY), ['v1']);
  const supported = { ca: [1], oidc: [1], log: [1], tsa: [1] };
  assert.equal(
    selectServices(config({ rekorTlogUrls: [v1, v2], rekorTlogConfig: ANY }), NOW, supported).logs[0]?.url,
    'v1',
  );
});

test('of one version the newest start wins, one per operator', () => {
  const old = service('old', { operator: 'a' });
  const young = service('young', { operator: 'a', from: '2026-03-01' });
  const other = service('other', { operator: 'b', from: '2026-02-01' });
  assert.deepEqual(logs([old, young, other], ANY), ['young']);
  assert.deepEqual(logs([old, young, other], ALL), ['young', 'other']);
  assert.deepEqual(logs([old, young, other], exact(2)), ['young', 'other']);
  // Without an operator each stands for itself.
  assert.deepEqual(logs([service('x'), service('y')], ALL), ['x', 'y']);
});

test('windows are closed intervals', () => {
  const window = service('a', { from: '2026-06-01', to: '2026-06-02' });
  assert.deepEqual(logs([window], ANY, new Date('2026-06-01T00:00:00Z')), ['a']);
  assert.deepEqual(logs([window], ANY, new Date('2026-06-02T00:00:00Z')), ['a']);
  assert.throws(() => logs([window], ANY, new Date('2026-06-02T00:00:00.001Z')), { code: 'USAGE_BAD_CONFIG' });
  assert.throws(() => logs([window], ANY, new Date('2026-05-31T23:59:59.999Z')), { code: 'USAGE_BAD_CONFIG' });
  assert.equal(windowContains({ start: NOW }, new Date('9999-01-01T00:00:00Z')), true);
});

test('too few, none valid, none supported and no selector are refused', () => {
  const bad = { code: 'USAGE_BAD_CONFIG' };
  const one = service('one', { operator: 'a' });
  assert.throws(() => logs([one, service('two', { operator: 'a' })], exact(2)), bad);
  assert.throws(() => logs([service('late', { from: '2026-07-01' })], ALL), bad);
  assert.throws(() => logs([service('v9', { majorApiVersion: 9 })], ALL), bad);
  assert.throws(() => logs([one]), bad);
});

test('CA and issuer need no selector and are always one; without a usable one signing stops', () => {
  const chosen = selectServices(
    config({ caUrls: [service('a'), service('b', { from: '2026-02-01' })], oidcUrls: [service('o')] }),
    NOW,
  );
  assert.equal(chosen.ca?.url, 'b');
  assert.equal(chosen.oidc?.url, 'o');
  assert.throws(() => selectServices(config({ caUrls: [service('a', { to: '2026-02-01' })] }), NOW), {
    code: 'USAGE_BAD_CONFIG',
    message: /certificate authority/,
  });
});
