import { isObject } from '../attestation/json-kind.ts';
import type { JsonValue } from '../encoding/json.ts';

/**
 * Where Kubernetes' recommended labels say what bigger thing something is a part of ("Recommended Labels"): the nearest to a team that
 * objects have without anybody's agreement.
 */
export const DEFAULT_TEAM_LABEL = 'app.kubernetes.io/part-of';

/** No label is longer; an annotation may be, and is no name of a team then. */
const MAX_NAME = 63;

/**
 * Whose something is, by the first of the names that anything says: as a label, then as an annotation, of the first object that has one.
 *
 * @param names    of labels or annotations, the most telling first
 * @param metadata of objects, the nearest first: the pod, what makes it, its namespace. Untrusted: what has not its shape says nothing
 * @returns undefined where nothing says it: nobody is guessed
 */
export function teamOf(names: readonly string[], metadata: readonly (JsonValue | undefined)[]): string | undefined {
  for (const name of names) {
    for (const one of metadata) {
      const found = textIn(one, 'labels', name) ?? textIn(one, 'annotations', name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function textIn(metadata: JsonValue | undefined, kind: 'labels' | 'annotations', name: string): string | undefined {
  const map = isObject(metadata) ? metadata[kind] : undefined;
  const value = isObject(map) && Object.hasOwn(map, name) ? map[name] : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.length > MAX_NAME ? undefined : text;
}
