import { isObject } from '../../attestation/json-kind.ts';
import type { JsonObject, JsonValue } from '../../encoding/json.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import { podTemplateSteps } from '../workload/workload-images.ts';

const CONTAINERS = ['containers', 'initContainers', 'ephemeralContainers'] as const;

/** Images of an object's containers by their kind; each kind is there, if only with none. */
export function containerImages(object: ReviewedObject): Readonly<Record<string, readonly string[]>> {
  const spec = podOf(object)?.['spec'];
  return Object.fromEntries(CONTAINERS.map((list) => [list, imagesIn(member(spec, list))]));
}

/** The object as a pod: itself, or what its template makes. Undefined for what has none. */
export function podOf({ group, resource, document }: ReviewedObject): JsonObject | undefined {
  if (group === '' && resource === 'pods') return document;
  const steps = podTemplateSteps(group, resource);
  if (steps === undefined || document === undefined) return undefined;
  let template: JsonValue | undefined = document;
  for (const step of steps) template = member(template, step);
  const metadata = { namespace: member(member(document, 'metadata'), 'namespace') ?? '' };
  const own = member(template, 'metadata');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: isObject(own) ? { ...metadata, ...own } : metadata,
    spec: member(template, 'spec') ?? {},
  };
}

function imagesIn(containers: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(containers)) return [];
  return (containers as readonly JsonValue[]).flatMap((container) => {
    const image = member(container, 'image');
    return typeof image === 'string' && image !== '' ? [image] : [];
  });
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
