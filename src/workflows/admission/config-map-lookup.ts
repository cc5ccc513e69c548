import type { JsonObject } from '../../core/encoding/json.ts';
import type { ConfigMapLookup } from '../../core/policy/kyverno/conditions-evaluation.ts';
import { PolicyError, RemoteError, SealwrightError } from '../../errors.ts';

/** Reads a ConfigMap as the API has it. Undefined: there is none. @throws RemoteError when nobody can tell */
export type ConfigMapSource = (namespace: string, name: string) => Promise<JsonObject | undefined>;

/** How long one is used before it is read again: pods come in bursts, and keys change by hand. */
const FRESH_MS = 10_000;
const MAX_KNOWN = 1000;
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

interface Known {
  readonly value: Promise<JsonObject | undefined>;
  readonly readAt: number;
}

/**
 * ConfigMaps that rules name, read when they are needed and kept for ten seconds. One that cannot be read now and could be before stays what
 * it was; one that is gone is gone. Whoever asks gets the ConfigMap, or why an image could not be checked.
 */
export function configMapLookup(source: ConfigMapSource, now: () => Date): ConfigMapLookup {
  const known = new Map<string, Known>();
  const read = (key: string, namespace: string, name: string): Promise<JsonObject | undefined> => {
    const before = known.get(key);
    const ageMs = before === undefined ? FRESH_MS : now().getTime() - before.readAt;
    // A clock that was put back makes nothing younger.
    if (before !== undefined && ageMs >= 0 && ageMs < FRESH_MS) return before.value;
    const value = source(namespace, name).catch((error: unknown) => {
      if (before === undefined || !isOutage(error)) throw error;
      return before.value;
    });
    known.delete(key);
    known.set(key, { value, readAt: now().getTime() });
    // What failed, or is not there, is asked for again by the next review.
    const forget = (): void => {
      if (known.get(key)?.value === value) known.delete(key);
    };
    value.then((found) => {
      if (found === undefined) forget();
    }, forget);
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KNOWN) break;
      known.delete(oldest);
    }
    return value;
  };
  return async (namespace, name) => {
    // A request may have named it: nothing but a name may become a part of a path.
    if (!NAME.test(namespace) || !NAME.test(name)) throw noName(`${namespace}/${name}`);
    const found = await read(`${namespace}/${name}`, namespace, name);
    if (found !== undefined) return found;
    throw new RemoteError('REMOTE_STATUS', `there is no ConfigMap ${namespace}/${name}`, {
      expected: 'the ConfigMap that a context entry of the policy names',
      fix: `kubectl create configmap ${name} --namespace ${namespace} --from-file=KEY=FILE`,
      status: 404,
    });
  };
}

function noName(text: string): PolicyError {
  return new PolicyError('POLICY_EVALUATION', 'a context entry names what can be no ConfigMap', {
    found: text.slice(0, 300),
    expected: 'a namespace and a name in lower-case letters, digits, - and . (RFC 1123)',
  });
}

/** Nobody answered, or said that it cannot now; what is forbidden has been taken away. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof SealwrightError)) return false;
  return error instanceof RemoteError && (error.status === undefined || error.status >= 500 || error.status === 429);
}
