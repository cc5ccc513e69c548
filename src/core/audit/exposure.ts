import { isObject } from '../attestation/json-kind.ts';
import { CONTAINER_LISTS } from '../policy/workload/workload-images.ts';
import type { JsonObject, JsonValue } from '../encoding/json.ts';

/** What makes it worse that an image is not proven: as far as the pod itself says. */
export const EXPOSURES = ['privileged', 'host-network'] as const;

export type Exposure = (typeof EXPOSURES)[number];

/** Where kinds have the pod that they make. */
const TEMPLATES: readonly (readonly string[])[] = [
  ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  ['spec', 'template', 'spec'],
  ['spec'],
];
/** With these a container is as good as privileged (Pod Security Standards, baseline). */
const GREAT_CAPABILITIES: readonly JsonValue[] = ['ALL', 'SYS_ADMIN', 'CAP_SYS_ADMIN'];

/**
 * `privileged`: it can reach what else is on its node, by a privileged container, a great capability, the node's processes or its
 * files. `host-network`: what reaches the node reaches it, without a Service in between.
 *
 * @param document an object that is a pod, or makes one; what has not its shape is neither
 */
export function exposureOf(document: JsonObject | undefined): readonly Exposure[] {
  const spec = podSpec(document);
  if (spec === undefined) return [];
  const containers = CONTAINER_LISTS.flatMap((name) => objects(spec[name]));
  const isPrivileged =
    spec['hostPID'] === true ||
    spec['hostIPC'] === true ||
    objects(spec['volumes']).some(({ hostPath }) => hostPath !== undefined) ||
    containers.some(({ securityContext }) => isGreat(object(securityContext)));
  const isOnHost =
    spec['hostNetwork'] === true ||
    containers.some(({ ports }) => objects(ports).some(({ hostPort }) => typeof hostPort === 'number' && hostPort > 0));
  return EXPOSURES.filter((exposure) => (exposure === 'privileged' ? isPrivileged : isOnHost));
}

function podSpec(document: JsonObject | undefined): JsonObject | undefined {
  for (const steps of TEMPLATES) {
    let value: JsonObject | undefined = document;
    for (const step of steps) value = object(value?.[step]);
    if (value !== undefined) return value;
  }
  return undefined;
}

function isGreat(context: JsonObject | undefined): boolean {
  if (context?.['privileged'] === true) return true;
  const added = object(context?.['capabilities'])?.['add'];
  return Array.isArray(added) && (added as readonly JsonValue[]).some((name) => GREAT_CAPABILITIES.includes(name));
}

function object(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isObject) : [];
}
