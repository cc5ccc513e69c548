import { UsageError } from '../../errors.ts';
import { parseTime } from './validity-window.ts';
import type { Service, ServiceConfiguration } from './signing-config.ts';
import type { ValidityWindow } from './validity-window.ts';

/** `key=value` pairs of a flag such as `--fulcio`, by key. */
export type ServiceSpec = ReadonlyMap<string, string>;

const MAX_COUNT = 64;
const MAX_API_VERSION = 1000;

/**
 * `key=value,key=value`, as cosign's `trusted-root create` and `signing-config create` have it. Stricter than cosign, which
 * drops keys that it does not know: a misspelt `end-time` would believe a key for ever.
 *
 * @throws UsageError USAGE_BAD_FLAG
 */
export function parseServiceSpec(
  flag: string,
  text: string,
  keys: { readonly required: readonly string[]; readonly optional: readonly string[] },
): ServiceSpec {
  const known = [...keys.required, ...keys.optional];
  const spec = new Map<string, string>();
  for (const pair of text.split(',')) {
    const [, key = '', value = ''] = /^\s*([^=]*?)\s*=\s*([\s\S]*?)\s*$/.exec(pair) ?? [];
    if (!known.includes(key) || spec.has(key)) {
      throw refused(flag, pair.trim().slice(0, 200), `key=value pairs, each once, of ${known.join(', ')}`);
    }
    if (value !== '') spec.set(key, value);
  }
  const missing = keys.required.filter((key) => !spec.has(key));
  if (missing.length > 0) throw refused(flag, `no ${missing.join(', no ')}`, keys.required.join(', '));
  return spec;
}

/** `start-time` and `end-time`. @param start when the spec names none */
export function specWindow(flag: string, spec: ServiceSpec, start: Date): ValidityWindow {
  const time = (key: string): Date | undefined => {
    const text = spec.get(key);
    return text === undefined ? undefined : specTime(flag, text);
  };
  const window = { start: time('start-time') ?? start, end: time('end-time') };
  if (window.end === undefined) return { start: window.start };
  if (window.end >= window.start) return { start: window.start, end: window.end };
  throw refused(flag, 'an end-time before the start', 'an end after the start');
}

/** @throws UsageError USAGE_BAD_FLAG */
export function specTime(flag: string, text: string): Date {
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw refused(flag, text.slice(0, 40), 'a time in RFC 3339, such as 2026-01-31T12:00:00Z');
}

/** `url=…,api-version=N,start-time=…,operator=…[,end-time=…]`. @throws UsageError USAGE_BAD_FLAG */
export function parseServiceFlag(flag: string, text: string): Service {
  const spec = parseServiceSpec(flag, text, {
    required: ['url', 'api-version', 'start-time', 'operator'],
    optional: ['end-time'],
  });
  const version = spec.get('api-version') ?? '';
  const majorApiVersion = Number(version);
  if (!/^\d{1,9}$/.test(version) || majorApiVersion < 1 || majorApiVersion > MAX_API_VERSION) {
    throw refused(flag, `api-version=${version.slice(0, 40)}`, 'a whole number, such as 1');
  }
  return {
    url: serviceUrl(flag, spec.get('url') ?? ''),
    majorApiVersion,
    validFor: specWindow(flag, spec, new Date(0)),
    operator: spec.get('operator') ?? '',
  };
}

/** A URL that signing configs and trusted roots can hold. @throws UsageError USAGE_BAD_FLAG */
export function serviceUrl(flag: string, text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return text;
  throw refused(flag, text.slice(0, 200), 'an http or https URL without credentials');
}

/** `ANY`, `ALL` or `EXACT:N`. @throws UsageError USAGE_BAD_FLAG */
export function parseServiceSelection(flag: string, text: string): ServiceConfiguration {
  const [, word = '', count] = /^([a-z]+)(?::(\d{1,3}))?$/i.exec(text) ?? [];
  const selector = (['ANY', 'ALL', 'EXACT'] as const).find((known) => known === word.toUpperCase());
  const number = count === undefined ? undefined : Number(count);
  if (selector === 'EXACT' && number !== undefined && number >= 1 && number <= MAX_COUNT) {
    return { selector, count: number };
  }
  if (selector !== undefined && selector !== 'EXACT' && count === undefined) return { selector };
  throw refused(flag, text.slice(0, 40), `ANY, ALL, or EXACT:N with N from 1 to ${MAX_COUNT}`);
}

function refused(flag: string, found: string, expected: string): UsageError {
  return new UsageError('USAGE_BAD_FLAG', `--${flag} cannot be read`, { found, expected });
}
