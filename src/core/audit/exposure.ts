import { isObject } from '../attestation/json-kind.ts';
import { CONTAINER_LISTS } from '../policy/workload/workload-images.ts';
import type { JsonObject, JsonValue } from '../encoding/json.ts';

/** What makes it worse that an image is not proven, the worst first. */
export const EXPOSURES = ['from-outside', 'privileged', 'host-network'] as const;

export type Exposure = (typeof EXPOSURES)[number];

/** Where kinds have the pod that they make, those of others as well that do as Kubernetes' own; the object itself is the last. */
const TEMPLATES: readonly (readonly string[])[] = [
  ['spec', 'jobTemplate', 'spec', 'template'],
  ['spec', 'template'],
  [],
];
/** With these a container is as good as privileged (Pod Security Standards, baseline). */
const GREAT_CAPABILITIES: readonly JsonValue[] = ['ALL', 'SYS_ADMIN', 'CAP_SYS_ADMIN'];

/**
 * `from-outside`: something outside of the cluster reaches it, by objects that lead to its pods. `privileged`: it can reach what else is on its node, by a privileged container, a great capability, the node's processes or its
 * files. `host-network`: what reaches the node reaches it, without a Service in between.
 *
 * @param document an object that is a pod, or makes one; what has not its shape is neither
 * @param isReached by what the objects around it say
 */
export function exposureOf(document: JsonObject | undefined, isReached = false): readonly Exposure[] {
  const spec = object(podOf(document)?.['spec']) ?? {};
  const containers = CONTAINER_LISTS.flatMap((name) => objects(spec[name]));
  const isPrivileged =
    spec['hostPID'] === true ||
    spec['hostIPC'] === true ||
    objects(spec['volumes']).some(({ hostPath }) => hostPath !== undefined) ||
    containers.some(({ securityContext }) => isGreat(object(securityContext)));
  const isOnHost =
    spec['hostNetwork'] === true ||
    containers.some(({ ports }) => objects(ports).some(({ hostPort }) => typeof hostPort === 'number' && hostPort > 0));
  const is: Readonly<Record<Exposure, boolean>> = {
    'from-outside': isReached,
    privileged: isPrivileged,
    'host-network': isOnHost,
  };
  return EXPOSURES.filter((exposure) => is[exposure]);
}

/** Labels of the pods that an object is or makes, by which Services find them. */
export function podLabels(document: JsonObject | undefined): JsonObject {
  return object(podMetadata(document)?.['labels']) ?? {};
}

/** Of the pods that an object is or makes. */
export function podMetadata(document: JsonObject | undefined): JsonObject | undefined {
  return object(podOf(document)?.['metadata']);
}

/** For an order: what is exposed in a worse way comes before all that is exposed in several lesser ones. */
export function exposureRank(exposure: readonly Exposure[] = []): number {
  return EXPOSURES.reduce((rank, each) => 2 * rank + (exposure.includes(each) ? 1 : 0), 0);
}

function podOf(document: JsonObject | undefined): JsonObject | undefined {
  for (const steps of TEMPLATES) {
    let value: JsonObject | undefined = document;
    for (const step of steps) value = object(value?.[step]);
    if (object(value?.['spec']) !== undefined) return value;
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
